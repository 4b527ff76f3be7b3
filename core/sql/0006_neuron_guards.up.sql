CREATE TRIGGER update_timestamp BEFORE UPDATE ON nfcs_core.quantum_neurons
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

ALTER TABLE nfcs_core.quantum_neurons
    ADD CONSTRAINT quantum_neurons_parameters_ck CHECK (jsonb_typeof(last_parameters) = 'object');
ALTER TABLE nfcs_core.quantum_entanglements
    ADD CONSTRAINT quantum_entanglements_vector_ck CHECK (octet_length(state_vector) = 64);

CREATE FUNCTION nfcs_core.coherence_l1_v1(x double precision, y double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(1.0, sqrt(x * x + y * y))
$$;
COMMENT ON FUNCTION nfcs_core.coherence_l1_v1(double precision, double precision) IS
    'Coherence C = 2 |rho_01| of a Bloch vector, 0 to 1.';

CREATE FUNCTION nfcs_core.label_neuron_v1(
    event text, x double precision, y double precision, z double precision,
    sweep_bias double precision, delta double precision, concurrence double precision
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN event NOT IN ('relax', 'sweep_start') AND (1 + abs(z)) / 2 >= 0.999 THEN 'collapsed'
        WHEN abs(sweep_bias) <= 3 * delta THEN 'tunneling'
        WHEN concurrence >= 0.1 THEN 'entangled'
        WHEN nfcs_core.coherence_l1_v1(x, y) >= 0.5 THEN 'superposition'
        WHEN nfcs_core.coherence_l1_v1(x, y) >= 0.1 THEN 'coherent'
        ELSE 'decoherent'
    END
$$;
COMMENT ON FUNCTION nfcs_core.label_neuron_v1(
    text, double precision, double precision, double precision, double precision, double precision, double precision) IS
    'What the numbers of a neuron amount to after an event; sweep_bias is null while no sweep is open.';

-- A vertex belongs to the neuron's network; the run stays.
CREATE FUNCTION nfcs_core.guard_neuron_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.node_id IS NOT NULL AND NEW.network_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM nfcs_core.reality_nodes WHERE id = NEW.node_id AND network_id = NEW.network_id
    ) THEN
        RAISE EXCEPTION 'vertex % is none of network %', NEW.node_id, NEW.network_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quantum_neurons_node_inside',
                  TABLE = 'quantum_neurons';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.run_id IS DISTINCT FROM OLD.run_id THEN
        RAISE EXCEPTION 'neuron % stays in its run', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quantum_neurons_run_fixed',
                  TABLE = 'quantum_neurons';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.guard_neuron_v1() IS
    'Trigger: the vertex of a neuron is one of its network, and its run does not change.';
CREATE TRIGGER neuron_guard BEFORE INSERT OR UPDATE OF network_id, node_id, run_id ON nfcs_core.quantum_neurons
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.guard_neuron_v1();

-- Derives the label. Before its first preparation nothing is known of a neuron: it is decoherent, at the ball's centre.
CREATE FUNCTION nfcs_core.derive_neuron_state_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    state_before text := 'decoherent';
    was_pair boolean := false;
    refusal text;
    reason text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (NEW.event_seq, NEW.last_event, NEW.measurement_count) <> (1, 'prepare', 0) THEN
            refusal := 'quantum_neurons_event_named';
            reason := 'a neuron begins with its preparation: last_event prepare, event_seq 1, no measurement';
        END IF;
    ELSIF NEW.event_seq = OLD.event_seq THEN
        IF (NEW.bloch_x, NEW.bloch_y, NEW.bloch_z, NEW.sweep_bias, NEW.sweep_rate, NEW.state, NEW.measurement_count,
            NEW.last_event, NEW.last_event_at, NEW.last_parameters, NEW.last_outcome, NEW.last_partner_id,
            NEW.omega, NEW.t1_s, NEW.t2_s, NEW.p_eq, NEW.delta, NEW.kappa,
            NEW.v_rest_mv, NEW.v_th_mv, NEW.tau_m_ms, NEW.r_mohm, NEW.refractory_ms)
           IS NOT DISTINCT FROM
           (OLD.bloch_x, OLD.bloch_y, OLD.bloch_z, OLD.sweep_bias, OLD.sweep_rate, OLD.state, OLD.measurement_count,
            OLD.last_event, OLD.last_event_at, OLD.last_parameters, OLD.last_outcome, OLD.last_partner_id,
            OLD.omega, OLD.t1_s, OLD.t2_s, OLD.p_eq, OLD.delta, OLD.kappa,
            OLD.v_rest_mv, OLD.v_th_mv, OLD.tau_m_ms, OLD.r_mohm, OLD.refractory_ms) THEN
            RETURN NEW;
        END IF;
        refusal := 'quantum_neurons_event_named';
        reason := 'what changes the state or the calibration of a neuron names last_event and sets event_seq one higher';
    ELSE
        state_before := OLD.state;
        was_pair := OLD.state = 'entangled' AND NEW.last_event <> 'calibrate';
        IF NEW.event_seq <> OLD.event_seq + 1 THEN
            refusal := 'quantum_neurons_event_named';
            reason := format('event %s of neuron %s is next, not %s', OLD.event_seq + 1, OLD.id, NEW.event_seq);
        ELSIF NEW.last_event_at < OLD.last_event_at THEN
            refusal := 'quantum_neurons_time_order';
            reason := format('the last event of neuron %s was at %s', OLD.id, OLD.last_event_at);
        ELSIF NEW.measurement_count <> OLD.measurement_count + (NEW.last_event = 'measure')::integer THEN
            refusal := 'quantum_neurons_measurements';
            reason := 'measurement_count counts the measurements of a neuron';
        ELSIF NEW.last_event = 'calibrate' AND
              (NEW.bloch_x, NEW.bloch_y, NEW.bloch_z, NEW.sweep_bias, NEW.sweep_rate)
              IS DISTINCT FROM (OLD.bloch_x, OLD.bloch_y, OLD.bloch_z, OLD.sweep_bias, OLD.sweep_rate) THEN
            refusal := 'quantum_neurons_calibration';
            reason := 'a calibration leaves the state as it is';
        ELSIF NEW.last_event <> 'calibrate' AND
              (NEW.omega, NEW.t1_s, NEW.t2_s, NEW.p_eq, NEW.delta, NEW.kappa,
               NEW.v_rest_mv, NEW.v_th_mv, NEW.tau_m_ms, NEW.r_mohm, NEW.refractory_ms)
              IS DISTINCT FROM
              (OLD.omega, OLD.t1_s, OLD.t2_s, OLD.p_eq, OLD.delta, OLD.kappa,
               OLD.v_rest_mv, OLD.v_th_mv, OLD.tau_m_ms, OLD.r_mohm, OLD.refractory_ms) THEN
            refusal := 'quantum_neurons_calibration';
            reason := 'only the event calibrate changes the calibration';
        ELSIF NEW.last_event = 'relax' AND nfcs_core.coherence_l1_v1(NEW.bloch_x, NEW.bloch_y)
              > nfcs_core.coherence_l1_v1(OLD.bloch_x, OLD.bloch_y) + 1e-9 THEN
            refusal := 'quantum_neurons_relax';
            reason := 'coherence does not grow while a neuron relaxes';
        END IF;
    END IF;
    IF refusal IS NULL AND
       (NEW.last_partner_id IS NOT NULL) <> (was_pair OR NEW.last_event IN ('gate2', 'disentangle')) THEN
        refusal := 'quantum_neurons_partner';
        reason := 'an event names last_partner where it changes both of a pair, and only there';
    END IF;
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION '%', reason
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = refusal, TABLE = 'quantum_neurons';
    END IF;

    IF NEW.last_event = 'calibrate' THEN
        NEW.state := OLD.state;
    ELSE
        NEW.state := nfcs_core.label_neuron_v1(
            NEW.last_event, NEW.bloch_x, NEW.bloch_y, NEW.bloch_z, NEW.sweep_bias, NEW.delta,
            (SELECT concurrence FROM nfcs_core.quantum_entanglements WHERE neuron_a_id = NEW.id
             UNION ALL
             SELECT concurrence FROM nfcs_core.quantum_entanglements WHERE neuron_b_id = NEW.id));
    END IF;
    IF NOT EXISTS (
        SELECT FROM nfcs_core.quantum_state_transitions t
        WHERE t.from_state = state_before AND t.event = NEW.last_event AND t.to_state = NEW.state
    ) THEN
        RAISE EXCEPTION '% does not lead neuron % from % to %', NEW.last_event, NEW.id, state_before, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quantum_neurons_transition',
                  TABLE = 'quantum_neurons';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.derive_neuron_state_v1() IS
    'Trigger: derives the label of a neuron and refuses what is no valid transition, or a change without its event.';
CREATE TRIGGER neuron_state_trigger BEFORE INSERT OR UPDATE ON nfcs_core.quantum_neurons
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.derive_neuron_state_v1();

-- As its owner, because the runtime role only reads the history.
CREATE FUNCTION nfcs_core.record_neuron_event_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO nfcs_core.quantum_neuron_history
        (neuron_id, ts, seq, event, from_state, to_state, actor_id, database_role,
         c_before, c_after, bloch_before, bloch_after, outcome, parameters, partner_id)
    VALUES (
        NEW.id, NEW.last_event_at, NEW.event_seq, NEW.last_event,
        CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE 'decoherent' END, NEW.state,
        nfcs_core.current_actor_v1(), session_user,
        CASE WHEN TG_OP = 'UPDATE' THEN OLD.coherence_l1 ELSE 0 END, NEW.coherence_l1,
        CASE WHEN TG_OP = 'UPDATE' THEN ARRAY[OLD.bloch_x, OLD.bloch_y, OLD.bloch_z] ELSE '{0,0,0}' END,
        ARRAY[NEW.bloch_x, NEW.bloch_y, NEW.bloch_z],
        NEW.last_outcome, NEW.last_parameters, NEW.last_partner_id);
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION nfcs_core.record_neuron_event_v1() IS 'Trigger: writes an event of a neuron into the history.';
-- Whoever may call it could write history from a trigger on a table of their own.
REVOKE EXECUTE ON FUNCTION nfcs_core.record_neuron_event_v1() FROM PUBLIC;
CREATE TRIGGER neuron_history_trigger_insert AFTER INSERT ON nfcs_core.quantum_neurons
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.record_neuron_event_v1();
CREATE TRIGGER neuron_history_trigger_update AFTER UPDATE ON nfcs_core.quantum_neurons
    FOR EACH ROW WHEN (NEW.event_seq <> OLD.event_seq) EXECUTE FUNCTION nfcs_core.record_neuron_event_v1();

-- Of every neuron one pair at most: who makes a pair locks both neurons first, the lower id before the higher.
CREATE FUNCTION nfcs_core.guard_entanglement_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM nfcs_core.quantum_neurons WHERE id IN (NEW.neuron_a_id, NEW.neuron_b_id) ORDER BY id FOR UPDATE;
    IF EXISTS (
        SELECT FROM nfcs_core.quantum_entanglements
        WHERE neuron_a_id IN (NEW.neuron_a_id, NEW.neuron_b_id) OR neuron_b_id IN (NEW.neuron_a_id, NEW.neuron_b_id)
    ) THEN
        RAISE EXCEPTION 'neuron % or % is one of a pair already', NEW.neuron_a_id, NEW.neuron_b_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quantum_entanglements_one_each',
                  TABLE = 'quantum_entanglements';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION nfcs_core.guard_entanglement_v1() IS 'Trigger: a neuron is entangled with one other at most.';
CREATE TRIGGER quantum_entanglements_guard BEFORE INSERT ON nfcs_core.quantum_entanglements
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.guard_entanglement_v1();
CREATE TRIGGER quantum_entanglements_fixed BEFORE UPDATE ON nfcs_core.quantum_entanglements
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();

-- Both of a pair or neither, asked when the transaction ends.
CREATE FUNCTION nfcs_core.check_pair_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    IF TG_TABLE_NAME = 'quantum_entanglements' THEN
        IF TG_OP = 'DELETE' THEN
            ids := ARRAY[OLD.neuron_a_id, OLD.neuron_b_id];
        ELSE
            ids := ARRAY[NEW.neuron_a_id, NEW.neuron_b_id];
        END IF;
    ELSE
        ids := ARRAY[NEW.id];
        IF NEW.last_partner_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM nfcs_core.quantum_neuron_history h
            WHERE h.neuron_id = NEW.last_partner_id AND h.ts = NEW.last_event_at AND h.partner_id = NEW.id
              AND h.event = CASE NEW.last_event
                  WHEN 'gate2' THEN 'gate2'
                  WHEN 'relax' THEN 'relax'
                  WHEN 'disentangle' THEN h.event
                  ELSE 'disentangle'
              END
        ) THEN
            RAISE EXCEPTION '% of neuron % lacks its counterpart in neuron %', NEW.last_event, NEW.id, NEW.last_partner_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quantum_neurons_both_or_neither',
                      TABLE = 'quantum_neurons';
        END IF;
    END IF;
    IF EXISTS (
        SELECT
        FROM nfcs_core.quantum_neurons n
        LEFT JOIN nfcs_core.quantum_entanglements e ON n.id IN (e.neuron_a_id, e.neuron_b_id)
        WHERE n.id = ANY (ids)
          AND ((n.state = 'entangled') <> (e.id IS NOT NULL)
               -- Of a pure pair each alone has a Bloch vector of length sqrt(1 - concurrence^2).
               OR abs(n.bloch_x ^ 2 + n.bloch_y ^ 2 + n.bloch_z ^ 2 + e.concurrence ^ 2 - 1) > 1e-6)
    ) THEN
        RAISE EXCEPTION 'neurons % and their pair disagree: both are entangled, or neither', ids
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'quantum_neurons_both_or_neither',
                  TABLE = 'quantum_neurons';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION nfcs_core.check_pair_v1() IS
    'Trigger: a pair is there exactly while both its neurons are entangled, and their histories agree.';
CREATE CONSTRAINT TRIGGER neuron_pair_check AFTER UPDATE ON nfcs_core.quantum_neurons
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state = 'entangled' OR NEW.state = 'entangled' OR NEW.last_partner_id IS NOT NULL)
    EXECUTE FUNCTION nfcs_core.check_pair_v1();
CREATE CONSTRAINT TRIGGER quantum_entanglements_check AFTER INSERT OR DELETE ON nfcs_core.quantum_entanglements
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nfcs_core.check_pair_v1();
