"""The validation tables in the admin, one subject a file."""

from validation.admin import alert_rules, alerts, deliveries, metrics

__all__ = ["alert_rules", "alerts", "deliveries", "metrics"]
