-- Counts are whole, latencies finite, errors among the calls, the median below the 95th percentile; other keys are free.
CREATE FUNCTION cognitive.is_performance_v1(metrics jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_typeof(metrics) = 'object'
       AND (NOT metrics ? 'calls' OR metrics @? 'strict $.calls ? (@ >= 0 && @ < 9e15 && @.floor() == @)')
       AND (NOT metrics ? 'errors' OR metrics @? 'strict $.errors ? (@ >= 0 && @ < 9e15 && @.floor() == @)')
       AND (NOT metrics ? 'p50_ms' OR metrics @? 'strict $.p50_ms ? (@ >= 0 && @ < 1e308)')
       AND (NOT metrics ? 'p95_ms' OR metrics @? 'strict $.p95_ms ? (@ >= 0 && @ < 1e308)')
       AND (NOT metrics ?& '{calls,errors}' OR metrics @? 'strict $ ? (@.errors <= @.calls)')
       AND (NOT metrics ?& '{p50_ms,p95_ms}' OR metrics @? 'strict $ ? (@.p50_ms <= @.p95_ms)')
       AND (NOT metrics ? 'phase_source' OR metrics @? 'strict $.phase_source ? (@.type() == "string" && @ != "")')
$$;
COMMENT ON FUNCTION cognitive.is_performance_v1(jsonb) IS
    'Whether an object holds usable calls, errors, p50_ms, p95_ms and phase_source, as far as it has them.';

ALTER TABLE cognitive.cognitive_sessions
    ADD CONSTRAINT cognitive_sessions_data_ck CHECK (jsonb_typeof(session_data) = 'object'),
    ADD CONSTRAINT cognitive_sessions_metrics_ck CHECK (cognitive.is_performance_v1(performance_metrics));

CREATE FUNCTION cognitive.guard_session_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'session % ended at %', OLD.id, OLD.ended_at
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'cognitive_sessions_ended',
                  TABLE = 'cognitive_sessions';
    END IF;
    IF (NEW.session_uuid, NEW.module_type, NEW.worker, NEW.started_at)
        IS DISTINCT FROM (OLD.session_uuid, OLD.module_type, OLD.worker, OLD.started_at)
       OR NEW.run_id IS DISTINCT FROM OLD.run_id THEN
        RAISE EXCEPTION 'what session % is does not change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'cognitive_sessions_identity_fixed',
                  TABLE = 'cognitive_sessions';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION cognitive.guard_session_v1() IS
    'Trigger: an ended session stays as it is; module, worker, run and start of an open one do not change.';
CREATE TRIGGER cognitive_sessions_guard BEFORE UPDATE ON cognitive.cognitive_sessions
    FOR EACH ROW EXECUTE FUNCTION cognitive.guard_session_v1();
