SELECT nfcs_core.protect_system_rows_v1('constitutional.constitutional_policies');
SELECT nfcs_core.protect_system_rows_v1('constitutional.constitutional_policy_versions');

-- What the monitor finds in a run is written by the monitor, for the system, and reviewed by operators.
SELECT nfcs_core.protect_derived_rows_v1('constitutional.constitutional_violations');
SELECT nfcs_core.protect_derived_rows_v1('constitutional.policy_monitor_states');
SELECT nfcs_core.protect_derived_rows_v1('constitutional.run_guard_states');
SELECT nfcs_core.protect_rows_v1(
    'constitutional.violation_notes',
    $$(SELECT user_mgmt.sees_everything_v1())
      OR violation_id IN (SELECT v.id FROM constitutional.constitutional_violations v)$$,
    everything, everything, everything)
FROM (VALUES ('(SELECT user_mgmt.sees_everything_v1())')) AS predicate (everything);
