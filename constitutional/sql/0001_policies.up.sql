ALTER TABLE constitutional.constitutional_policies ADD CONSTRAINT constitutional_policies_content_ck CHECK (
    (policy_content -> 'schema') IS NOT DISTINCT FROM '1'::jsonb);

-- A policy's version counts its changes of substance; fundamental policies stay fundamental.
CREATE FUNCTION constitutional.guard_policy_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.version := 1;
        RETURN NEW;
    END IF;
    IF OLD.policy_type = 'fundamental' AND NEW.policy_type <> 'fundamental' THEN
        RAISE EXCEPTION 'policy % is fundamental and stays so', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'constitutional_policies_fundamental_kept', TABLE = 'constitutional_policies';
    END IF;
    NEW.created_at := OLD.created_at;
    NEW.version := OLD.version + (
        (NEW.policy_name, NEW.policy_type, NEW.policy_content, NEW.priority_level, NEW.is_active)
        IS DISTINCT FROM
        (OLD.policy_name, OLD.policy_type, OLD.policy_content, OLD.priority_level, OLD.is_active))::integer;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION constitutional.guard_policy_v1() IS
    'Trigger: counts the versions of a policy; keeps created_at and the type of a fundamental policy.';
CREATE TRIGGER constitutional_policies_guard BEFORE INSERT OR UPDATE ON constitutional.constitutional_policies
    FOR EACH ROW EXECUTE FUNCTION constitutional.guard_policy_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON constitutional.constitutional_policies
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

-- As its owner, because the runtime role may not update versions.
CREATE FUNCTION constitutional.record_policy_version_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_at timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.version = OLD.version THEN
            RETURN NULL;
        END IF;
        UPDATE constitutional.constitutional_policy_versions
        SET valid_to = greatest(changed_at, valid_from)
        WHERE policy_id = OLD.id AND valid_to IS NULL
        RETURNING valid_to INTO changed_at;
    END IF;
    INSERT INTO constitutional.constitutional_policy_versions
        (policy_id, version, policy_name, policy_type, policy_content, priority_level, is_active,
         valid_from, author_id, database_role, change_note)
    VALUES (
        NEW.id, NEW.version, NEW.policy_name, NEW.policy_type, NEW.policy_content, NEW.priority_level, NEW.is_active,
        changed_at, nfcs_core.current_actor_v1(), session_user,
        coalesce(current_setting('nfcs.change_note', true), ''));
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION constitutional.record_policy_version_v1() IS
    'Trigger: writes a version of the policy, with the actor and the note set in nfcs.change_note.';
CREATE TRIGGER constitutional_policies_versions AFTER INSERT OR UPDATE ON constitutional.constitutional_policies
    FOR EACH ROW EXECUTE FUNCTION constitutional.record_policy_version_v1();

CREATE FUNCTION constitutional.refuse_policy_deletion_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.policy_type = 'fundamental' THEN
        RAISE EXCEPTION 'policy % is fundamental and is not deleted', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'constitutional_policies_fundamental_kept', TABLE = 'constitutional_policies';
    END IF;
    IF EXISTS (SELECT FROM constitutional.constitutional_violations WHERE policy_id = OLD.id) THEN
        RAISE EXCEPTION 'violations cite policy %', OLD.id
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'constitutional_policies_cited', TABLE = 'constitutional_policies';
    END IF;
    RETURN OLD;
END;
$$;
COMMENT ON FUNCTION constitutional.refuse_policy_deletion_v1() IS
    'Trigger: a fundamental policy, and one that a violation cites, is not deleted.';
CREATE TRIGGER constitutional_policies_kept BEFORE DELETE ON constitutional.constitutional_policies
    FOR EACH ROW EXECUTE FUNCTION constitutional.refuse_policy_deletion_v1();

-- A deleted policy leaves its versions, closed.
CREATE FUNCTION constitutional.release_policy_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM constitutional.policy_monitor_states WHERE policy_id = OLD.id;
    UPDATE constitutional.constitutional_policy_versions
    SET policy_id = NULL, valid_to = coalesce(valid_to, greatest(clock_timestamp(), valid_from))
    WHERE policy_id = OLD.id;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION constitutional.release_policy_v1() IS
    'Trigger: closes and detaches the versions of a deleted policy and forgets its monitor states.';
CREATE TRIGGER constitutional_policies_release AFTER DELETE ON constitutional.constitutional_policies
    FOR EACH ROW EXECUTE FUNCTION constitutional.release_policy_v1();

-- Versions: a copy of the policy as it stands, closed once, detached when the policy is gone.
CREATE FUNCTION constitutional.guard_policy_version_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (
            SELECT FROM constitutional.constitutional_policies p
            WHERE p.id = NEW.policy_id
              AND (p.version, p.policy_name, p.policy_type, p.policy_content, p.priority_level, p.is_active)
                = (NEW.version, NEW.policy_name, NEW.policy_type, NEW.policy_content, NEW.priority_level, NEW.is_active)
        ) THEN
            RAISE EXCEPTION 'a version is a copy of its policy as it stands'
                USING ERRCODE = 'integrity_constraint_violation',
                      CONSTRAINT = 'constitutional_policy_versions_copy', TABLE = 'constitutional_policy_versions';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE'
       AND to_jsonb(NEW) - 'valid_to' - 'policy_id' = to_jsonb(OLD) - 'valid_to' - 'policy_id'
       AND (NEW.valid_to = OLD.valid_to OR OLD.valid_to IS NULL)
       AND (NEW.policy_id = OLD.policy_id OR NEW.policy_id IS NULL AND NOT EXISTS (
            SELECT FROM constitutional.constitutional_policies WHERE id = OLD.policy_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'constitutional_policy_versions_append_only', TABLE = 'constitutional_policy_versions';
END;
$$;
COMMENT ON FUNCTION constitutional.guard_policy_version_v1() IS
    'Trigger: a version is written as its policy stands; later only valid_to is set, once.';
CREATE TRIGGER constitutional_policy_versions_guard
    BEFORE INSERT OR UPDATE OR DELETE ON constitutional.constitutional_policy_versions
    FOR EACH ROW EXECUTE FUNCTION constitutional.guard_policy_version_v1();
