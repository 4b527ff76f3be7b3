SELECT nfcs_core.audit_statements_of_v1('kuramoto.kuramoto_oscillators',
    'sha256(string_agg(sha256(record_send(ROW(r.id, r.run_id, r."timestamp", r.phases, r.sync_parameter, r.mean_phase,
        r.coupling_strength, public.vector_send(r.semantic_embedding), r.prediction_horizons, r.ha, r.ha_version,
        r.ha_defect, r.ha_forecast, r.ha_drift))), ''''))',
    run_column => 'run_id');
SELECT nfcs_core.audit_statements_of_v1('kuramoto.synchronization_events', run_column => 'run_id');
-- Changes with every batch of a run.
SELECT nfcs_core.audit_statements_of_v1('kuramoto.synchronization_states', run_column => 'run_id');
