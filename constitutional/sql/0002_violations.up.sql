ALTER TABLE constitutional.constitutional_violations ADD CONSTRAINT constitutional_violations_data_ck CHECK (
    jsonb_typeof(violation_data) = 'object');

-- Evidence: complete on insert, fixed from then on; peak, severity and end until the episode has ended.
CREATE FUNCTION constitutional.guard_evidence_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.run_id := coalesce(
            NEW.run_id,
            (SELECT id FROM nfcs_core.runs WHERE run_uuid = '00000000-0000-0000-0000-000000000001'));
        NEW.policy_version_id := coalesce(
            NEW.policy_version_id,
            (SELECT id FROM constitutional.constitutional_policy_versions
             WHERE policy_id = NEW.policy_id AND valid_to IS NULL));
        NEW.first_crossing_at := coalesce(NEW.first_crossing_at, NEW.detected_at);
        IF NEW.policy_version_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM constitutional.constitutional_policy_versions
            WHERE id = NEW.policy_version_id AND policy_id = NEW.policy_id
        ) THEN
            broken := 'constitutional_violations_version';
        END IF;
    ELSIF (NEW.id, NEW.policy_id, NEW.policy_version_id, NEW.run_id, NEW.violation_data, NEW.ha_value,
           NEW.first_crossing_at, NEW.detected_at)
          IS DISTINCT FROM
          (OLD.id, OLD.policy_id, OLD.policy_version_id, OLD.run_id, OLD.violation_data, OLD.ha_value,
           OLD.first_crossing_at, OLD.detected_at) THEN
        broken := 'constitutional_violations_evidence';
    ELSIF OLD.cleared_at IS NOT NULL
          AND (NEW.severity_score, NEW.peak_value, NEW.peak_at, NEW.sample_count, NEW.cleared_at, NEW.cleared_reason)
              IS DISTINCT FROM
              (OLD.severity_score, OLD.peak_value, OLD.peak_at, OLD.sample_count, OLD.cleared_at, OLD.cleared_reason)
    THEN
        broken := 'constitutional_violations_episode_ended';
    ELSIF NEW.severity_score < OLD.severity_score THEN
        broken := 'constitutional_violations_severity_rises';
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'the evidence of violation % does not allow this: %', NEW.id, broken
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'constitutional_violations';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION constitutional.guard_evidence_v1() IS
    'Trigger: evidence of a violation is fixed; severity only rises, and nothing after the episode ended.';
CREATE TRIGGER constitutional_violations_evidence
    BEFORE INSERT OR UPDATE ON constitutional.constitutional_violations
    FOR EACH ROW EXECUTE FUNCTION constitutional.guard_evidence_v1();
CREATE TRIGGER constitutional_violations_append_only BEFORE DELETE ON constitutional.constitutional_violations
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();

-- Review: pending -> acknowledged -> resolved or false_positive; who and when are filled in and then fixed.
CREATE FUNCTION constitutional.guard_review_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    step text := OLD.resolution_status || ' -> ' || NEW.resolution_status;
    at timestamptz := greatest(clock_timestamp(), NEW.detected_at, OLD.acknowledged_at);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.resolution_status = 'pending' THEN
            RETURN NEW;
        END IF;
        step := 'new -> ' || NEW.resolution_status;
    ELSIF NEW.resolution_status = OLD.resolution_status THEN
        IF (NEW.acknowledged_at, NEW.acknowledged_by_id, NEW.resolved_at, NEW.resolved_by_id)
           IS DISTINCT FROM (OLD.acknowledged_at, OLD.acknowledged_by_id, OLD.resolved_at, OLD.resolved_by_id) THEN
            RAISE EXCEPTION 'who reviewed violation % and when is fixed', OLD.id
                USING ERRCODE = 'integrity_constraint_violation',
                      CONSTRAINT = 'constitutional_violations_review_fixed', TABLE = 'constitutional_violations';
        END IF;
        RETURN NEW;
    ELSIF step = 'pending -> acknowledged' THEN
        NEW.acknowledged_at := coalesce(NEW.acknowledged_at, at);
        NEW.acknowledged_by_id := coalesce(NEW.acknowledged_by_id, nfcs_core.current_actor_v1());
        RETURN NEW;
    ELSIF step IN ('acknowledged -> resolved', 'acknowledged -> false_positive')
          AND (NEW.acknowledged_at, NEW.acknowledged_by_id)
              IS NOT DISTINCT FROM (OLD.acknowledged_at, OLD.acknowledged_by_id) THEN
        NEW.resolved_at := coalesce(NEW.resolved_at, at);
        NEW.resolved_by_id := coalesce(NEW.resolved_by_id, nfcs_core.current_actor_v1());
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'violation %: % is no step of the review', NEW.id, step
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'constitutional_violations_workflow', TABLE = 'constitutional_violations';
END;
$$;
COMMENT ON FUNCTION constitutional.guard_review_v1() IS
    'Trigger: pending -> acknowledged -> resolved or false_positive, with who and when.';
CREATE TRIGGER constitutional_violations_review BEFORE INSERT OR UPDATE ON constitutional.constitutional_violations
    FOR EACH ROW EXECUTE FUNCTION constitutional.guard_review_v1();

CREATE FUNCTION constitutional.record_review_step_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO constitutional.violation_notes
        (violation_id, author_id, action, from_status, to_status, text, created_at)
    VALUES (
        NEW.id,
        CASE NEW.resolution_status WHEN 'acknowledged' THEN NEW.acknowledged_by_id ELSE NEW.resolved_by_id END,
        CASE NEW.resolution_status
            WHEN 'acknowledged' THEN 'acknowledge' WHEN 'resolved' THEN 'resolve' ELSE 'false_positive' END,
        OLD.resolution_status, NEW.resolution_status,
        coalesce(current_setting('nfcs.change_note', true), ''),
        CASE NEW.resolution_status WHEN 'acknowledged' THEN NEW.acknowledged_at ELSE NEW.resolved_at END);
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION constitutional.record_review_step_v1() IS
    'Trigger: notes a step of the review, with the note set in nfcs.change_note.';
CREATE TRIGGER constitutional_violations_steps AFTER UPDATE ON constitutional.constitutional_violations
    FOR EACH ROW WHEN (OLD.resolution_status IS DISTINCT FROM NEW.resolution_status)
    EXECUTE FUNCTION constitutional.record_review_step_v1();

-- Notes: a step is noted where the violation took it, and none is changed.
CREATE FUNCTION constitutional.guard_note_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.action <> 'note' AND NOT EXISTS (
        SELECT FROM constitutional.constitutional_violations
        WHERE id = NEW.violation_id AND resolution_status = NEW.to_status
    ) THEN
        RAISE EXCEPTION 'violation % is not %', NEW.violation_id, NEW.to_status
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'violation_notes_step', TABLE = 'violation_notes';
    END IF;
    NEW.author_id := coalesce(NEW.author_id, nfcs_core.current_actor_v1());
    NEW.database_role := session_user;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION constitutional.guard_note_v1() IS
    'Trigger: fills in author and role of a note; a step is noted only where it was taken.';
CREATE TRIGGER violation_notes_guard BEFORE INSERT ON constitutional.violation_notes
    FOR EACH ROW EXECUTE FUNCTION constitutional.guard_note_v1();
CREATE TRIGGER violation_notes_append_only BEFORE UPDATE OR DELETE ON constitutional.violation_notes
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();

-- The monitor's memory.
ALTER TABLE constitutional.policy_monitor_states ADD CONSTRAINT policy_monitor_states_state_ck CHECK (
    jsonb_typeof(state) = 'object');
ALTER TABLE constitutional.run_guard_states ADD CONSTRAINT run_guard_states_state_ck CHECK (
    jsonb_typeof(state) = 'object');
CREATE TRIGGER update_timestamp BEFORE UPDATE ON constitutional.policy_monitor_states
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON constitutional.run_guard_states
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
