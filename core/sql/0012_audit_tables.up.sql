SELECT nfcs_core.audit_rows_of_v1('nfcs_core.named_secrets', '{*value}');
SELECT nfcs_core.audit_rows_of_v1('nfcs_core.run_shares');
SELECT nfcs_core.audit_rows_of_v1(name::regclass)
FROM unnest('{nfcs_core.runs, nfcs_core.system_config, nfcs_core.system_config_history, nfcs_core.reality_networks,
              nfcs_core.quantum_neurons, nfcs_core.quantum_entanglements, nfcs_core.quantum_state_transitions,
              nfcs_core.schema_migrations}'::text[]) name;
-- A large network comes and goes in one statement; what somebody edits is told row by row.
SELECT nfcs_core.audit_statements_of_v1('nfcs_core.reality_nodes', told => 100);
SELECT nfcs_core.audit_statements_of_v1('nfcs_core.reality_edges', told => 100);
SELECT nfcs_core.audit_statements_of_v1('nfcs_core.quantum_neuron_history');
-- The frame itself is bound by frame_sha256, which a constraint holds to it.
SELECT nfcs_core.audit_statements_of_v1('nfcs_core.nfcs_fields',
    'sha256(string_agg(sha256(record_send(ROW(r.id, r.run_id, r."timestamp", r.field_data, r.frame_sha256,
        r.frame_encoding, r.resolution, r.ndim, r.coherence_level, r.energy_state, r.mean_abs, r.gradient_energy,
        r.quartic_energy, r.defect_count, r.defect_density, r.ha, r.ha_version, r.ha_defect, r.ha_forecast, r.ha_drift, r.created_at))), ''''))',
    run_column => 'run_id');
