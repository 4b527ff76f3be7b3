"""Metrics as series and samples, and the record of validation runs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import MD5, Cast, Coalesce, Now, NullIf

from core.models.base import RecordModel
from validation.choices import ValidationType
from validation.constants import MAX_COMPONENT, MAX_METRIC_NAME, MAX_UNIT
from validation.querysets import SampleQuerySet


class MetricSeries(RecordModel):
    """A metric of one component of one run, with its unit and tags: what its samples have in common.

    Made by `record_metrics` when its first sample arrives and never changed, so that processes may remember its id.
    """

    append_only = True
    database_key = ("run_id", "id")

    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        related_name="metric_series",
        db_index=False,
        help_text="The run it belongs to.",
    )
    metric_name = models.CharField(max_length=MAX_METRIC_NAME, help_text="What is measured, such as order_parameter.")
    component = models.CharField(max_length=MAX_COMPONENT, help_text="What it is measured on, such as kuramoto.")
    metric_unit = models.CharField(  # noqa: DJ001 - the seed's column is nullable, and null is not ''
        max_length=MAX_UNIT, null=True, help_text="Unit, UCUM; null where none was given."
    )
    tags = models.JSONField(default=dict, help_text="What else tells it from other series, an object.")

    class Meta:
        db_table = "metric_series"
        ordering = ["-id"]
        verbose_name_plural = "metric series"
        indexes = [
            # The series of a sample, by its id alone.
            models.Index(fields=["id"], name="metric_series_id_idx"),
            # "Every series of this metric", whichever the run.
            models.Index(fields=["metric_name", "component"], name="idx_metrics_name_component"),
        ]
        constraints = [
            # What a series is; also the index by which ingest finds it.
            models.UniqueConstraint(
                F("run"),
                F("metric_name"),
                F("component"),
                Coalesce("metric_unit", Value("")),
                MD5(Cast("tags", models.TextField())),
                name="metric_series_identity_uq",
            ),
            models.CheckConstraint(condition=~Q(metric_name="") & ~Q(component=""), name="metric_series_names_ck"),
        ]

    def __str__(self) -> str:
        return f"{self.component}.{self.metric_name}"


class MetricSample(RecordModel):
    """One value of a series at one time; append-only, partitioned by month of `recorded_at`.

    Narrow for the sake of ingest: PostgreSQL has neither a primary key nor a foreign key nor a B-tree here, and
    `record_metrics` resolves the series itself. So nothing keeps a series from having two samples at one time: Django's
    composite key says what tells samples apart, not what is unique. Always bound the time.
    """

    append_only = True
    database_key = ()

    pk = models.CompositePrimaryKey("run", "series", "recorded_at")
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
        related_name="samples",
        db_constraint=False,
        db_index=False,
        help_text="What was measured.",
    )
    recorded_at = models.DateTimeField(help_text="When it was measured, UTC; partition key, monthly.")
    value = models.FloatField(help_text="The value in the unit of its series, finite.")

    objects = SampleQuerySet.as_manager()

    class Meta:
        db_table = "metric_samples"
        indexes = [
            # A span of time, of whatever series, at next to no cost for ingest.
            BrinIndex(fields=["recorded_at"], name="idx_metrics_recorded", pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"series {self.series_id} at {self.recorded_at:%Y-%m-%d %H:%M:%S.%f}"


class SystemMetric(RecordModel):
    """A sample beside its series, as the seed's table `system_metrics` has it: a view one can insert into.

    `id` is a hash of series and time, an identity and no sequence; an insert without `run_id` goes to the system run.
    """

    append_only = True

    id = models.BigIntegerField(
        primary_key=True,
        help_text="Hash of series and time: identity of a point, not a sequence; ignored when inserted.",
    )
    metric_name = models.CharField(max_length=MAX_METRIC_NAME, help_text="What was measured.")
    metric_value = models.FloatField(help_text="The value, in metric_unit.")
    metric_unit = models.CharField(  # noqa: DJ001 - as in the series
        max_length=MAX_UNIT, null=True, help_text="Unit, UCUM; null where none was given."
    )
    component = models.CharField(max_length=MAX_COMPONENT, help_text="What it was measured on.")
    tags = models.JSONField(default=dict, help_text="What else tells its series from others, an object.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="When it was measured, UTC; now when not inserted.")
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        help_text="The run; the system run when not inserted.",
    )

    class Meta:
        managed = False
        db_table = "system_metrics"

    def __str__(self) -> str:
        return f"{self.component}.{self.metric_name} at {self.recorded_at:%Y-%m-%d %H:%M:%S.%f}"


class Metric(RecordModel):
    """A sample as NeuralBlitz's table `metrics` has it: a view of the same samples, read only.

    Every stored metric is a gauge; component and run are labels.
    """

    read_only = True

    id = models.BigIntegerField(primary_key=True, help_text="As in system_metrics.")
    ts = models.DateTimeField(help_text="When it was measured, UTC.")
    name = models.CharField(max_length=MAX_METRIC_NAME, help_text="What was measured.")
    value = models.FloatField(help_text="The value, in unit.")
    unit = models.CharField(max_length=MAX_UNIT, null=True, help_text="Unit, UCUM.")  # noqa: DJ001 - as in the series
    kind = models.CharField(max_length=10, help_text="gauge.")
    labels = models.JSONField(help_text="Tags, with component and run.")

    class Meta:
        managed = False
        db_table = "metrics"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} at {self.ts:%Y-%m-%d %H:%M:%S.%f}"


class ValidationRun(RecordModel):
    """One execution of a set of checks against theory, performance goals or statistics; append-only.

    Written by whoever ran the checks, through `record_validation_run`.
    """

    append_only = True

    run_uuid = models.UUIDField(
        unique=True, db_default=RandomUUID(), editable=False, help_text="Identity across databases."
    )
    validation_type = models.CharField(
        max_length=50, choices=ValidationType, help_text="theoretical, performance or statistical."
    )
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="validation_runs",
        help_text="The run whose telemetry was checked; null where none was.",
    )
    code_version = models.CharField(max_length=100, help_text="Version of the code that was checked.")
    seed = models.BigIntegerField(help_text="Seed of the random generator.")
    test_parameters = models.JSONField(help_text="What the checks were started with, an object.")
    results_data = models.JSONField(help_text="What each check measured, an object.")
    passed_tests = models.IntegerField(default=0, db_default=0, help_text="Checks that passed.")
    total_tests = models.IntegerField(help_text="Checks that ran.")
    failed_tests = ArrayField(
        models.CharField(max_length=200),
        default=list,
        db_default=Value("{}"),
        blank=True,
        help_text="Names of the checks that failed, every one of them.",
    )
    overall_score = models.GeneratedField(
        expression=Cast("passed_tests", models.FloatField()) / NullIf(Cast("total_tests", models.FloatField()), 0.0),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="passed_tests / total_tests, 0 to 1.",
    )
    duration_ms = models.FloatField(help_text="How long the checks took, ms.")
    duration_seconds = models.GeneratedField(
        expression=F("duration_ms") / 1000.0,
        output_field=models.FloatField(),
        db_persist=True,
        help_text="How long the checks took, s.",
    )
    executed_at = models.DateTimeField(db_default=Now(), help_text="When the checks began.")

    class Meta:
        db_table = "validation_runs"
        ordering = ["-executed_at", "-id"]
        indexes = [
            # The runs of one kind.
            models.Index(fields=["validation_type"], name="idx_validation_type"),
            # "Which runs scored badly?"
            models.Index(fields=["overall_score"], name="idx_validation_score"),
            # The newest runs, page by page.
            models.Index(fields=["executed_at"], name="idx_validation_executed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(validation_type__in=ValidationType.values), name="validation_runs_type_ck"
            ),
            models.CheckConstraint(condition=~Q(code_version=""), name="validation_runs_code_ck"),
            models.CheckConstraint(condition=Q(total_tests__gt=0), name="validation_runs_total_ck"),
            models.CheckConstraint(
                condition=Q(passed_tests__gte=0, passed_tests__lte=F("total_tests")), name="validation_runs_passed_ck"
            ),
            models.CheckConstraint(
                condition=Q(duration_ms__gte=0, duration_ms__lt=float("inf")), name="validation_runs_duration_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.validation_type} {self.passed_tests}/{self.total_tests} at {self.executed_at:%Y-%m-%d %H:%M}"
