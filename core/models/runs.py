"""Runs: what produced the telemetry."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.choices import CouplingNorm, RunKind
from core.constants import MAX_OSCILLATORS
from core.models.base import RecordModel, TimestampedModel
from core.querysets import RunQuerySet


def default_ha_weights() -> list[float]:
    """Weights of the defect, forecast and drift components in Ha_v1."""
    return [0.5, 0.3, 0.2]


class Run(TimestampedModel):
    """One run of a simulator, a live system or an import: the parent of all telemetry with the same origin.

    Opened and closed by services; what defines it (kind, seed, frequencies, weights) does not change once it began.
    """

    run_uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False, help_text="Identity across databases.")
    name = models.CharField(max_length=200, help_text="What people call the run.")
    kind = models.CharField(
        max_length=20, choices=RunKind, default=RunKind.SIMULATION, help_text="simulation, live or import."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        help_text="Who answers for the run; null for the system's own.",
    )
    parameters = models.JSONField(default=dict, blank=True, help_text="What the producer was started with, an object.")
    seed = models.BigIntegerField(null=True, blank=True, help_text="Seed of the random generator, where there was one.")
    code_version = models.CharField(max_length=100, blank=True, help_text="Version of the producing code.")
    network = models.ForeignKey(
        "core.RealityNetwork",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        help_text="The coupling graph; null for all-to-all coupling or none.",
    )
    n_oscillators = models.IntegerField(
        null=True, blank=True, help_text="Oscillators in every row; set by the first row where absent."
    )
    natural_frequencies = ArrayField(
        models.FloatField(), null=True, blank=True, help_text="Natural frequency of each oscillator, rad/s."
    )
    coupling_norm = models.CharField(
        max_length=20,
        choices=CouplingNorm,
        default=CouplingNorm.PER_N,
        help_text="What the coupling is divided by.",
    )
    critical_coupling = models.FloatField(
        null=True,
        blank=True,
        help_text="Critical coupling Kc, rad/s; sets the dwell of synchronization events.",
    )
    defect_density_ref = models.FloatField(
        default=0.0036,
        help_text="Reference defect density rho_ref, 1/area, at which the defect component is 1.",
    )
    ha_weights = ArrayField(
        models.FloatField(),
        size=3,
        default=default_ha_weights,
        help_text="Weights of the defect, forecast and drift components of Ha; they sum to 1.",
    )
    started_at = models.DateTimeField(help_text="When the run began.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When the run ended; null while it goes on.")

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "runs"
        ordering = ["-started_at", "-id"]
        indexes = [
            # The newest runs first, in lists and on the first page.
            models.Index(fields=["-started_at", "-id"], name="runs_started_at_idx"),
            # "Which runs are going on?"
            models.Index(fields=["started_at"], condition=Q(ended_at=None), name="runs_open_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RunKind.values), name="runs_kind_ck"),
            models.CheckConstraint(condition=Q(coupling_norm__in=CouplingNorm.values), name="runs_coupling_norm_ck"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")), name="runs_times_ck"
            ),
            models.CheckConstraint(
                condition=Q(n_oscillators=None) | Q(n_oscillators__range=(1, MAX_OSCILLATORS)),
                name="runs_n_oscillators_ck",
            ),
            models.CheckConstraint(
                condition=Q(defect_density_ref__gt=0, defect_density_ref__lt=float("inf")),
                name="runs_defect_density_ref_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    def natural_key(self) -> tuple[str]:
        """The identity across databases."""
        return (str(self.run_uuid),)


class RunShare(RecordModel):
    """A run that the members of a group may read.

    Written by the run's owner, and by whoever may change any run. Sharing gives sight, never the right to write.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="shares", help_text="The shared run.")
    group = models.ForeignKey(
        "auth.Group",
        on_delete=models.CASCADE,
        related_name="run_shares",
        help_text="Whose members see the run; roles are groups as well.",
    )
    shared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who shared it; null for the system.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was shared.")

    class Meta:
        db_table = "run_shares"
        ordering = ["run", "group"]
        constraints = [
            # Once a group; also the index for the groups of a run.
            models.UniqueConstraint(fields=["run", "group"], name="run_shares_run_group_uq"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} with {self.group}"
