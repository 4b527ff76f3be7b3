-- Thousands of rows at a time, worked out from memories and recalls, which are audited themselves.
SELECT nfcs_core.audit_statements_of_v1('cognitive.memory_strengths');
