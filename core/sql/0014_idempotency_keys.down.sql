SELECT nfcs_core.unprotect_rows_v1('nfcs_core.idempotency_keys');
