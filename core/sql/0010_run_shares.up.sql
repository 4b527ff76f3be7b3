CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.run_shares
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v2();
