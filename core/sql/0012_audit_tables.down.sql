DROP TRIGGER audit_truncate ON nfcs_core.run_shares;
DROP TRIGGER audit_truncate ON nfcs_core.named_secrets;
SELECT nfcs_core.end_audit_of_v1(name::regclass)
FROM unnest('{nfcs_core.runs, nfcs_core.system_config, nfcs_core.system_config_history, nfcs_core.reality_networks,
              nfcs_core.quantum_neurons, nfcs_core.quantum_entanglements, nfcs_core.quantum_state_transitions,
              nfcs_core.schema_migrations, nfcs_core.reality_nodes, nfcs_core.reality_edges,
              nfcs_core.quantum_neuron_history, nfcs_core.nfcs_fields}'::text[]) name;
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.system_config
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.runs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.reality_networks
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v1();
