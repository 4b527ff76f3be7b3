"""Signal complexity of runs, under the seed's table names. None of these numbers measures consciousness."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import F, Q

from cognitive.choices import AnalysisStatus
from core.models.base import RecordModel, TimestampedModel


class ComplexityRecord(TimestampedModel):
    """One analysis of a run's signal complexity: what was measured, how, how far it has come, and its summary.

    Made and extended by `analyse_run` and by the worker while the run goes on.
    """

    run = models.ForeignKey(
        "core.Run", on_delete=models.PROTECT, related_name="complexity_records", help_text="The run that was analysed."
    )
    window_s = models.FloatField(help_text="Length of the window behind each snapshot, s.")
    step_s = models.FloatField(help_text="Time from one snapshot to the next, s.")
    communities = ArrayField(
        models.IntegerField(), help_text="Label of each oscillator's community, for the chimera index."
    )
    channels = ArrayField(
        models.IntegerField(), help_text="Oscillators whose signals Lempel-Ziv and total correlation are taken from."
    )
    seed = models.BigIntegerField(help_text="Seed of the surrogates.")
    method_versions = models.JSONField(help_text="Version of each measure, an object.")
    status = models.CharField(
        max_length=20, choices=AnalysisStatus, default=AnalysisStatus.RUNNING, help_text="running, finished or failed."
    )
    message = models.TextField(blank=True, default="", help_text="Why it failed; empty otherwise.")
    covered_until = models.DateTimeField(null=True, help_text="End of the last window that was looked at.")
    n_snapshots = models.IntegerField(default=0, help_text="Snapshots made.")
    finished_at = models.DateTimeField(null=True, help_text="When it was finished or failed.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who asked for it; null for the worker.",
    )

    class Meta:
        db_table = "consciousness_records"
        ordering = ["-id"]
        verbose_name = "complexity record"
        indexes = [
            # "Which analyses used this version of a measure?"
            GinIndex(fields=["method_versions"], name="consciousness_versions_gin"),
        ]
        constraints = [
            # The worker extends one analysis a run; also the index for finding it.
            models.UniqueConstraint(
                fields=["run"], condition=Q(status="running"), name="consciousness_records_running_uq"
            ),
            models.CheckConstraint(
                condition=Q(status__in=AnalysisStatus.values), name="consciousness_records_status_ck"
            ),
            models.CheckConstraint(
                condition=Q(step_s__gt=0, window_s__gte=F("step_s"), window_s__lt=float("inf")),
                name="consciousness_records_window_ck",
            ),
            models.CheckConstraint(
                condition=Q(status="running", finished_at=None) | (~Q(status="running") & Q(finished_at__isnull=False)),
                name="consciousness_records_finished_ck",
            ),
            models.CheckConstraint(
                condition=Q(status="failed") & ~Q(message="") | ~Q(status="failed") & Q(message=""),
                name="consciousness_records_message_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"complexity of run {self.run_id} ({self.pk})"


class ComplexitySnapshot(RecordModel):
    """Complexity of one window of a run.

    Append-only, partitioned by month of `ts`; kept for two years. Written by an analysis.
    """

    append_only = True
    database_key = ("run_id", "ts", "id")

    ts = models.DateTimeField(help_text="End of the window, UTC; partition key, monthly.")
    run = models.ForeignKey(
        "core.Run", on_delete=models.PROTECT, db_index=False, related_name="+", help_text="The run."
    )
    record = models.ForeignKey(
        ComplexityRecord,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="snapshots",
        help_text="The analysis it belongs to.",
    )
    r_mean = models.FloatField(help_text="Mean of the order parameter r, 0 to 1.")
    r_std = models.FloatField(help_text="Standard deviation of r.")
    metastability_shanahan = models.FloatField(help_text="Variance of r over that of a uniform r, 1/12.")
    chimera = models.FloatField(
        null=True, help_text="Variance of r across communities over 5/36; null for one community."
    )
    lzc_norm = models.FloatField(
        help_text="Lempel-Ziv complexity over that of shuffled surrogates: 1 for noise, 0 for flat."
    )
    total_correlation = models.FloatField(
        null=True, help_text="Total correlation, nats, as if Gaussian; null where the channels do not allow it."
    )
    n_samples = models.IntegerField(help_text="Rows in the window.")

    class Meta:
        db_table = "consciousness_snapshots"
        ordering = ["-ts", "-id"]
        verbose_name = "complexity snapshot"
        indexes = [
            # One snapshot by its id alone.
            models.Index(fields=["id"], name="consciousness_snapshots_id_idx"),
            # The snapshots of one analysis, and deleting one.
            models.Index(fields=["record", "ts"], name="consciousness_snapshots_rec_ix"),
            # Long spans of time, at next to no cost.
            BrinIndex(fields=["ts"], name="consciousness_snapshots_brin"),
        ]

    def __str__(self) -> str:
        return f"complexity of run {self.run_id} at {self.ts:%Y-%m-%d %H:%M:%S}"


class ComplexitySummary(RecordModel):
    """A run's latest analysis with the means of its snapshots: a view."""

    read_only = True

    id = models.BigIntegerField(primary_key=True, help_text="The analysis.")
    run = models.ForeignKey("core.Run", on_delete=models.DO_NOTHING, related_name="+", help_text="The run.")
    run_name = models.CharField(max_length=200, help_text="Its name.")
    status = models.CharField(max_length=20, help_text="running, finished or failed.")
    covered_until = models.DateTimeField(null=True, help_text="End of the last window.")
    snapshots = models.IntegerField(help_text="Number of snapshots.")
    r_mean = models.FloatField(null=True, help_text="Mean of r.")
    metastability_shanahan = models.FloatField(null=True, help_text="Mean metastability.")
    chimera = models.FloatField(null=True, help_text="Mean chimera index.")
    lzc_norm = models.FloatField(null=True, help_text="Mean normalised Lempel-Ziv complexity.")
    total_correlation = models.FloatField(null=True, help_text="Mean total correlation, nats.")

    class Meta:
        managed = False
        db_table = "consciousness_metrics_view"
        ordering = ["-id"]
        verbose_name = "complexity summary"
        verbose_name_plural = "complexity summaries"

    def __str__(self) -> str:
        return f"complexity of {self.run_name}"


class DailyComplexity(RecordModel):
    """Complexity of a run on one day: a materialized summary that the worker refreshes; its age stands beside it."""

    read_only = True

    id = models.BigIntegerField(primary_key=True, help_text="Run times 100,000 plus the days since 1970.")
    run = models.ForeignKey("core.Run", on_delete=models.DO_NOTHING, related_name="+", help_text="The run.")
    day = models.DateField(help_text="Day, UTC.")
    snapshots = models.IntegerField(help_text="Number of snapshots.")
    r_mean = models.FloatField(help_text="Mean of r.")
    metastability_shanahan = models.FloatField(help_text="Mean metastability.")
    chimera = models.FloatField(null=True, help_text="Mean chimera index.")
    lzc_norm = models.FloatField(help_text="Mean normalised Lempel-Ziv complexity.")
    total_correlation = models.FloatField(null=True, help_text="Mean total correlation, nats.")

    class Meta:
        managed = False
        db_table = "consciousness_daily_view"
        ordering = ["-day", "run_id"]
        verbose_name = "daily complexity"
        verbose_name_plural = "daily complexities"

    def __str__(self) -> str:
        return f"run {self.run_id} on {self.day}"
