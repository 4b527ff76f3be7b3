DROP TRIGGER alert_deliveries_append_only ON validation.alert_deliveries;
DROP TRIGGER monitoring_alerts_guard ON validation.monitoring_alerts;
DROP FUNCTION validation.guard_alert_v1();
DROP TRIGGER alert_rules_guard ON validation.alert_rules;
DROP FUNCTION validation.guard_alert_rule_v1();
ALTER TABLE validation.alert_memories
    DROP CONSTRAINT alert_memories_state_ck,
    DROP CONSTRAINT alert_memories_series_ck;
ALTER TABLE validation.monitoring_alerts DROP CONSTRAINT monitoring_alerts_series_ck;
ALTER TABLE validation.alert_rules
    DROP CONSTRAINT alert_rules_labels_ck,
    DROP CONSTRAINT alert_rules_tags_ck,
    DROP CONSTRAINT alert_rules_filters_ck,
    DROP CONSTRAINT alert_rules_metric_ck;
DROP TRIGGER update_timestamp ON validation.alert_memories;
DROP TRIGGER update_timestamp ON validation.monitoring_alerts;
DROP TRIGGER update_timestamp ON validation.alert_rules;
DROP TRIGGER update_timestamp ON validation.alert_channels;
