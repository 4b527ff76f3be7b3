-- People see themselves; operators see everybody, as rows name them; administrators change them. Somebody may change
-- what is his own, such as a password, but neither his role nor whether he is active or a superuser.
SELECT nfcs_core.protect_rows_v1(
    'user_mgmt.users',
    $$(SELECT user_mgmt.sees_everything_v1()) OR id = (SELECT user_mgmt.actor_v1())$$,
    $$(SELECT user_mgmt.administers_v1())$$,
    $$(SELECT user_mgmt.administers_v1())
      OR id = (SELECT user_mgmt.actor_v1()) AND is_active AND NOT is_superuser
         AND role = (SELECT user_mgmt.actor_role_v1())$$,
    $$(SELECT user_mgmt.administers_v1())$$);
SELECT nfcs_core.protect_rows_v1(
    'user_mgmt.users_groups',
    $$(SELECT user_mgmt.sees_everything_v1()) OR user_id = (SELECT user_mgmt.actor_v1())$$,
    administers, administers, administers)
FROM (VALUES ('(SELECT user_mgmt.administers_v1())')) AS predicate (administers);
SELECT nfcs_core.protect_rows_v1(
    'user_mgmt.users_user_permissions',
    $$(SELECT user_mgmt.sees_everything_v1()) OR user_id = (SELECT user_mgmt.actor_v1())$$,
    administers, administers, administers)
FROM (VALUES ('(SELECT user_mgmt.administers_v1())')) AS predicate (administers);

-- Sessions and keys are one person's; administrators see and end them.
SELECT nfcs_core.protect_rows_v1('user_mgmt.user_sessions', own, own, own, own)
FROM (VALUES ($$(SELECT user_mgmt.administers_v1()) OR user_id = (SELECT user_mgmt.actor_v1())$$)) AS predicate (own);
SELECT nfcs_core.protect_rows_v1('user_mgmt.api_keys', own, own, own, own)
FROM (VALUES ($$(SELECT user_mgmt.administers_v1()) OR owner_id = (SELECT user_mgmt.actor_v1())$$)) AS predicate (own);

-- Partners are the operators' business.
SELECT nfcs_core.protect_rows_v1(
    'user_mgmt.partner_configs',
    $$(SELECT user_mgmt.sees_everything_v1()) OR owner_id = (SELECT user_mgmt.actor_v1())$$,
    everything, everything, everything)
FROM (VALUES ('(SELECT user_mgmt.sees_everything_v1())')) AS predicate (everything);

-- Where keys are used and who asks how often is written by SECURITY DEFINER functions alone.
DROP POLICY visible ON user_mgmt.api_key_uses;
DROP POLICY visible ON user_mgmt.rate_limits;
SELECT nfcs_core.protect_rows_v1(
    'user_mgmt.api_key_uses',
    $$(SELECT user_mgmt.administers_v1())
      OR key_id IN (SELECT k.id FROM user_mgmt.api_keys k WHERE k.owner_id = (SELECT user_mgmt.actor_v1()))$$,
    'false', 'false', 'false');
SELECT nfcs_core.protect_rows_v1(
    'user_mgmt.rate_limits', '(SELECT user_mgmt.administers_v1())', 'false', 'false', 'false');

-- A second factor and its recovery codes are one person's. Attempts to sign in are counted by SECURITY DEFINER
-- functions; administrators look at them and forget them.
SELECT nfcs_core.protect_rows_v1('user_mgmt.second_factors', own, own, own, own)
FROM (VALUES ($$(SELECT user_mgmt.administers_v1()) OR user_id = (SELECT user_mgmt.actor_v1())$$)) AS predicate (own);
SELECT nfcs_core.protect_rows_v1('user_mgmt.recovery_codes', own, own, own, own)
FROM (VALUES ($$(SELECT user_mgmt.administers_v1()) OR user_id = (SELECT user_mgmt.actor_v1())$$)) AS predicate (own);
SELECT nfcs_core.protect_rows_v1('user_mgmt.login_attempts', administers, administers, administers, administers)
FROM (VALUES ('(SELECT user_mgmt.administers_v1())')) AS predicate (administers);
