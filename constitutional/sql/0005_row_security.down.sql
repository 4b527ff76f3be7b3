SELECT nfcs_core.unprotect_rows_v1('constitutional.violation_notes');
SELECT nfcs_core.unprotect_rows_v1('constitutional.run_guard_states');
SELECT nfcs_core.unprotect_rows_v1('constitutional.policy_monitor_states');
SELECT nfcs_core.unprotect_rows_v1('constitutional.constitutional_violations');
SELECT nfcs_core.unprotect_rows_v1('constitutional.constitutional_policy_versions');
SELECT nfcs_core.unprotect_rows_v1('constitutional.constitutional_policies');
