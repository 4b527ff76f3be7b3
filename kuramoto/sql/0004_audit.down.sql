SELECT nfcs_core.end_audit_of_v1('kuramoto.synchronization_states');
SELECT nfcs_core.end_audit_of_v1('kuramoto.synchronization_events');
SELECT nfcs_core.end_audit_of_v1('kuramoto.kuramoto_oscillators');
