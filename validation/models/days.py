"""Samples of days that are over, as arrays, and all samples wherever they lie."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.models.base import RecordModel
from validation.models.metrics import MetricSeries
from validation.querysets import PointQuerySet


class MetricDay(RecordModel):
    """The samples of one series on one UTC day that is over, as arrays; partitioned by month of `day`.

    Made by the compaction, which moves samples here; those that come later are in `metric_samples` until it comes by
    again. `metric_points` reads both.
    """

    read_only = True
    database_key = ("run_id", "series_id", "day")

    pk = models.CompositePrimaryKey("run", "series", "day")
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The run of its series.",
    )
    series = models.ForeignKey(
        MetricSeries,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="What was measured.",
    )
    day = models.DateTimeField(help_text="Start of the day, UTC, inclusive; partition key, monthly.")
    n = models.IntegerField(help_text="Number of samples, at least 1.")
    times = ArrayField(models.DateTimeField(), help_text="When each was measured, UTC, ascending.")
    samples = ArrayField(models.FloatField(), help_text="The value of each, in the unit of its series, finite.")

    class Meta:
        db_table = "metric_days"
        default_permissions = ()

    def __str__(self) -> str:
        return f"series {self.series_id} on {self.day:%Y-%m-%d}"


class MetricPoint(RecordModel):
    """Every sample, of open days and of compacted ones: a view. Bound `day_at` as well as `recorded_at`.

    Its query sets do so where `recorded_at__gte` and `recorded_at__lt` are given.
    """

    read_only = True

    pk = models.CompositePrimaryKey("run", "series", "recorded_at")
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        help_text="The run of its series.",
    )
    series = models.ForeignKey(
        MetricSeries,
        on_delete=models.DO_NOTHING,
        related_name="points",
        db_constraint=False,
        help_text="What was measured.",
    )
    recorded_at = models.DateTimeField(help_text="When it was measured, UTC.")
    value = models.FloatField(help_text="The value in the unit of its series.")
    day_at = models.DateTimeField(
        help_text="What partitions are found by: at or before recorded_at, and less than a day before it."
    )

    objects = PointQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "metric_points"
        default_permissions = ()

    def __str__(self) -> str:
        return f"series {self.series_id} at {self.recorded_at:%Y-%m-%d %H:%M:%S.%f}"
