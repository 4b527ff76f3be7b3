-- updated_at on every core table that has one.
CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.runs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.system_config
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.reality_networks
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.reality_nodes
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.reality_edges
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

-- Runs: arrays that Django's checks cannot look into, and what defines a run stays.
ALTER TABLE nfcs_core.runs
    ADD CONSTRAINT runs_parameters_ck CHECK (jsonb_typeof(parameters) = 'object'),
    ADD CONSTRAINT runs_frequencies_ck CHECK (nfcs_core.is_finite_v1(natural_frequencies)),
    ADD CONSTRAINT runs_frequencies_n_ck CHECK (
        natural_frequencies IS NULL OR n_oscillators IS NULL
        OR (array_ndims(natural_frequencies) = 1 AND cardinality(natural_frequencies) = n_oscillators)),
    ADD CONSTRAINT runs_critical_coupling_ck CHECK (critical_coupling >= 0 AND critical_coupling < 'Infinity'),
    ADD CONSTRAINT runs_ha_weights_ck CHECK (
        cardinality(ha_weights) = 3 AND nfcs_core.is_finite_v1(ha_weights)
        AND 0 <= ALL (ha_weights) AND abs(ha_weights[1] + ha_weights[2] + ha_weights[3] - 1) < 1e-9);

CREATE FUNCTION nfcs_core.guard_run_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.run_uuid, NEW.kind, NEW.started_at) IS DISTINCT FROM (OLD.run_uuid, OLD.kind, OLD.started_at)
       OR NEW.seed IS DISTINCT FROM OLD.seed
       OR NEW.ha_weights IS DISTINCT FROM OLD.ha_weights
       OR NEW.defect_density_ref IS DISTINCT FROM OLD.defect_density_ref
       OR (OLD.n_oscillators IS NOT NULL AND NEW.n_oscillators IS DISTINCT FROM OLD.n_oscillators)
       OR (OLD.natural_frequencies IS NOT NULL
           AND NEW.natural_frequencies IS DISTINCT FROM OLD.natural_frequencies) THEN
        RAISE EXCEPTION 'what defines run % is fixed once it began', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'runs_definition_fixed', TABLE = 'runs';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.guard_run_v1() IS
    'Trigger: kind, seed, start, oscillator count, frequencies and Ha weights of a run do not change.';
CREATE TRIGGER runs_guard BEFORE UPDATE ON nfcs_core.runs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.guard_run_v1();

-- Configuration: the value is of the type that config_type names.
ALTER TABLE nfcs_core.system_config ADD CONSTRAINT system_config_value_ck CHECK (
    CASE config_type
        WHEN 'integer' THEN CASE WHEN jsonb_typeof(config_value) = 'number'
            THEN (config_value #>> '{}')::numeric = trunc((config_value #>> '{}')::numeric) ELSE false END
        WHEN 'float' THEN jsonb_typeof(config_value) = 'number'
        ELSE jsonb_typeof(config_value) = config_type
    END);

-- What the keys that the system itself reads may hold; any other key is free. The four levels of Ha rise.
CREATE FUNCTION nfcs_core.is_known_setting_v1(key text, type text, value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE key
        WHEN 'nfcs.field_resolution' THEN type = 'integer' AND value @? 'strict $ ? (@ >= 2 && @ <= 4096)'
        WHEN 'nfcs.ha_threshold' THEN type = 'float' AND value @? 'strict $ ? (@ > 0 && @ < 1)'
        WHEN 'nfcs.ha_levels' THEN type = 'object' AND value @? 'strict $ ? (
            @.warning > 0 && @.critical > @.warning && @.emergency > @.critical
            && @.failure > @.emergency && @.failure <= 10)'
        WHEN 'nfcs.emergency_max_duration_s' THEN type IN ('integer', 'float') AND value @? 'strict $ ? (@ > 0)'
        WHEN 'kuramoto.n_oscillators' THEN type = 'integer' AND value @? 'strict $ ? (@ >= 1 && @ <= 65536)'
        WHEN 'cognitive.modules_enabled' THEN
            type = 'array' AND value <@ '["constitution", "symbolic_ai", "memory", "reflection", "freedom"]'
        ELSE true
    END
$$;
COMMENT ON FUNCTION nfcs_core.is_known_setting_v1(text, text, jsonb) IS
    'Whether a configuration value is one that the reader of its key can use; true for keys nobody reads.';
ALTER TABLE nfcs_core.system_config ADD CONSTRAINT system_config_known_ck CHECK (
    nfcs_core.is_known_setting_v1(config_key, config_type, config_value));

CREATE FUNCTION nfcs_core.record_config_change_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.config_key, NEW.environment, NEW.config_value, NEW.config_type, NEW.is_active)
        IS NOT DISTINCT FROM (OLD.config_key, OLD.environment, OLD.config_value, OLD.config_type, OLD.is_active) THEN
        RETURN NULL;
    END IF;
    INSERT INTO nfcs_core.system_config_history
        (config_key, environment, old_value, new_value, changed_at, actor_id, database_role)
    VALUES (
        coalesce(NEW.config_key, OLD.config_key),
        coalesce(NEW.environment, OLD.environment),
        CASE WHEN TG_OP <> 'INSERT' THEN
            jsonb_build_object('value', OLD.config_value, 'type', OLD.config_type, 'is_active', OLD.is_active) END,
        CASE WHEN TG_OP <> 'DELETE' THEN
            jsonb_build_object('value', NEW.config_value, 'type', NEW.config_type, 'is_active', NEW.is_active) END,
        clock_timestamp(), nfcs_core.current_actor_v1(), session_user);
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION nfcs_core.record_config_change_v1() IS 'Trigger: keeps the history of system_config.';
CREATE TRIGGER system_config_history AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.system_config
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.record_config_change_v1();
CREATE TRIGGER system_config_history_append_only BEFORE UPDATE OR DELETE ON nfcs_core.system_config_history
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();

-- Graphs: merged and collapsed are terminal; an edge stays inside its graph; coordinates are finite.
CREATE FUNCTION nfcs_core.guard_network_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('merged', 'collapsed') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'network % is %, which is terminal', OLD.id, OLD.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reality_networks_status_terminal',
                  TABLE = 'reality_networks';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.guard_network_v1() IS 'Trigger: a merged or collapsed network stays so.';
CREATE TRIGGER reality_networks_guard BEFORE UPDATE OF status ON nfcs_core.reality_networks
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.guard_network_v1();

ALTER TABLE nfcs_core.reality_nodes ADD CONSTRAINT reality_nodes_finite_ck CHECK (
    nfcs_core.is_finite_v1(ARRAY[coalesce(x, 0), coalesce(y, 0), coalesce(z, 0), coalesce(omega, 0)]));
ALTER TABLE nfcs_core.reality_edges ADD CONSTRAINT reality_edges_lag_ck CHECK (lag_rad BETWEEN -pi() AND pi());

CREATE FUNCTION nfcs_core.guard_edge_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM nfcs_core.reality_nodes WHERE id IN (NEW.src_id, NEW.dst_id) AND network_id <> NEW.network_id
    ) THEN
        RAISE EXCEPTION 'edge % - % leaves network %', NEW.src_id, NEW.dst_id, NEW.network_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reality_edges_inside', TABLE = 'reality_edges';
    END IF;
    IF EXISTS (
        SELECT FROM nfcs_core.reality_edges e JOIN nfcs_core.reality_networks n ON n.id = e.network_id
        WHERE e.src_id = NEW.dst_id AND e.dst_id = NEW.src_id AND NOT n.directed
    ) THEN
        RAISE EXCEPTION 'edge % - % is there the other way round', NEW.src_id, NEW.dst_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'reality_edges_ends_uq', TABLE = 'reality_edges';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.guard_edge_v1() IS
    'Trigger: both ends of an edge are vertices of its network; an undirected edge stands once.';
CREATE TRIGGER reality_edges_guard BEFORE INSERT OR UPDATE ON nfcs_core.reality_edges
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.guard_edge_v1();
