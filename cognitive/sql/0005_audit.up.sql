SELECT nfcs_core.audit_rows_of_v1('cognitive.cognitive_sessions');
SELECT nfcs_core.audit_rows_of_v1('cognitive.consciousness_records');
-- Counts and times of recalls follow memory_retrievals.
SELECT nfcs_core.audit_rows_of_v1(
    'cognitive.memory_experiences', '{retrieval_count, last_accessed, last_recalled_at}');
SELECT nfcs_core.audit_statements_of_v1('cognitive.memory_retrievals');
SELECT nfcs_core.audit_statements_of_v1('cognitive.consciousness_snapshots', run_column => 'run_id');
