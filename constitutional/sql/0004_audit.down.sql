SELECT nfcs_core.end_audit_of_v1(name::regclass)
FROM unnest('{constitutional.constitutional_policies, constitutional.constitutional_policy_versions,
              constitutional.constitutional_violations, constitutional.violation_notes,
              constitutional.run_guard_states, constitutional.policy_monitor_states}'::text[]) name;
