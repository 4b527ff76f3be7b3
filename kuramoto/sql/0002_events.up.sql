ALTER TABLE kuramoto.synchronization_events
    ADD CONSTRAINT synchronization_events_type_ck CHECK (
        event_type IN ('sync_achieved', 'desync_detected', 'emergency_stop', 'recovery')),
    ADD CONSTRAINT synchronization_events_cause_ck CHECK (
        cause IN ('order_parameter', 'hallucination', 'invalid_data', 'manual')
        AND (cause = 'order_parameter') = (event_type IN ('sync_achieved', 'desync_detected'))),
    ADD CONSTRAINT synchronization_events_levels_ck CHECK (
        sync_level_before >= 0 AND sync_level_before <= 1 AND sync_level_after >= 0 AND sync_level_after <= 1),
    ADD CONSTRAINT synchronization_events_thresholds_ck CHECK (
        event_type NOT IN ('sync_achieved', 'desync_detected')
        OR (threshold_on IS NOT NULL AND threshold_off IS NOT NULL AND dwell_s IS NOT NULL
            AND entered_at IS NOT NULL AND sync_level_after IS NOT NULL
            AND 0 <= threshold_off AND threshold_off < threshold_on AND threshold_on <= 1
            AND dwell_s > 0 AND dwell_s < 'Infinity')),
    -- The event says what its own numbers say.
    ADD CONSTRAINT synchronization_events_agrees_ck CHECK (
        CASE event_type
            WHEN 'sync_achieved' THEN sync_level_after >= threshold_on
            WHEN 'desync_detected' THEN sync_level_after <= threshold_off
            ELSE true
        END),
    ADD CONSTRAINT synchronization_events_times_ck CHECK (entered_at <= occurred_at),
    ADD CONSTRAINT synchronization_events_reason_ck CHECK (
        event_type IN ('sync_achieved', 'desync_detected') OR btrim(reason) <> ''),
    ADD CONSTRAINT synchronization_events_actor_ck CHECK (cause <> 'manual' OR actor_id IS NOT NULL),
    ADD CONSTRAINT synchronization_events_data_ck CHECK (jsonb_typeof(event_data) = 'object');

CREATE TRIGGER synchronization_events_append_only BEFORE UPDATE OR DELETE ON kuramoto.synchronization_events
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();

-- Per run, sync and desync alternate, beginning with sync; a latched emergency stop is followed by a recovery.
CREATE FUNCTION kuramoto.guard_event_order_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    is_order_event boolean := NEW.event_type IN ('sync_achieved', 'desync_detected');
    last_type text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('synchronization_events'), hashint8(NEW.run_id));
    SELECT event_type INTO last_type
    FROM kuramoto.synchronization_events
    WHERE run_id = NEW.run_id AND (event_type IN ('sync_achieved', 'desync_detected')) = is_order_event
    ORDER BY id DESC
    LIMIT 1;
    IF NEW.event_type = last_type OR (last_type IS NULL AND NEW.event_type IN ('desync_detected', 'recovery')) THEN
        RAISE EXCEPTION '% cannot follow % in run %', NEW.event_type, coalesce(last_type, 'nothing'), NEW.run_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'synchronization_events_alternate',
                  TABLE = 'synchronization_events';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION kuramoto.guard_event_order_v1() IS
    'Trigger: events of a run alternate: sync and desync, emergency stop and recovery.';
CREATE TRIGGER synchronization_events_order BEFORE INSERT ON kuramoto.synchronization_events
    FOR EACH ROW EXECUTE FUNCTION kuramoto.guard_event_order_v1();

CREATE TRIGGER update_timestamp BEFORE UPDATE ON kuramoto.synchronization_states
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
