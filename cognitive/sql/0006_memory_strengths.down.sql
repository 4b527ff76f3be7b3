SELECT nfcs_core.end_audit_of_v1('cognitive.memory_strengths');
