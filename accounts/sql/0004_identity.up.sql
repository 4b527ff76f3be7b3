-- Whoever a transaction names: 0 for the system itself, an active user's id, or null for nobody.
CREATE FUNCTION user_mgmt.actor_v1() RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named text := current_setting('nfcs.user_id', true);
    known integer;
BEGIN
    IF named = '0' THEN
        RETURN 0;
    END IF;
    IF named IS NULL OR named !~ '^[1-9][0-9]{0,9}$' THEN
        RETURN NULL;
    END IF;
    SELECT u.id INTO known FROM user_mgmt.users u WHERE u.id = named::bigint AND u.is_active;
    RETURN known;
END;
$$;
COMMENT ON FUNCTION user_mgmt.actor_v1() IS
    'Who acts in this transaction: 0 the system, else an active user; null for nobody (unset, unknown, inactive).';

CREATE FUNCTION user_mgmt.actor_role_v1() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    actor integer := user_mgmt.actor_v1();
    answer text;
BEGIN
    IF actor = 0 THEN
        RETURN 'system';
    END IF;
    SELECT CASE WHEN u.is_superuser THEN 'admin' ELSE u.role END INTO answer
    FROM user_mgmt.users u WHERE u.id = actor;
    RETURN answer;
END;
$$;
COMMENT ON FUNCTION user_mgmt.actor_role_v1() IS
    'Role of who acts: system, admin (superusers too), operator, user or readonly; null for nobody.';

CREATE FUNCTION user_mgmt.is_signed_in_v1() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT user_mgmt.actor_v1() IS NOT NULL
$$;
COMMENT ON FUNCTION user_mgmt.is_signed_in_v1() IS 'Whether anybody acts: the system or an active user.';

CREATE FUNCTION user_mgmt.sees_everything_v1() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(user_mgmt.actor_role_v1() IN ('system', 'admin', 'operator'), false)
$$;
COMMENT ON FUNCTION user_mgmt.sees_everything_v1() IS
    'Whether who acts sees, and may change, the rows of every run: system, administrators, operators.';

CREATE FUNCTION user_mgmt.administers_v1() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(user_mgmt.actor_role_v1() IN ('system', 'admin'), false)
$$;
COMMENT ON FUNCTION user_mgmt.administers_v1() IS
    'Whether who acts sees and changes users, keys and partners of others: system and administrators.';

CREATE FUNCTION user_mgmt.inspects_v1() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(user_mgmt.actor_role_v1() <> 'user', false)
$$;
COMMENT ON FUNCTION user_mgmt.inspects_v1() IS
    'Whether who acts is shown how the system itself is doing: everybody but plain users.';

CREATE FUNCTION user_mgmt.may_write_v1() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(user_mgmt.actor_role_v1() <> 'readonly', false)
$$;
COMMENT ON FUNCTION user_mgmt.may_write_v1() IS 'Whether who acts writes anything at all: everybody but readonly.';

CREATE FUNCTION user_mgmt.owned_runs_v1() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    actor integer := user_mgmt.actor_v1();
BEGIN
    RETURN QUERY SELECT r.id FROM nfcs_core.runs r WHERE r.owner_id = actor;
END;
$$;
COMMENT ON FUNCTION user_mgmt.owned_runs_v1() IS 'The runs of who acts.';

CREATE FUNCTION user_mgmt.shared_runs_v1() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    actor integer := user_mgmt.actor_v1();
BEGIN
    RETURN QUERY
        SELECT s.run_id FROM nfcs_core.run_shares s
        JOIN user_mgmt.users_groups m ON m.group_id = s.group_id
        WHERE m.user_id = actor
        -- What the system says about itself is for everybody who is signed in.
        UNION
        SELECT r.id FROM nfcs_core.runs r
        WHERE r.run_uuid = '00000000-0000-0000-0000-000000000001' AND actor IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION user_mgmt.shared_runs_v1() IS
    'The runs that are shared with a group of who acts, and the system run.';

-- In one go: over a partitioned table every partition asks by itself.
CREATE FUNCTION user_mgmt.visible_runs_v1() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    actor integer := user_mgmt.actor_v1();
BEGIN
    RETURN QUERY
        SELECT r.id FROM nfcs_core.runs r WHERE r.owner_id = actor
        UNION ALL
        SELECT shared.run_id FROM user_mgmt.shared_runs_v1() AS shared (run_id);
END;
$$;
COMMENT ON FUNCTION user_mgmt.visible_runs_v1() IS
    'The runs whose rows who acts may read without seeing everything: owned, or shared through a group.';

CREATE FUNCTION user_mgmt.writable_runs_v1() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 AS $$
    SELECT runs.id FROM user_mgmt.owned_runs_v1() AS runs (id) WHERE (SELECT user_mgmt.may_write_v1())
$$;
COMMENT ON FUNCTION user_mgmt.writable_runs_v1() IS
    'The runs whose rows who acts may write without being allowed to change every run: owned, unless readonly.';

-- Who signs in is not known yet: these two see past row security, for one user exactly.
CREATE FUNCTION user_mgmt.find_user_v1(wanted integer) RETURNS SETOF user_mgmt.users
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM user_mgmt.users u WHERE u.id = wanted;
END;
$$;
COMMENT ON FUNCTION user_mgmt.find_user_v1(integer) IS
    'The user of that id, whoever acts: how a session finds its user before anybody is named.';
REVOKE EXECUTE ON FUNCTION user_mgmt.find_user_v1(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION user_mgmt.find_user_v1(integer) TO nfcs_app;

CREATE FUNCTION user_mgmt.find_user_by_name_v1(wanted text) RETURNS SETOF user_mgmt.users
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM user_mgmt.users u WHERE lower(u.username) = lower(wanted);
END;
$$;
COMMENT ON FUNCTION user_mgmt.find_user_by_name_v1(text) IS
    'The user of that name in whatever case, whoever acts: how somebody signs in before being named.';
REVOKE EXECUTE ON FUNCTION user_mgmt.find_user_by_name_v1(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION user_mgmt.find_user_by_name_v1(text) TO nfcs_app;

-- The system is no user: what names a user in a history or a note leaves it out.
CREATE OR REPLACE FUNCTION nfcs_core.current_actor_v1() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(nullif(current_setting('nfcs.user_id', true), ''), '0')::integer
$$;
