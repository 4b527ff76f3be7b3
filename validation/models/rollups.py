"""Rollups of metric samples, the newest of each series, and what is not rolled up yet."""

from __future__ import annotations

from django.db import models

from core.db.numeric import NumericField
from core.models.base import RecordModel
from validation.models.metrics import MetricSeries


class MetricRollup(RecordModel):
    """What is known of one series in one minute, hour or day that has samples; computed by the worker from the samples.

    Kept exact under late and concurrent samples, and kept when the partition of the samples is dropped.
    """

    read_only = True
    database_key = ("run_id", "series_id", "width_s", "bucket")

    pk = models.CompositePrimaryKey("run", "series", "width_s", "bucket")
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
        related_name="rollups",
        db_constraint=False,
        db_index=False,
        help_text="What was measured.",
    )
    width_s = models.IntegerField(help_text="Length of the bucket: 60, 3600 or 86400, s.")
    bucket = models.DateTimeField(help_text="Start of the bucket, UTC, inclusive.")
    n = models.BigIntegerField(help_text="Number of samples, at least 1.")
    v_min = models.FloatField(help_text="Least value, in the unit of the series.")
    v_max = models.FloatField(help_text="Largest value, in the unit of the series.")
    v_sum = NumericField(help_text="Sum of the values as decimals of 15 digits, exact, in the unit of the series.")

    class Meta:
        db_table = "metric_rollups"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(width_s__in=[60, 3600, 86400]), name="metric_rollups_width_ck"),
            models.CheckConstraint(condition=models.Q(n__gt=0), name="metric_rollups_n_ck"),
        ]

    def __str__(self) -> str:
        return f"series {self.series_id}, {self.width_s} s from {self.bucket:%Y-%m-%d %H:%M}"


class MetricLatest(RecordModel):
    """The newest sample of one series, as of the last rollup; of samples of one time the one of the greatest value.

    Kept when the partition of the sample is dropped.
    """

    read_only = True
    database_key = ("run_id", "series_id")

    pk = models.CompositePrimaryKey("run", "series")
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The run of the series.",
    )
    series = models.ForeignKey(
        MetricSeries,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="What was measured.",
    )
    recorded_at = models.DateTimeField(help_text="When it was measured.")
    value = models.FloatField(help_text="What was measured, in the unit of the series.")

    class Meta:
        db_table = "metric_latest"
        default_permissions = ()

    def __str__(self) -> str:
        return f"series {self.series_id} at {self.recorded_at:%Y-%m-%d %H:%M:%S}"


class MetricRollupTouch(RecordModel):
    """One minute of a series that samples arrived in since it was rolled up; by a trigger, taken by the worker.

    Without a key: a minute stands here once for every statement that wrote into it.
    """

    read_only = True
    database_key = ()

    pk = models.CompositePrimaryKey("run", "series", "bucket")
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The run of the series.",
    )
    series = models.ForeignKey(
        MetricSeries,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The series.",
    )
    bucket = models.DateTimeField(help_text="Start of the minute, UTC.")

    class Meta:
        db_table = "metric_rollup_log"
        default_permissions = ()
        indexes = [
            # What is not rolled up yet of the series that are read.
            models.Index(fields=["run", "series", "bucket"], name="metric_rollup_log_series_idx"),
        ]

    def __str__(self) -> str:
        return f"series {self.series_id} at {self.bucket:%Y-%m-%d %H:%M}"
