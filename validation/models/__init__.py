"""The tables of the validation app."""

from validation.models.alerts import AlertMemory, AlertRule, MonitoringAlert
from validation.models.channels import AlertChannel, AlertDelivery
from validation.models.days import MetricDay, MetricPoint
from validation.models.metrics import Metric, MetricSample, MetricSeries, SystemMetric, ValidationRun
from validation.models.rollups import MetricLatest, MetricRollup, MetricRollupTouch

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AlertMemory",
    "AlertRule",
    "Metric",
    "MetricDay",
    "MetricLatest",
    "MetricPoint",
    "MetricRollup",
    "MetricRollupTouch",
    "MetricSample",
    "MetricSeries",
    "MonitoringAlert",
    "SystemMetric",
    "ValidationRun",
]
