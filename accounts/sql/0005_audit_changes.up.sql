-- Who may do what, Django's own tables included. Hashes are told to have changed; times of use are not.
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.users', '{*password_hash, last_login}');
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.api_keys', '{*secret_hash, last_used_at}');
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.user_sessions', '{*jwt_token_hash}');
SELECT nfcs_core.audit_rows_of_v1(name::regclass)
FROM unnest('{user_mgmt.partner_configs, user_mgmt.users_groups, user_mgmt.users_user_permissions,
              public.auth_group, public.auth_permission, public.auth_group_permissions}'::text[]) name;
