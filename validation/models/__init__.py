"""The tables of the validation app."""

from validation.models.metrics import MetricSample, MetricSeries, SystemMetric, ValidationRun

__all__ = ["MetricSample", "MetricSeries", "SystemMetric", "ValidationRun"]
