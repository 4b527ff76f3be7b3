SELECT nfcs_core.protect_run_rows_v1('kuramoto.kuramoto_oscillators');
SELECT nfcs_core.protect_run_rows_v1('kuramoto.synchronization_events');
SELECT nfcs_core.protect_run_rows_v1('kuramoto.synchronization_states');
