SELECT nfcs_core.unprotect_rows_v1('kuramoto.synchronization_states');
SELECT nfcs_core.unprotect_rows_v1('kuramoto.synchronization_events');
SELECT nfcs_core.unprotect_rows_v1('kuramoto.kuramoto_oscillators');
