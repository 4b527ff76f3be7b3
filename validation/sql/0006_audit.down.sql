SELECT nfcs_core.end_audit_of_v1(name::regclass)
FROM unnest('{validation.metric_samples, validation.metric_series, validation.validation_runs,
              validation.alert_channels, validation.alert_rules, validation.alert_rule_channels,
              validation.monitoring_alerts, validation.alert_deliveries, validation.alert_memories}'::text[]) name;
