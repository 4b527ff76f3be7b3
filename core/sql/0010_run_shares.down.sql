DROP TRIGGER audit_change ON nfcs_core.run_shares;
