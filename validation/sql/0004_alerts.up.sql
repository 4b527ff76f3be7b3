CREATE TRIGGER update_timestamp BEFORE UPDATE ON validation.alert_channels
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON validation.alert_rules
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON validation.monitoring_alerts
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON validation.alert_memories
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

ALTER TABLE validation.alert_rules
    -- Telemetry as such has no value: it can only be absent.
    ADD CONSTRAINT alert_rules_metric_ck CHECK (
        metric IN ('r', 'ha', 'coherence', 'energy', 'defect_density') OR metric ~ '^metric:.'
        OR metric = 'telemetry' AND op = 'absent'),
    -- Derived metrics have neither component nor tags.
    ADD CONSTRAINT alert_rules_filters_ck CHECK (metric ~ '^metric:' OR component = '' AND tags = '{}'),
    ADD CONSTRAINT alert_rules_tags_ck CHECK (jsonb_typeof(tags) = 'object'),
    ADD CONSTRAINT alert_rules_labels_ck CHECK (
        jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, '$.* ? (@.type() != "string")'));
ALTER TABLE validation.monitoring_alerts
    ADD CONSTRAINT monitoring_alerts_series_ck CHECK (
        series_key ~ '^[0-9a-f]{64}$' AND metric <> '' AND jsonb_typeof(tags) = 'object');
ALTER TABLE validation.alert_memories
    ADD CONSTRAINT alert_memories_series_ck CHECK (
        series_key ~ '^[0-9a-f]{64}$' AND metric <> '' AND jsonb_typeof(tags) = 'object'),
    ADD CONSTRAINT alert_memories_state_ck CHECK (jsonb_typeof(state) = 'object');

-- What a rule remembers belongs to a version of its condition.
CREATE FUNCTION validation.guard_alert_rule_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.version := 1;
        RETURN NEW;
    END IF;
    NEW.created_at := OLD.created_at;
    NEW.version := OLD.version + (
        (NEW.metric, NEW.component, NEW.tags, NEW.run_id, NEW.run_kind, NEW.op, NEW.threshold, NEW.threshold_high,
         NEW.clear_threshold, NEW.clear_threshold_high, NEW.for_s, NEW.absent_for_s)
        IS DISTINCT FROM
        (OLD.metric, OLD.component, OLD.tags, OLD.run_id, OLD.run_kind, OLD.op, OLD.threshold, OLD.threshold_high,
         OLD.clear_threshold, OLD.clear_threshold_high, OLD.for_s, OLD.absent_for_s))::integer;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION validation.guard_alert_rule_v1() IS
    'Trigger: counts the changes of a rule''s condition; keeps created_at.';
CREATE TRIGGER alert_rules_guard BEFORE INSERT OR UPDATE ON validation.alert_rules
    FOR EACH ROW EXECUTE FUNCTION validation.guard_alert_rule_v1();

-- An alert may be written with the whole of its past; from then on it goes forward, and what was stays.
CREATE FUNCTION validation.guard_alert_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state = 'inactive' THEN
            RETURN OLD;
        END IF;
        broken := 'monitoring_alerts_kept';
    ELSIF (NEW.id, NEW.rule_id, NEW.run_id, NEW.series_key, NEW.metric, NEW.component, NEW.unit, NEW.tags)
          IS DISTINCT FROM
          (OLD.id, OLD.rule_id, OLD.run_id, OLD.series_key, OLD.metric, OLD.component, OLD.unit, OLD.tags) THEN
        broken := 'monitoring_alerts_identity_fixed';
    ELSIF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('inactive', 'pending'), ('pending', 'inactive'), ('pending', 'firing'), ('firing', 'resolved')
    ) THEN
        broken := 'monitoring_alerts_transition';
    ELSIF OLD.state <> 'inactive' AND NEW.state <> 'inactive'
          AND (NEW.pending_at, NEW.pending_value, NEW.severity, NEW.condition)
              IS DISTINCT FROM (OLD.pending_at, OLD.pending_value, OLD.severity, OLD.condition)
       OR OLD.state IN ('firing', 'resolved')
          AND (NEW.fired_at, NEW.fired_value) IS DISTINCT FROM (OLD.fired_at, OLD.fired_value)
       OR OLD.state = 'resolved'
          AND (NEW.peak_value, NEW.resolved_at, NEW.resolved_value, NEW.resolved_reason, NEW.silenced_until)
              IS DISTINCT FROM
              (OLD.peak_value, OLD.resolved_at, OLD.resolved_value, OLD.resolved_reason, OLD.silenced_until)
       OR OLD.announced_at IS NOT NULL AND NEW.announced_at IS DISTINCT FROM OLD.announced_at THEN
        broken := 'monitoring_alerts_past_fixed';
    ELSIF OLD.acknowledged
          AND (NEW.acknowledged, NEW.acknowledged_at, NEW.acknowledged_by_id)
              IS DISTINCT FROM (OLD.acknowledged, OLD.acknowledged_at, OLD.acknowledged_by_id) THEN
        broken := 'monitoring_alerts_acknowledged_fixed';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'alert % does not allow this: %', OLD.id, broken
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'monitoring_alerts';
    END IF;
    IF NEW.acknowledged AND NOT OLD.acknowledged THEN
        NEW.acknowledged_at := coalesce(NEW.acknowledged_at, clock_timestamp());
        NEW.acknowledged_by_id := coalesce(NEW.acknowledged_by_id, nfcs_core.current_actor_v1());
    END IF;
    NEW.created_at := OLD.created_at;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION validation.guard_alert_v1() IS
    'Trigger: inactive, pending, firing, resolved, and back only from pending to inactive; what happened stays.';
CREATE TRIGGER monitoring_alerts_guard BEFORE UPDATE OR DELETE ON validation.monitoring_alerts
    FOR EACH ROW EXECUTE FUNCTION validation.guard_alert_v1();

CREATE TRIGGER alert_deliveries_append_only BEFORE UPDATE OR DELETE ON validation.alert_deliveries
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();
