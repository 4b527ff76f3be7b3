DROP TRIGGER audit_change ON nfcs_core.reality_networks;
DROP TRIGGER audit_change ON nfcs_core.runs;
DROP TRIGGER audit_change ON nfcs_core.system_config;
DROP FUNCTION nfcs_core.audit_change_v1();
DROP TABLE nfcs_core.golden_dag_audit;
