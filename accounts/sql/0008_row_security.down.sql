SELECT nfcs_core.unprotect_rows_v1('user_mgmt.login_attempts');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.recovery_codes');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.second_factors');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.rate_limits');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.api_key_uses');
ALTER TABLE user_mgmt.api_key_uses ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON user_mgmt.api_key_uses FOR SELECT USING (
    (SELECT user_mgmt.administers_v1())
    OR key_id IN (SELECT k.id FROM user_mgmt.api_keys k WHERE k.owner_id = (SELECT user_mgmt.actor_v1())));
ALTER TABLE user_mgmt.rate_limits ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON user_mgmt.rate_limits FOR SELECT USING ((SELECT user_mgmt.administers_v1()));
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.partner_configs');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.api_keys');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.user_sessions');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.users_user_permissions');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.users_groups');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.users');
