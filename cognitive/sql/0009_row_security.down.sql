DROP VIEW cognitive.consciousness_daily_view;
SELECT nfcs_core.unprotect_rows_v1('cognitive.memory_strengths');
SELECT nfcs_core.unprotect_rows_v1('cognitive.memory_retrievals');
SELECT nfcs_core.unprotect_rows_v1('cognitive.memory_experiences');
SELECT nfcs_core.unprotect_rows_v1('cognitive.consciousness_snapshots');
SELECT nfcs_core.unprotect_rows_v1('cognitive.consciousness_records');
SELECT nfcs_core.unprotect_rows_v1('cognitive.cognitive_sessions');
