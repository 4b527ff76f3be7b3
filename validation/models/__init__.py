"""The tables of the validation app."""

from validation.models.alerts import AlertMemory, AlertRule, MonitoringAlert
from validation.models.channels import AlertChannel, AlertDelivery
from validation.models.metrics import MetricSample, MetricSeries, SystemMetric, ValidationRun

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AlertMemory",
    "AlertRule",
    "MetricSample",
    "MetricSeries",
    "MonitoringAlert",
    "SystemMetric",
    "ValidationRun",
]
