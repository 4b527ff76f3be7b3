-- Who may do what is audited; hashes and times of use stay out.
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON user_mgmt.users
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1('password_hash', 'last_login');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1('secret_hash', 'last_used_at');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON user_mgmt.partner_configs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1();
