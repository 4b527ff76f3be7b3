"""Alerts: rules, what they remember, and the episodes in which their condition held."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from core.choices import RunKind
from core.models.base import RecordModel, TimestampedModel
from validation.choices import OPEN_STATES, AlertOperator, AlertSeverity, AlertState, ResolvedReason
from validation.constants import MAX_COMPONENT, MAX_DURATION_S, MAX_METRIC_NAME, MAX_THRESHOLD, MAX_UNIT, METRIC_PREFIX
from validation.querysets import AlertMemoryQuerySet, AlertQuerySet, AlertRuleManager

_THRESHOLDS = ("threshold", "threshold_high", "clear_threshold", "clear_threshold_high")
_WITHIN = (-MAX_THRESHOLD, MAX_THRESHOLD)


class AlertRule(TimestampedModel):
    """A condition on the series of a metric and what follows while it holds; edited by people.

    Evaluated on every batch of a run, and every minute for what is silent. Switched off rather than deleted once alerts
    tell of it.
    """

    name = models.CharField(max_length=200, help_text="What people call the rule; unique whatever the case.")
    metric = models.CharField(
        max_length=MAX_METRIC_NAME + len(METRIC_PREFIX),
        help_text="r, ha, coherence, energy, defect_density, metric: and the name of a stored metric, or telemetry for "
        "whatever a run sends.",
    )
    component = models.CharField(
        max_length=MAX_COMPONENT, blank=True, db_default="", help_text="Only series of this component; '' for all."
    )
    tags = models.JSONField(default=dict, blank=True, help_text="Only series that carry these tags, an object.")
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alert_rules",
        help_text="Only this run; null for all.",
    )
    run_kind = models.CharField(
        max_length=20, choices=RunKind, blank=True, db_default="", help_text="Only runs of this kind; '' for all."
    )
    op = models.CharField(
        "operator",
        max_length=10,
        choices=AlertOperator,
        help_text="gt above threshold, lt below it, outside threshold to threshold_high, or absent.",
    )
    threshold = models.FloatField(
        null=True, blank=True, help_text="Bound, in the metric's unit; the lower one of outside."
    )
    threshold_high = models.FloatField(null=True, blank=True, help_text="Upper bound of outside.")
    clear_threshold = models.FloatField(
        null=True, blank=True, help_text="Where the condition ends; at the threshold itself when null."
    )
    clear_threshold_high = models.FloatField(null=True, blank=True, help_text="The same for the upper bound.")
    for_s = models.FloatField(
        "for, s",
        default=0.0,
        db_default=0.0,
        help_text="How long the condition has to hold, s, before the alert fires.",
    )
    absent_for_s = models.FloatField(
        "absent for, s", null=True, blank=True, help_text="How long the series of an absent rule has to be silent, s."
    )
    severity = models.CharField(max_length=10, choices=AlertSeverity, help_text="info, warning or critical.")
    is_active = models.BooleanField(default=True, db_default=True, help_text="Whether the rule is evaluated.")
    channels = models.ManyToManyField(
        "validation.AlertChannel",
        blank=True,
        related_name="rules",
        db_table="alert_rule_channels",
        help_text="Where its alerts are announced.",
    )
    runbook = models.TextField(blank=True, db_default="", help_text="What to do about it, for people.")
    labels = models.JSONField(default=dict, blank=True, help_text="Text by name, for sorting and routing, an object.")
    version = models.IntegerField(
        default=1, db_default=1, editable=False, help_text="Counts changes of the condition; kept by a trigger."
    )

    objects = AlertRuleManager()

    class Meta:
        db_table = "alert_rules"
        ordering = ["name"]
        indexes = [
            # "Which rules carry this label?"
            GinIndex(fields=["labels"], name="alert_rules_labels_gin"),
            # The rules in force on the metrics of a batch.
            models.Index(fields=["metric"], condition=Q(is_active=True), name="alert_rules_metric_idx"),
        ]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="alert_rules_name_uq"),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S") & ~Q(name__regex=r"[[:cntrl:]]"), name="alert_rules_name_ck"
            ),
            models.CheckConstraint(
                condition=Q(run_kind="") | Q(run_kind__in=RunKind.values), name="alert_rules_kind_ck"
            ),
            models.CheckConstraint(condition=Q(op__in=AlertOperator.values), name="alert_rules_op_ck"),
            models.CheckConstraint(condition=Q(severity__in=AlertSeverity.values), name="alert_rules_severity_ck"),
            # Which bounds there are follows from the operator; none is NaN or beyond reason.
            models.CheckConstraint(
                condition=Q(op__in=[AlertOperator.ABOVE, AlertOperator.BELOW])
                & Q(threshold__isnull=False, threshold__range=_WITHIN, threshold_high=None)
                | Q(op=AlertOperator.OUTSIDE)
                & Q(threshold__isnull=False, threshold__range=_WITHIN)
                & Q(threshold_high__isnull=False, threshold_high__range=_WITHIN, threshold_high__gt=F("threshold"))
                | Q(op=AlertOperator.ABSENT, threshold=None, threshold_high=None),
                name="alert_rules_threshold_ck",
            ),
            models.CheckConstraint(
                condition=Q(clear_threshold=None, clear_threshold_high=None)
                | Q(op=AlertOperator.ABOVE, clear_threshold_high=None, clear_threshold__isnull=False)
                & Q(clear_threshold__gte=-MAX_THRESHOLD, clear_threshold__lte=F("threshold"))
                | Q(op=AlertOperator.BELOW, clear_threshold_high=None, clear_threshold__isnull=False)
                & Q(clear_threshold__lte=MAX_THRESHOLD, clear_threshold__gte=F("threshold"))
                | Q(op=AlertOperator.OUTSIDE, clear_threshold__isnull=False, clear_threshold_high__isnull=False)
                & Q(clear_threshold__gte=F("threshold"), clear_threshold_high__lte=F("threshold_high"))
                & Q(clear_threshold__lte=F("clear_threshold_high")),
                name="alert_rules_clear_ck",
            ),
            models.CheckConstraint(
                condition=Q(for_s__range=(0, MAX_DURATION_S)) & (~Q(op=AlertOperator.ABSENT) | Q(for_s=0)),
                name="alert_rules_for_ck",
            ),
            models.CheckConstraint(
                condition=Q(op=AlertOperator.ABSENT, absent_for_s__isnull=False)
                & Q(absent_for_s__gt=0, absent_for_s__lte=MAX_DURATION_S)
                | ~Q(op=AlertOperator.ABSENT) & Q(absent_for_s=None),
                name="alert_rules_absent_ck",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """The name."""
        return (self.name,)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Leave it to the database, whose refusals name the field."""


class SeriesColumns(RecordModel):
    """What tells a series from every other."""

    run = models.ForeignKey(
        "core.Run", on_delete=models.PROTECT, related_name="+", db_index=False, help_text="The run of the series."
    )
    series_key = models.CharField(
        max_length=64, help_text="SHA-256 of metric, component, unit and tags, hex: the series within its run."
    )
    metric = models.CharField(
        max_length=MAX_METRIC_NAME + len(METRIC_PREFIX), help_text="What is measured, as rules name it."
    )
    component = models.CharField(
        max_length=MAX_COMPONENT, blank=True, db_default="", help_text="What it is measured on; '' where derived."
    )
    unit = models.CharField(  # noqa: DJ001 - as in the series of the metric
        max_length=MAX_UNIT, null=True, help_text="Unit, UCUM; null where none was given."
    )
    tags = models.JSONField(default=dict, help_text="What else tells it from other series, an object.")

    class Meta:
        abstract = True

    def describe_series(self) -> str:
        """Component, metric and tags on one line."""
        name = self.metric.removeprefix(METRIC_PREFIX)
        tags = ", ".join(f"{key}={value}" for key, value in sorted(self.tags.items()))
        return f"{self.component}.{name}".lstrip(".") + (f" ({tags})" if tags else "")


class MonitoringAlert(SeriesColumns, TimestampedModel):
    """One episode in which a rule's condition held for a series; written by evaluation, acknowledged by people.

    inactive -> pending -> firing -> resolved; a pending one whose condition did not last goes back to inactive and
    waits for the next. The next episode after a resolved one is another row. Times are the run's own, those of an
    absence the clock's.
    """

    rule = models.ForeignKey(
        AlertRule, on_delete=models.PROTECT, related_name="alerts", db_index=False, help_text="The rule."
    )
    severity = models.CharField(max_length=10, choices=AlertSeverity, help_text="The rule's when the episode began.")
    condition = models.TextField(help_text="What the rule asked for, in words, when the episode began.")
    state = models.CharField(max_length=10, choices=AlertState, help_text="inactive, pending, firing or resolved.")
    pending_at = models.DateTimeField(
        null=True, help_text="When the condition began to hold; of an absence, when the series was last heard of."
    )
    pending_value = models.FloatField(null=True, help_text="The value then; null of an absence.")
    fired_at = models.DateTimeField(null=True, help_text="When it had held long enough.")
    fired_value = models.FloatField(null=True, help_text="The first value at or after that; null of an absence.")
    peak_value = models.FloatField(null=True, help_text="The value furthest beyond the threshold, up to now.")
    resolved_at = models.DateTimeField(null=True, help_text="When it ended.")
    resolved_value = models.FloatField(null=True, help_text="The value that ended it, if one did.")
    resolved_reason = models.CharField(
        max_length=20, choices=ResolvedReason, blank=True, db_default="", help_text="Why it ended; '' before."
    )
    acknowledged = models.BooleanField(default=False, db_default=False, help_text="Whether somebody has seen to it.")
    acknowledged_at = models.DateTimeField(null=True, help_text="When.")
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who, where the connection said so.",
    )
    silenced_until = models.DateTimeField(
        null=True, help_text="Until when its firing is not announced; handed on to the next episode of the series."
    )
    announced_at = models.DateTimeField(
        null=True, help_text="When messages about it were first queued; null where nobody is to be told."
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        db_table = "monitoring_alerts"
        ordering = ["-pending_at", "-id"]
        verbose_name = "alert"
        permissions = [
            ("acknowledge_alert", "Can acknowledge alerts"),
            ("silence_alert", "Can silence alerts"),
        ]
        indexes = [
            # Alerts newest first.
            models.Index(
                fields=["-pending_at", "-id"],
                condition=~Q(state=AlertState.INACTIVE),
                name="monitoring_alerts_time_idx",
            ),
            # "What is on now?"
            models.Index(
                fields=["-pending_at", "-id"], condition=Q(state__in=OPEN_STATES), name="monitoring_alerts_open_idx"
            ),
            # The alerts of a run, newest first.
            models.Index(fields=["run", "-pending_at"], name="monitoring_alerts_run_idx"),
            # The alerts of a rule, newest first.
            models.Index(fields=["rule", "-pending_at"], name="monitoring_alerts_rule_idx"),
        ]
        constraints = [
            # One episode at a time.
            models.UniqueConstraint(
                fields=["rule", "run", "series_key"],
                condition=Q(state__in=OPEN_STATES),
                name="monitoring_alerts_open_uq",
            ),
            models.CheckConstraint(condition=Q(state__in=AlertState.values), name="monitoring_alerts_state_ck"),
            models.CheckConstraint(
                condition=Q(severity__in=AlertSeverity.values), name="monitoring_alerts_severity_ck"
            ),
            # Each state has the times up to itself.
            models.CheckConstraint(
                condition=Q(state=AlertState.INACTIVE, pending_at=None, fired_at=None, resolved_at=None)
                | Q(state=AlertState.PENDING, pending_at__isnull=False, fired_at=None, resolved_at=None)
                | Q(state=AlertState.FIRING, pending_at__isnull=False, fired_at__isnull=False, resolved_at=None)
                | Q(
                    state=AlertState.RESOLVED,
                    pending_at__isnull=False,
                    fired_at__isnull=False,
                    resolved_at__isnull=False,
                ),
                name="monitoring_alerts_state_times_ck",
            ),
            models.CheckConstraint(
                condition=(Q(fired_at=None) | Q(fired_at__gte=F("pending_at")))
                & (Q(resolved_at=None) | Q(resolved_at__gte=F("fired_at"))),
                name="monitoring_alerts_times_ck",
            ),
            # A value belongs to a time, and is finite.
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}_value": None})
                    | Q(**{f"{at}__isnull": False, f"{name}_value__range": _WITHIN}),
                    name=f"monitoring_alerts_{name}_value_ck",
                )
                for name, at in (
                    ("pending", "pending_at"),
                    ("fired", "fired_at"),
                    ("peak", "fired_at"),
                    ("resolved", "resolved_at"),
                )
            ),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_reason="")
                | Q(resolved_at__isnull=False, resolved_reason__in=ResolvedReason.values),
                name="monitoring_alerts_reason_ck",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged=False, acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged=True, acknowledged_at__isnull=False, fired_at__isnull=False),
                name="monitoring_alerts_acknowledged_ck",
            ),
            models.CheckConstraint(
                condition=Q(announced_at=None) | Q(fired_at__isnull=False), name="monitoring_alerts_announced_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class AlertMemory(SeriesColumns):
    """How far evaluation has come with one rule and one series; written with every batch of the series."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="+", help_text="The rule.")
    rule_version = models.IntegerField(help_text="Version of the rule that the state belongs to.")
    alert = models.ForeignKey(
        MonitoringAlert,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="The episode that goes on, else the latest; null before the first.",
    )
    state = models.JSONField(help_text="The evaluation's own state, an object: last sample, crossing and peak.")
    heard_at = models.DateTimeField(help_text="When the newest sample came in, by the clock.")
    updated_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When the row last changed; kept by a trigger."
    )

    objects = AlertMemoryQuerySet.as_manager()

    class Meta:
        db_table = "alert_memories"
        verbose_name_plural = "alert memories"
        constraints = [
            # What a batch of a run needs.
            models.UniqueConstraint(fields=["run", "series_key", "rule"], name="alert_memories_uq")
        ]

    def __str__(self) -> str:
        return f"rule {self.rule_id}, run {self.run_id}, {self.metric}"
