"""Every write of the validation app."""

from validation.services.alert_handling import acknowledge_alert, silence_alert
from validation.services.alert_rules import (
    change_alert_rule,
    change_channel,
    create_alert_rule,
    create_channel,
    delete_alert_rule,
    delete_channel,
)
from validation.services.alert_sweep import sweep_alerts
from validation.services.alerts import evaluate_alerts
from validation.services.delivery import deliver_alert, send_test
from validation.services.metrics import record_metrics, record_samples, record_validation_run

__all__ = [
    "acknowledge_alert",
    "change_alert_rule",
    "change_channel",
    "create_alert_rule",
    "create_channel",
    "delete_alert_rule",
    "delete_channel",
    "deliver_alert",
    "evaluate_alerts",
    "record_metrics",
    "record_samples",
    "record_validation_run",
    "send_test",
    "silence_alert",
    "sweep_alerts",
]
