"""Violations of policies and what people noted about them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from constitutional.choices import (
    OPEN_STATUSES,
    TERMINAL_STATUSES,
    ClearedReason,
    NoteAction,
    ResolutionStatus,
    ViolationType,
)
from constitutional.querysets import ViolationQuerySet
from core.db.indexes import LongNamedIndex
from core.models.base import RecordModel

_TYPE_OF_SEVERITY = Case(
    When(severity_score__gte=1, then=Value(ViolationType.CRITICAL.value)),
    When(severity_score__gte=0.75, then=Value(ViolationType.MAJOR.value)),
    When(severity_score__gte=0.5, then=Value(ViolationType.MODERATE.value)),
    default=Value(ViolationType.MINOR.value),
)


class Violation(RecordModel):
    """One episode in which a run breached a policy, and its review; written by the monitor, reviewed by people.

    The evidence never changes. Peak, severity and the end are kept while the episode lasts, whatever its review says.
    """

    violation_type = models.GeneratedField(
        expression=_TYPE_OF_SEVERITY,
        output_field=models.CharField(max_length=50, choices=ViolationType),
        db_persist=True,
        help_text="minor, moderate from severity 0.5, major from 0.75, critical at 1; computed.",
    )
    policy = models.ForeignKey(
        "constitutional.ConstitutionalPolicy",
        on_delete=models.PROTECT,
        related_name="violations",
        db_index=False,
        help_text="The policy that was breached.",
    )
    policy_version = models.ForeignKey(
        "constitutional.PolicyVersion",
        on_delete=models.PROTECT,
        related_name="violations",
        help_text="The policy as it was then; the current version where an insert leaves it out.",
    )
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        related_name="violations",
        db_index=False,
        help_text="The run that breached it; the system's own where an insert leaves it out.",
    )
    violation_data = models.JSONField(
        help_text="Evidence, an object: what the policy asked for, and what was measured when it was detected."
    )
    severity_score = models.FloatField(help_text="Severity at the peak, 0 to 1; rises while the episode lasts.")
    ha_value = models.FloatField(
        "Ha", null=True, blank=True, help_text="Hallucination number Ha when it was detected, 0 to 10, if known."
    )
    resolution_status = models.CharField(
        max_length=50,
        choices=ResolutionStatus,
        default=ResolutionStatus.PENDING,
        db_default=ResolutionStatus.PENDING,
        help_text="pending, acknowledged, then resolved or false_positive, which are terminal.",
    )
    first_crossing_at = models.DateTimeField(
        help_text="When the bound was first crossed, in the run's time; detected_at where an insert leaves it out."
    )
    detected_at = models.DateTimeField(
        db_default=Now(), help_text="When the breach had lasted the policy's dwell, in the run's time."
    )
    cleared_at = models.DateTimeField(
        null=True, blank=True, help_text="When the episode ended, in the run's time; null while it lasts."
    )
    cleared_reason = models.CharField(
        max_length=50, choices=ClearedReason, blank=True, db_default="", help_text="Why the episode ended; '' before."
    )
    peak_value = models.FloatField(
        null=True, blank=True, help_text="Most extreme aggregated value of the episode, in the metric's unit."
    )
    peak_at = models.DateTimeField(null=True, blank=True, help_text="When the peak was, in the run's time.")
    sample_count = models.IntegerField(
        null=True,
        blank=True,
        help_text="Samples beyond the bound: up to the detection while the episode lasts, all of them once it ended.",
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True, help_text="When somebody took it up.")
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who took it up, where the connection said so.",
    )
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When its review ended.")
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who ended its review, where the connection said so.",
    )

    objects = ViolationQuerySet.as_manager()

    class Meta:
        db_table = "constitutional_violations"
        ordering = ["-detected_at", "-id"]
        permissions = [("review_violation", "Can acknowledge and resolve violations")]
        indexes = [
            # Violations of one type.
            models.Index(fields=["violation_type"], name="idx_violations_type"),
            # "At least this severe", the worst first.
            models.Index(fields=["severity_score"], name="idx_violations_severity"),
            # The newest first, and time windows.
            models.Index(fields=["detected_at"], name="idx_violations_detected"),
            # The severe ones of a type in a time window.
            LongNamedIndex(
                fields=["violation_type", "severity_score", "detected_at"], name="idx_violations_type_severity_time"
            ),
            # The review queue, newest first.
            models.Index(
                fields=["-detected_at", "-id"],
                condition=Q(resolution_status__in=OPEN_STATUSES),
                name="violations_open_idx",
            ),
            # Whether a run's open violations are systemic.
            models.Index(
                fields=["run"], condition=Q(resolution_status__in=OPEN_STATUSES), name="violations_open_run_idx"
            ),
            # The violations of one run, newest first.
            models.Index(fields=["run", "-detected_at", "-id"], name="violations_run_time_idx"),
            # The violations of one policy, newest first.
            models.Index(fields=["policy", "-detected_at", "-id"], name="violations_policy_time_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(severity_score__range=(0, 1)), name="constitutional_violations_severity_ck"
            ),
            models.CheckConstraint(
                condition=Q(ha_value=None) | Q(ha_value__range=(0, 10)), name="constitutional_violations_ha_ck"
            ),
            models.CheckConstraint(
                condition=Q(peak_value=None) | Q(peak_value__gt=float("-inf"), peak_value__lt=float("inf")),
                name="constitutional_violations_peak_ck",
            ),
            models.CheckConstraint(
                condition=Q(sample_count=None) | Q(sample_count__gte=1),
                name="constitutional_violations_samples_ck",
            ),
            models.CheckConstraint(
                condition=Q(resolution_status__in=ResolutionStatus.values), name="constitutional_violations_status_ck"
            ),
            models.CheckConstraint(
                condition=Q(detected_at__gte=F("first_crossing_at")), name="constitutional_violations_detected_at_ck"
            ),
            models.CheckConstraint(
                condition=Q(cleared_at=None, cleared_reason="")
                | Q(
                    cleared_at__isnull=False,
                    cleared_at__gte=F("detected_at"),
                    cleared_reason__in=ClearedReason.values,
                ),
                name="constitutional_violations_cleared_ck",
            ),
            models.CheckConstraint(
                condition=Q(resolution_status=ResolutionStatus.PENDING, acknowledged_at=None, acknowledged_by=None)
                | ~Q(resolution_status=ResolutionStatus.PENDING)
                & Q(acknowledged_at__isnull=False, acknowledged_at__gte=F("detected_at")),
                name="constitutional_violations_acknowledged_ck",
            ),
            models.CheckConstraint(
                condition=~Q(resolution_status__in=TERMINAL_STATUSES) & Q(resolved_at=None, resolved_by=None)
                | Q(
                    resolution_status__in=TERMINAL_STATUSES,
                    resolved_at__isnull=False,
                    resolved_at__gte=F("detected_at"),
                    acknowledged_at__lte=F("resolved_at"),
                ),
                name="constitutional_violations_resolved_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"violation {self.pk}"


class ViolationNote(RecordModel):
    """A remark on a violation or one step of its review, with who and when; append-only.

    Steps are written by a trigger, whoever changed the status; remarks by services.
    """

    append_only = True

    violation = models.ForeignKey(
        Violation,
        on_delete=models.PROTECT,
        related_name="notes",
        db_index=False,
        help_text="The violation it is about.",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who, where the connection said so.",
    )
    database_role = models.CharField(
        max_length=63, db_default="", editable=False, help_text="The database role that wrote it; set by a trigger."
    )
    action = models.CharField(
        max_length=20,
        choices=NoteAction,
        default=NoteAction.NOTE,
        help_text="note for a remark; acknowledge, resolve or false_positive for a step of the review.",
    )
    from_status = models.CharField(
        max_length=50,
        choices=ResolutionStatus,
        blank=True,
        db_default="",
        help_text="Status before the step; '' for a remark.",
    )
    to_status = models.CharField(
        max_length=50,
        choices=ResolutionStatus,
        blank=True,
        db_default="",
        help_text="Status after the step; '' for a remark.",
    )
    text = models.TextField(blank=True, db_default="", help_text="What was said.")
    created_at = models.DateTimeField(db_default=Now(), help_text="When.")

    class Meta:
        db_table = "violation_notes"
        ordering = ["created_at", "id"]
        verbose_name = "note"
        indexes = [
            # The notes of a violation, oldest first.
            models.Index(fields=["violation", "created_at", "id"], name="violation_notes_time_idx")
        ]
        constraints = [
            # A review passes each status once, so each step is recorded once.
            models.UniqueConstraint(
                fields=["violation", "to_status"], condition=~Q(action=NoteAction.NOTE), name="violation_notes_step_uq"
            ),
            models.CheckConstraint(condition=Q(action__in=NoteAction.values), name="violation_notes_action_ck"),
            models.CheckConstraint(
                condition=Q(action=NoteAction.NOTE, from_status="", to_status="", text__regex=r"\S")
                | ~Q(action=NoteAction.NOTE)
                & Q(from_status__in=ResolutionStatus.values, to_status__in=ResolutionStatus.values),
                name="violation_notes_content_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} at {self.created_at:%Y-%m-%d %H:%M:%S}"
