SELECT nfcs_core.audit_rows_of_v1(name::regclass)
FROM unnest('{constitutional.constitutional_policies, constitutional.constitutional_policy_versions,
              constitutional.constitutional_violations, constitutional.violation_notes,
              constitutional.run_guard_states}'::text[]) name;
-- Changes with every batch of a run.
SELECT nfcs_core.audit_statements_of_v1('constitutional.policy_monitor_states', run_column => 'run_id');
