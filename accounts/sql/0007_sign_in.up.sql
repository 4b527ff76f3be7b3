-- A session is what it was made as; an end is final, and refresh tokens only get newer.
CREATE FUNCTION user_mgmt.guard_session_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.user_id, NEW.session_uuid) IS DISTINCT FROM (OLD.user_id, OLD.session_uuid) OR NEW.generation < OLD.generation THEN
        RAISE EXCEPTION 'user and identity of session % are fixed', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'user_sessions_identity_fixed',
                  TABLE = 'user_sessions';
    END IF;
    IF OLD.revoked_at IS NOT NULL AND (NEW.revoked_at, NEW.revoked_reason, NEW.jwt_token_hash, NEW.refresh_hash)
        IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_reason, OLD.jwt_token_hash, OLD.refresh_hash) THEN
        RAISE EXCEPTION 'session % has ended', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'user_sessions_revoked_final',
                  TABLE = 'user_sessions';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION user_mgmt.guard_session_v1() IS 'Trigger: identity of a session is fixed, its end is final.';
CREATE TRIGGER user_sessions_guard BEFORE UPDATE ON user_mgmt.user_sessions
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_session_v1();

-- A new role or password, a disabled user, or the wish to end all of them ends the sessions, whoever makes the change.
-- The session named by the setting nfcs.session goes on: who changes his own password stays signed in.
CREATE FUNCTION user_mgmt.end_sessions_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reason text := CASE
        WHEN NOT NEW.is_active AND OLD.is_active THEN 'disabled'
        WHEN NEW.role <> OLD.role OR NEW.is_superuser <> OLD.is_superuser THEN 'role'
        WHEN NEW.password_hash <> OLD.password_hash THEN 'password'
        WHEN NEW.sessions_ended_at IS DISTINCT FROM OLD.sessions_ended_at THEN 'ended'
    END;
BEGIN
    IF reason IS NOT NULL THEN
        UPDATE user_mgmt.user_sessions
        SET revoked_at = statement_timestamp(), revoked_reason = reason
        WHERE user_id = NEW.id AND revoked_at IS NULL
          AND (reason NOT IN ('password', 'ended')
               OR session_uuid::text <> coalesce(current_setting('nfcs.session', true), ''));
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION user_mgmt.end_sessions_v1() IS
    'Trigger: ends the sessions of a user who is disabled or gets another role or password.';
CREATE TRIGGER users_end_sessions
    AFTER UPDATE OF is_active, role, is_superuser, password_hash, sessions_ended_at ON user_mgmt.users
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.end_sessions_v1();

-- Somebody can always administer the system. The lock makes two who demote each other take turns.
CREATE FUNCTION user_mgmt.keep_an_admin_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.role <> 'admin' OR NOT OLD.is_active OR (TG_OP = 'UPDATE' AND NEW.role = 'admin' AND NEW.is_active) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('user_mgmt.keep_an_admin', 0));
    IF NOT EXISTS (SELECT FROM user_mgmt.users WHERE role = 'admin' AND is_active) THEN
        RAISE EXCEPTION '% is the last administrator', OLD.username
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'users_last_admin', TABLE = 'users';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION user_mgmt.keep_an_admin_v1() IS
    'Trigger: the last active administrator is not disabled, demoted or deleted.';
CREATE TRIGGER users_keep_an_admin AFTER UPDATE OF role, is_active OR DELETE ON user_mgmt.users
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.keep_an_admin_v1();

-- Limits of signing in. An attempt is counted before the password is looked at, and given back when it was right, so
-- that no more than the limit can be under way or have failed at once.
CREATE FUNCTION user_mgmt.take_login_attempt_v1(
    subjects text[], most integer[], width interval, moment timestamptz
) RETURNS double precision
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wait double precision;
BEGIN
    -- In one order for everybody, so that two never wait for each other.
    INSERT INTO user_mgmt.login_attempts AS kept (subject, attempted_at)
    SELECT subject, '{}' FROM unnest(subjects) AS subject ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET attempted_at = ARRAY(
        SELECT attempt FROM unnest(kept.attempted_at) AS attempt WHERE attempt > moment - width ORDER BY attempt);

    SELECT max(extract(epoch FROM kept.attempted_at[cardinality(kept.attempted_at) - asked.most + 1] + width - moment))
    INTO wait
    FROM unnest(subjects, most) AS asked (subject, most)
    JOIN user_mgmt.login_attempts AS kept USING (subject)
    WHERE cardinality(kept.attempted_at) >= asked.most;

    IF wait IS NULL THEN
        UPDATE user_mgmt.login_attempts SET attempted_at = attempted_at || moment WHERE subject = ANY (subjects);
    END IF;
    RETURN wait;
END;
$$;
COMMENT ON FUNCTION user_mgmt.take_login_attempt_v1(text[], integer[], interval, timestamptz) IS
    'Counts an attempt to sign in for every subject, each with its limit; or the seconds to wait, where one is used up.';

CREATE FUNCTION user_mgmt.give_back_login_attempt_v1(subjects text[], moment timestamptz) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named text;
BEGIN
    FOR named IN SELECT subject FROM unnest(subjects) AS subject ORDER BY subject LOOP
        UPDATE user_mgmt.login_attempts
        SET attempted_at = attempted_at[:array_position(attempted_at, moment) - 1]
            || attempted_at[array_position(attempted_at, moment) + 1:]
        WHERE subject = named AND moment = ANY (attempted_at);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION user_mgmt.give_back_login_attempt_v1(text[], timestamptz) IS
    'Takes back one attempt counted at that time, of every subject: it was right.';

REVOKE EXECUTE ON FUNCTION
    user_mgmt.end_sessions_v1(),
    user_mgmt.keep_an_admin_v1(),
    user_mgmt.take_login_attempt_v1(text[], integer[], interval, timestamptz),
    user_mgmt.give_back_login_attempt_v1(text[], timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    user_mgmt.take_login_attempt_v1(text[], integer[], interval, timestamptz),
    user_mgmt.give_back_login_attempt_v1(text[], timestamptz)
    TO nfcs_app;

-- Who comes with a token is not known yet: these two see past row security, for one session exactly.
CREATE FUNCTION user_mgmt.use_session_v1(token_hash text, moment timestamptz) RETURNS SETOF user_mgmt.user_sessions
LANGUAGE plpgsql
SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_session user_mgmt.user_sessions;
BEGIN
    SELECT s.* INTO found_session
    FROM user_mgmt.user_sessions s JOIN user_mgmt.users u ON u.id = s.user_id
    WHERE s.jwt_token_hash = token_hash AND s.revoked_at IS NULL AND s.expires_at > moment AND u.is_active;
    IF found_session.id IS NULL THEN
        RETURN;
    END IF;
    IF coalesce(found_session.last_seen_at, '-infinity') < moment - interval '1 minute' THEN
        UPDATE user_mgmt.user_sessions SET last_seen_at = moment WHERE id = found_session.id;
    END IF;
    RETURN NEXT found_session;
END;
$$;
COMMENT ON FUNCTION user_mgmt.use_session_v1(text, timestamptz) IS
    'The session that goes on and whose access token has this hash; at most once a minute it notes the time of use.';

CREATE FUNCTION user_mgmt.find_session_v1(wanted uuid) RETURNS SETOF user_mgmt.user_sessions
LANGUAGE plpgsql STABLE
SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM user_mgmt.user_sessions s WHERE s.session_uuid = wanted;
END;
$$;
COMMENT ON FUNCTION user_mgmt.find_session_v1(uuid) IS
    'The session of that identity, whoever acts: how a refresh token finds whose it is.';

REVOKE EXECUTE ON FUNCTION user_mgmt.use_session_v1(text, timestamptz), user_mgmt.find_session_v1(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION user_mgmt.use_session_v1(text, timestamptz), user_mgmt.find_session_v1(uuid) TO nfcs_app;

-- Sessions and factors are audited by their beginnings and ends, not by their use; no hash and no seed.
SELECT nfcs_core.audit_rows_of_v1(
    'user_mgmt.user_sessions', '{jwt_token_hash, refresh_hash, generation, last_seen_at, address, user_agent}');
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.second_factors', '{*seed, last_step}');
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.recovery_codes', '{*code_hash}');
