"""Oscillators and synchronization events."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from pgvector.django import VectorField

from core.choices import NetworkStatus
from core.models.base import HallucinationColumns, RecordModel, TelemetryModel
from core.querysets import TelemetryQuerySet
from kuramoto.choices import EventCause, EventType
from kuramoto.constants import EMBEDDING_DIMENSIONS
from kuramoto.querysets import SynchronizationEventQuerySet


class OscillatorState(TelemetryModel, HallucinationColumns):
    """The phases of all oscillators of a run at one moment, with the order parameter computed from them.

    Append-only, partitioned by month of `timestamp`; written by the telemetry pipeline. In SQL `o.oscillator_states`
    answers the phases as JSONB.
    """

    run = models.ForeignKey(
        "core.Run", on_delete=models.PROTECT, related_name="oscillators", help_text="The run that produced the state."
    )
    phases = ArrayField(
        models.FloatField(),
        help_text="Phase of each oscillator, rad, in (-pi, pi]; as many as the run has oscillators.",
    )
    sync_parameter = models.FloatField(help_text="Order parameter r = |mean of exp(i theta)|, 0 to 1.")
    mean_phase = models.FloatField(help_text="Mean phase psi, the argument of the mean of exp(i theta), rad.")
    phase_coherence = models.GeneratedField(
        expression=F("sync_parameter") * F("sync_parameter"),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="r squared, 0 to 1.",
    )
    coupling_strength = models.FloatField(null=True, help_text="Coupling K, rad/s; negative is repulsive.")
    semantic_embedding = VectorField(
        dimensions=EMBEDDING_DIMENSIONS, null=True, help_text="Semantic embedding of the state, never the zero vector."
    )
    prediction_horizons = models.JSONField(
        null=True, help_text="Predicted order parameter by horizon in seconds: 30, 180 and 600."
    )

    objects = TelemetryQuerySet.as_manager()

    class Meta:
        db_table = "kuramoto_oscillators"
        ordering = ["-timestamp", "-id"]
        verbose_name = "oscillator state"
        indexes = [
            # One state by its id alone.
            models.Index(fields=["id"], name="kuramoto_oscillators_id_idx"),
            # The newest states of all runs, page by page.
            models.Index(fields=["timestamp"], name="idx_kuramoto_timestamp"),
            # Long spans of time, at next to no cost.
            BrinIndex(fields=["timestamp"], name="kuramoto_oscillators_ts_brin"),
            # "When was the order parameter low?"
            models.Index(fields=["sync_parameter"], name="idx_kuramoto_sync"),
            # The few states of a run, or of a time, that have an embedding, where no graph is searched.
            models.Index(
                fields=["run", "timestamp"],
                condition=Q(semantic_embedding__isnull=False),
                name="kuramoto_embedded_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"oscillators {self.pk} of run {self.run_id} at {self.timestamp:%Y-%m-%d %H:%M:%S.%f}"


class SynchronizationEvent(RecordModel):
    """A lasting change of a run's collective state, found with hysteresis and dwell, or an emergency stop.

    Append-only; written by the telemetry pipeline, and by operators who stop or recover a run. Synchronization and
    desynchronization alternate; after an emergency stop only a recovery follows.
    """

    append_only = True

    run = models.ForeignKey("core.Run", on_delete=models.PROTECT, related_name="sync_events", help_text="The run.")
    event_type = models.CharField(
        max_length=50, choices=EventType, help_text="sync_achieved, desync_detected, emergency_stop or recovery."
    )
    cause = models.CharField(
        max_length=20, choices=EventCause, default=EventCause.ORDER_PARAMETER, help_text="What brought it about."
    )
    sync_level_before = models.FloatField(null=True, help_text="Median r over the dwell before the crossing.")
    sync_level_after = models.FloatField(null=True, help_text="Median r over the dwell after the crossing.")
    event_data = models.JSONField(null=True, help_text="Anything else that was known.")
    entered_at = models.DateTimeField(null=True, help_text="First sample across the threshold.")
    occurred_at = models.DateTimeField(db_default=Now(), help_text="When the dwell was over.")
    threshold_on = models.FloatField(null=True, help_text="r at or above which the run counts as synchronized.")
    threshold_off = models.FloatField(null=True, help_text="r at or below which it no longer does.")
    dwell_s = models.FloatField(null=True, help_text="How long r had to stay across, s.")
    n_oscillators = models.IntegerField(null=True, help_text="Number of oscillators N.")
    coupling_strength = models.FloatField(null=True, help_text="Coupling K when it happened, rad/s.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who stopped or recovered the run by hand.",
    )
    reason = models.TextField(blank=True, help_text="Why; an emergency stop and a recovery have one.")

    objects = SynchronizationEventQuerySet.as_manager()

    class Meta:
        db_table = "synchronization_events"
        ordering = ["-occurred_at", "-id"]
        indexes = [
            # "All desynchronizations."
            models.Index(fields=["event_type"], name="idx_sync_events_type"),
            # The newest events first.
            models.Index(fields=["occurred_at"], name="idx_sync_events_time"),
            # The last event of a run.
            models.Index(fields=["run", "-occurred_at", "-id"], name="sync_events_run_idx"),
            # Deleting a user who caused events.
            models.Index(fields=["actor"], name="sync_events_actor_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_type_display()} of run {self.run_id}"


class SynchronizationState(RecordModel):
    """What the pipeline remembers of a run between batches: event detector, forecaster, reference embedding.

    Locked by every batch of the run, so that batches of one run are serial and of different runs are not.
    """

    run = models.OneToOneField(
        "core.Run", on_delete=models.CASCADE, primary_key=True, related_name="sync_state", help_text="The run."
    )
    settings = models.JSONField(help_text="Thresholds and dwells of the event detector, fixed with the first batch.")
    detector = models.JSONField(help_text="State of the event detector.")
    forecaster = models.JSONField(help_text="State of the one-step forecaster behind the forecast component of Ha.")
    reference_embedding = VectorField(
        dimensions=EMBEDDING_DIMENSIONS, null=True, help_text="The run's first embedding; drift is measured from it."
    )
    updated_at = models.DateTimeField(db_default=Now(), help_text="When the last batch came; kept by a trigger.")

    class Meta:
        db_table = "synchronization_states"

    def __str__(self) -> str:
        return f"synchronization state of run {self.run_id}"


class RealityStatus(RecordModel):
    """A coupling graph as it stands: its size, its neurons, and the runs that go on on it.

    A view, read as the reader's own role. Telemetry is looked for in the last 31 days.
    """

    read_only = True

    id = models.BigIntegerField(primary_key=True, help_text="Id of the network.")
    name = models.CharField(max_length=200, help_text="What people call it.")
    status = models.CharField(max_length=20, choices=NetworkStatus, help_text="active, dormant, collapsed or merged.")
    directed = models.BooleanField(help_text="Whether an edge couples one way only.")
    n_nodes = models.IntegerField(help_text="Number of vertices.")
    n_layers = models.IntegerField(help_text="Number of layers.")
    n_edges = models.BigIntegerField(help_text="Number of edges; an undirected one counts once.")
    density = models.FloatField(
        null=True, help_text="Share of the possible edges that are there, 0 to 1; null for a single vertex."
    )
    ongoing_runs = models.BigIntegerField(help_text="Runs on it that have not ended.")
    n_neurons = models.BigIntegerField(help_text="Neurons in it.")
    latest_run = models.ForeignKey(
        "core.Run",
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        help_text="The ongoing run whose oscillator state is the newest of the last 31 days; null where there is none.",
    )
    last_telemetry_at = models.DateTimeField(
        null=True, help_text="When that state was observed, UTC; null where there is none."
    )

    class Meta:
        managed = False
        db_table = "reality_status_view"
        # Who may see networks may see how they stand.
        default_permissions = ()
        ordering = ["id"]
        verbose_name = "network status"
        verbose_name_plural = "network status"

    def __str__(self) -> str:
        return f"{self.name}: {self.status}"
