"""Errors of the validation app, and what its constraints ask for, in words."""

from core.exceptions import Conflict, register_constraints


class RuleInUse(Conflict):
    """Alerts tell of the rule; switch it off instead of deleting it."""


class ChannelInUse(Conflict):
    """Messages went to the channel; switch it off instead of deleting it."""


class AlertOrder(Conflict):
    """The alert is in a state that does not allow this."""


register_constraints(
    {
        "metric_series_run_id_fk": ("run", "There is no such run."),
        "metric_series_names_ck": ("metric_name", "Metric and component have a name."),
        "metric_series_tags_ck": ("tags", "An object is needed."),
        "metric_samples_value_ck": ("metric_value", "A finite number is needed."),
        "metric_samples_recorded_at_ck": ("recorded_at", "A time between the years 1900 and 9000 is needed."),
        "validation_runs_type_ck": ("validation_type", "The type is none of theoretical, performance, statistical."),
        "validation_runs_code_ck": ("code_version", "The version of the code is needed."),
        "validation_runs_total_ck": ("total_tests", "At least one check has run."),
        "validation_runs_passed_ck": ("failed_tests", "No more checks can fail than ran."),
        "validation_runs_failed_ck": ("failed_tests", "Every check that failed has a name."),
        "validation_runs_duration_ck": ("duration_ms", "A finite number of at least 0 is needed."),
        "validation_runs_parameters_ck": ("test_parameters", "An object is needed."),
        "validation_runs_results_ck": ("results_data", "An object is needed."),
        "alert_channels_name_uq": ("name", "There is a channel of this name."),
        "alert_channels_name_ck": ("name", "A name on one line is needed."),
        "alert_channels_kind_ck": ("kind", "email or webhook is needed."),
        "alert_channels_target_ck": ("target", "An e-mail address, or a webhook's address, is needed."),
        "alert_channels_key_ck": (
            "key_ref",
            "A webhook needs the name of its key: a-z, 0-9, dot, dash, underscore; e-mail has none.",
        ),
        "alert_rules_name_uq": ("name", "There is a rule of this name."),
        "alert_rules_name_ck": ("name", "A name on one line is needed."),
        "alert_rules_kind_ck": ("run_kind", "The kind is none of simulation, live, import."),
        "alert_rules_op_ck": ("op", "gt, lt, outside or absent is needed."),
        "alert_rules_severity_ck": ("severity", "info, warning or critical is needed."),
        "alert_rules_threshold_ck": (
            "threshold",
            "gt and lt need threshold, outside also a threshold_high above it, absent neither; within 1e100.",
        ),
        "alert_rules_clear_ck": (
            "clear_threshold",
            "The condition ends at or inside the threshold; of outside at both bounds, the lower one first.",
        ),
        "alert_rules_for_ck": ("for_s", "0 s to 7 days are possible, and 0 alone for absent."),
        "alert_rules_absent_ck": ("absent_for_s", "absent, and no other, needs above 0 s to 7 days."),
        "alert_rules_metric_ck": (
            "metric",
            "r, ha, coherence, energy, defect_density or metric: and a name is needed; telemetry with absent alone.",
        ),
        "alert_rules_filters_ck": ("component", "Component and tags tell stored metrics apart, metric: and a name."),
        "alert_rules_tags_ck": ("tags", "An object is needed."),
        "alert_rules_labels_ck": ("labels", "An object whose values are texts is needed."),
        "monitoring_alerts_open_uq": ("state", "The rule has an alert that goes on for the series."),
        "monitoring_alerts_state_ck": ("state", "inactive, pending, firing or resolved is needed."),
        "monitoring_alerts_severity_ck": ("severity", "info, warning or critical is needed."),
        "metric_days_day_ck": ("day", "A day begins at midnight, UTC."),
        "metric_days_most_ck": ("n", "A day of a series holds at most 10,000,000 samples."),
        "metric_days_n_ck": ("n", "A day holds at least one sample, and as many times as values."),
        "metric_days_times_ck": ("times", "Ascending times of the day are needed."),
        "metric_rollups_width_ck": ("width_s", "A bucket is 60, 3600 or 86400 s long."),
        "metric_rollups_n_ck": ("n", "A bucket holds at least one sample."),
        "metric_rollups_range_ck": ("v_min", "The least value is finite and no larger than the largest."),
        "monitoring_alerts_state_times_ck": ("state", "Each state has the times up to itself, and no later one."),
        "monitoring_alerts_times_ck": ("fired_at", "An alert is pending, then fires, then is resolved."),
        "monitoring_alerts_pending_value_ck": ("pending_value", "A finite number of its time is needed."),
        "monitoring_alerts_fired_value_ck": ("fired_value", "A finite number of its time is needed."),
        "monitoring_alerts_peak_value_ck": ("peak_value", "A finite number of an alert that fired is needed."),
        "monitoring_alerts_resolved_value_ck": ("resolved_value", "A finite number of its time is needed."),
        "monitoring_alerts_reason_ck": ("resolved_reason", "An alert that ended, and no other, has a reason."),
        "monitoring_alerts_acknowledged_ck": ("acknowledged", "Who and when belong to an alert that fired."),
        "monitoring_alerts_announced_ck": ("announced_at", "An alert is announced once it fired."),
        "monitoring_alerts_series_ck": ("series_key", "A series has a metric, tags and its SHA-256."),
        "monitoring_alerts_transition": (
            "state",
            "The steps are inactive, pending, firing, resolved, and from pending back to inactive.",
        ),
        "monitoring_alerts_identity_fixed": ("series_key", "Rule and series of an alert do not change."),
        "monitoring_alerts_past_fixed": ("state", "What happened to an alert does not change."),
        "monitoring_alerts_acknowledged_fixed": ("acknowledged", "An alert is acknowledged once."),
        "monitoring_alerts_kept": ("alert", "Alerts are not deleted."),
        "alert_memories_uq": ("series_key", "The rule remembers the series already."),
        "alert_memories_series_ck": ("series_key", "A series has a metric, tags and its SHA-256."),
        "alert_memories_state_ck": ("state", "An object is needed."),
        "alert_deliveries_attempt_uq": ("attempt", "The attempt is in the log already."),
        "alert_deliveries_event_ck": ("event", "firing or resolved of an alert, or test of none, is needed."),
        "alert_deliveries_attempt_ck": ("attempt", "Attempts count from 1."),
        "alert_deliveries_status_ck": ("status", "What was delivered has no error, what failed has one."),
        "alert_deliveries_http_ck": ("http_status", "A number from 100 to 599 is needed."),
        "alert_deliveries_duration_ck": ("duration_ms", "A finite number of at least 0 is needed."),
        "alert_deliveries_append_only": ("delivery", "The delivery log does not change."),
    }
)
