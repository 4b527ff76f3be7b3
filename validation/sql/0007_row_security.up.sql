SELECT nfcs_core.protect_run_rows_v1('validation.metric_series');
SELECT nfcs_core.protect_run_rows_v1('validation.metric_samples');
SELECT nfcs_core.protect_run_rows_v1('validation.validation_runs', true);

-- Alerts are fired and told by the system; where messages go is no concern of plain users.
SELECT nfcs_core.protect_derived_rows_v1('validation.alert_rules', true);
SELECT nfcs_core.protect_derived_rows_v1('validation.monitoring_alerts');
SELECT nfcs_core.protect_derived_rows_v1('validation.alert_memories');
SELECT nfcs_core.protect_rows_v1(
    'validation.alert_channels', '(SELECT user_mgmt.inspects_v1())', everything, everything, everything)
FROM (VALUES ('(SELECT user_mgmt.sees_everything_v1())')) AS predicate (everything);
SELECT nfcs_core.protect_rows_v1(
    'validation.alert_rule_channels', '(SELECT user_mgmt.inspects_v1())', everything, everything, everything)
FROM (VALUES ('(SELECT user_mgmt.sees_everything_v1())')) AS predicate (everything);
SELECT nfcs_core.protect_rows_v1(
    'validation.alert_deliveries', '(SELECT user_mgmt.inspects_v1())', everything, everything, everything)
FROM (VALUES ('(SELECT user_mgmt.sees_everything_v1())')) AS predicate (everything);
