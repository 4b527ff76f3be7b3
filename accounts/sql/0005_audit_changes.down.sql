SELECT nfcs_core.end_audit_of_v1(name::regclass)
FROM unnest('{user_mgmt.users, user_mgmt.api_keys, user_mgmt.user_sessions, user_mgmt.partner_configs,
              user_mgmt.users_groups, user_mgmt.users_user_permissions,
              public.auth_group, public.auth_permission, public.auth_group_permissions}'::text[]) name;
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON user_mgmt.users
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1('password_hash', 'last_login');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1('secret_hash', 'last_used_at');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON user_mgmt.partner_configs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1();
