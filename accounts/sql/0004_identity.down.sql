CREATE OR REPLACE FUNCTION nfcs_core.current_actor_v1() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('nfcs.user_id', true), '')::integer
$$;

DROP FUNCTION user_mgmt.find_user_by_name_v1(text);
DROP FUNCTION user_mgmt.find_user_v1(integer);
DROP FUNCTION user_mgmt.writable_runs_v1();
DROP FUNCTION user_mgmt.visible_runs_v1();
DROP FUNCTION user_mgmt.shared_runs_v1();
DROP FUNCTION user_mgmt.owned_runs_v1();
DROP FUNCTION user_mgmt.may_write_v1();
DROP FUNCTION user_mgmt.inspects_v1();
DROP FUNCTION user_mgmt.administers_v1();
DROP FUNCTION user_mgmt.sees_everything_v1();
DROP FUNCTION user_mgmt.is_signed_in_v1();
DROP FUNCTION user_mgmt.actor_role_v1();
DROP FUNCTION user_mgmt.actor_v1();
