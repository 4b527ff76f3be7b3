SELECT nfcs_core.unprotect_rows_v1('user_mgmt.partner_configs');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.api_keys');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.user_sessions');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.users_user_permissions');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.users_groups');
SELECT nfcs_core.unprotect_rows_v1('user_mgmt.users');
