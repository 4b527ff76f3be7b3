"""What the monitor remembers of a run between two batches."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from constitutional.choices import GuardCause, GuardLevel
from core.models.base import RecordModel


class PolicyMonitorState(RecordModel):
    """How far the monitor has come with one policy in one run; written by the monitor with every batch."""

    run = models.ForeignKey(
        "core.Run", on_delete=models.CASCADE, related_name="+", db_index=False, help_text="The run that is monitored."
    )
    policy = models.ForeignKey(
        "constitutional.ConstitutionalPolicy",
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The policy it is held to.",
    )
    policy_version = models.ForeignKey(
        "constitutional.PolicyVersion",
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The version of the policy that the state belongs to.",
    )
    violation = models.ForeignKey(
        "constitutional.Violation",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="The violation of the episode that goes on; null while calm.",
    )
    state = models.JSONField(help_text="The evaluation's own state, an object: window, crossing and peak.")
    updated_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When the row last changed; kept by a trigger."
    )

    class Meta:
        db_table = "policy_monitor_states"
        ordering = ["run_id", "policy_id"]
        constraints = [
            # The states of a run, locked at the start of a batch.
            models.UniqueConstraint(fields=["run", "policy"], name="policy_monitor_states_uq")
        ]

    def __str__(self) -> str:
        return f"run {self.run_id}, policy {self.policy_id}"


class RunGuardState(RecordModel):
    """Where the controller's state machine stands in one run; written by the monitor with every batch.

    An operator may stop a run, and let one go on.
    """

    run = models.OneToOneField(
        "core.Run", on_delete=models.CASCADE, primary_key=True, related_name="+", help_text="The run that is guarded."
    )
    level = models.CharField(
        max_length=20,
        choices=GuardLevel,
        default=GuardLevel.NORMAL,
        db_default=GuardLevel.NORMAL,
        help_text="normal, warning, critical, emergency, recovery or failure.",
    )
    latched = models.BooleanField(
        default=False, db_default=False, help_text="Whether the level stays until it is calm for the dwell or released."
    )
    since = models.DateTimeField(null=True, help_text="When the level was entered, in the run's time; null at first.")
    cause = models.CharField(
        max_length=20,
        choices=GuardCause,
        blank=True,
        db_default="",
        help_text="Why the level was entered: ha, integrity, invalid, calm, max_duration or operator; '' at first.",
    )
    reason = models.TextField(blank=True, db_default="", help_text="The operator's reason for the level.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The operator who set the level; null where the state machine did.",
    )
    state = models.JSONField(default=dict, help_text="The state machine's own state, an object; empty at first.")
    updated_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When the row last changed; kept by a trigger."
    )

    class Meta:
        db_table = "run_guard_states"
        indexes = [
            # "Which runs are in trouble?"
            models.Index(fields=["level"], condition=~Q(level=GuardLevel.NORMAL), name="run_guard_states_level_idx")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(level__in=GuardLevel.values), name="run_guard_states_level_ck"),
            models.CheckConstraint(
                condition=Q(cause="") | Q(cause__in=GuardCause.values), name="run_guard_states_cause_ck"
            ),
            # An operator's level names the operator and the reason, any other neither.
            models.CheckConstraint(
                condition=Q(cause=GuardCause.OPERATOR, actor__isnull=False, reason__regex=r"\S")
                | ~Q(cause=GuardCause.OPERATOR) & Q(actor=None, reason=""),
                name="run_guard_states_operator_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.level}"
