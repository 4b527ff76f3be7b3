"""The tables of the validation app."""

from validation.models.alerts import AlertMemory, AlertRule, MonitoringAlert
from validation.models.channels import AlertChannel, AlertDelivery
from validation.models.metrics import Metric, MetricSample, MetricSeries, SystemMetric, ValidationRun

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AlertMemory",
    "AlertRule",
    "Metric",
    "MetricSample",
    "MetricSeries",
    "MonitoringAlert",
    "SystemMetric",
    "ValidationRun",
]
