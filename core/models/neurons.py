"""Two-level systems: neurons, entangled pairs, the transitions that are possible, and what happened."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import ATan2, Greatest, Least, Sqrt
from django.db.models.lookups import LessThanOrEqual
from numpy.typing import NDArray

from core.choices import NeuronEventKind, NeuronState, NeuronType
from core.models.base import RecordModel, TimestampedModel
from core.querysets import NeuronEventQuerySet

_X, _Y, _Z = F("bloch_x"), F("bloch_y"), F("bloch_z")
# Adding 0 turns -0 into 0, which would otherwise give -pi or pi for no coherence.
_ANGLE = ATan2(_Y + Value(0.0), _X + Value(0.0))


def _is_finite(*names: str) -> Q:
    return Q(*(Q(**{f"{name}__gt": -math.inf, f"{name}__lt": math.inf}) for name in names))


class QuantumNeuron(TimestampedModel):
    """A two-level system (qubit) with its calibration and the membrane that may drive it, as they are now.

    State and calibration change by events alone: who changes them names the event in `last_event` and counts
    `event_seq` up by one. Triggers then derive `state` from the numbers, refuse what is no valid transition, and write
    the history in the same transaction. Membrane potential and spike rate are readings and change freely.
    """

    name = models.CharField(max_length=200, help_text="What people call the neuron.")
    neuron_type = models.CharField(
        max_length=20,
        choices=NeuronType,
        default=NeuronType.HIDDEN,
        help_text="input, hidden, output, memory, attention or recurrent.",
    )
    layer_index = models.IntegerField(default=0, help_text="Layer of the neuron in its network, from 0.")
    network = models.ForeignKey(
        "core.RealityNetwork",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="neurons",
        help_text="The graph it is part of.",
    )
    node = models.ForeignKey(
        "core.RealityNode",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="neurons",
        help_text="The vertex of that graph where it sits.",
    )
    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="neurons",
        help_text="The run whose clock its events follow; null for the wall clock.",
    )

    bloch_x = models.FloatField(default=0.0, editable=False, help_text="Bloch vector, x component, -1 to 1.")
    bloch_y = models.FloatField(default=0.0, editable=False, help_text="Bloch vector, y component, -1 to 1.")
    bloch_z = models.FloatField(
        default=1.0, editable=False, help_text="Bloch vector, z component: 1 is level 0, -1 level 1."
    )
    coherence_l1 = models.GeneratedField(
        expression=Least(Value(1.0), Sqrt(_X * _X + _Y * _Y)),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="Coherence C = 2 |rho_01|, 0 to 1.",
    )
    purity = models.GeneratedField(
        expression=Least(Value(1.0), (Value(1.0) + (_X * _X + _Y * _Y + _Z * _Z)) / Value(2.0)),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="Purity, the trace of rho squared, 1/2 to 1.",
    )
    phase_rad = models.GeneratedField(
        expression=Case(When(LessThanOrEqual(_ANGLE, Value(-math.pi)), then=Value(math.pi)), default=_ANGLE),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="Phase atan2(y, x), rad, in (-pi, pi]; 0 without coherence.",
    )
    p1 = models.GeneratedField(
        expression=Least(Value(1.0), Greatest(Value(0.0), (Value(1.0) - _Z) / Value(2.0))),
        output_field=models.FloatField(),
        db_persist=True,
        help_text="Probability of reading level 1, 0 to 1.",
    )
    sweep_bias = models.FloatField(
        null=True, editable=False, help_text="Bias V at which an open sweep stands, rad/s; null while none is open."
    )
    sweep_rate = models.FloatField(
        null=True, editable=False, help_text="Rate dV/dt of an open sweep, rad/s^2, not 0; null while none is open."
    )
    state = models.CharField(
        max_length=20,
        choices=NeuronState,
        default=NeuronState.COLLAPSED,
        editable=False,
        help_text="What the numbers amount to, derived by a trigger; what a client writes here is ignored.",
    )

    omega = models.FloatField(default=0.0, help_text="Frequency at which the phase advances, rad/s.")
    t1_s = models.FloatField("T1", help_text="Relaxation time T1 of the populations, s.")
    t2_s = models.FloatField("T2", help_text="Decay time T2 <= 2 T1 of the coherence, s.")
    p_eq = models.FloatField(default=0.0, help_text="p1 in equilibrium with the surroundings, 0 to 1.")
    delta = models.FloatField(default=0.0, help_text="Tunnelling Delta between the levels, rad/s.")
    kappa = models.FloatField(default=0.0, help_text="Bias V for each mV above rest, rad/s per mV.")
    v_rest_mv = models.FloatField(default=-70.0, help_text="Resting potential, mV.")
    v_th_mv = models.FloatField(default=-55.0, help_text="Potential at which the membrane spikes, mV.")
    tau_m_ms = models.FloatField(default=20.0, help_text="Time constant of the membrane, ms.")
    r_mohm = models.FloatField(default=1.0, help_text="Membrane resistance, megaohm.")
    refractory_ms = models.FloatField(default=0.0, help_text="Refractory period after a spike, ms.")
    v_mv = models.FloatField(default=-70.0, help_text="Membrane potential, mV.")
    spike_rate_hz = models.FloatField(default=0.0, help_text="Spike rate, Hz.")

    measurement_count = models.BigIntegerField(default=0, editable=False, help_text="Measurements so far.")
    event_seq = models.BigIntegerField(default=1, editable=False, help_text="Number of the last event, from 1.")
    last_event = models.CharField(
        max_length=20,
        choices=NeuronEventKind,
        editable=False,
        help_text="The last event; who changes the state names it.",
    )
    last_event_at = models.DateTimeField(editable=False, help_text="When it happened.")
    last_parameters = models.JSONField(
        default=dict, editable=False, help_text="All that the event depended on, an object."
    )
    last_outcome = models.SmallIntegerField(
        null=True, editable=False, help_text="What a measurement found, 0 or 1; null for any other event."
    )
    last_partner = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="The other neuron of an event that changed both of a pair.",
    )

    class Meta:
        db_table = "quantum_neurons"
        ordering = ["-id"]
        verbose_name = "neuron"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="quantum_neurons_name_ck"),
            models.CheckConstraint(condition=Q(neuron_type__in=NeuronType.values), name="quantum_neurons_type_ck"),
            models.CheckConstraint(condition=Q(layer_index__gte=0), name="quantum_neurons_layer_ck"),
            models.CheckConstraint(condition=Q(node=None) | Q(network__isnull=False), name="quantum_neurons_node_ck"),
            models.CheckConstraint(
                condition=LessThanOrEqual(_X * _X + _Y * _Y + _Z * _Z, Value(1 + 1e-9)), name="quantum_neurons_bloch_ck"
            ),
            models.CheckConstraint(
                condition=Q(sweep_bias=None, sweep_rate=None)
                | Q(sweep_bias__isnull=False, sweep_rate__isnull=False)
                & _is_finite("sweep_bias", "sweep_rate")
                & ~Q(sweep_rate=0),
                name="quantum_neurons_sweep_ck",
            ),
            models.CheckConstraint(
                condition=Q(state=NeuronState.TUNNELING, sweep_rate__isnull=False)
                | (~Q(state=NeuronState.TUNNELING) & Q(sweep_rate=None)),
                name="quantum_neurons_tunneling_ck",
            ),
            models.CheckConstraint(condition=Q(state__in=NeuronState.values), name="quantum_neurons_state_ck"),
            models.CheckConstraint(condition=_is_finite("omega"), name="quantum_neurons_omega_ck"),
            models.CheckConstraint(condition=Q(t1_s__gt=0, t1_s__lt=math.inf), name="quantum_neurons_t1_ck"),
            models.CheckConstraint(
                condition=Q(t2_s__gt=0, t2_s__lte=F("t1_s") * Value(2 * (1 + 1e-9))), name="quantum_neurons_t2_ck"
            ),
            models.CheckConstraint(condition=Q(p_eq__gte=0, p_eq__lte=1), name="quantum_neurons_p_eq_ck"),
            models.CheckConstraint(condition=Q(delta__gte=0, delta__lt=math.inf), name="quantum_neurons_delta_ck"),
            models.CheckConstraint(condition=_is_finite("kappa"), name="quantum_neurons_kappa_ck"),
            models.CheckConstraint(
                condition=Q(v_rest_mv__gt=-math.inf, v_th_mv__lt=math.inf, v_th_mv__gt=F("v_rest_mv")),
                name="quantum_neurons_threshold_ck",
            ),
            models.CheckConstraint(condition=_is_finite("v_mv"), name="quantum_neurons_v_mv_ck"),
            models.CheckConstraint(condition=Q(tau_m_ms__gt=0, tau_m_ms__lt=math.inf), name="quantum_neurons_tau_m_ck"),
            models.CheckConstraint(condition=Q(r_mohm__gt=0, r_mohm__lt=math.inf), name="quantum_neurons_r_mohm_ck"),
            models.CheckConstraint(
                condition=Q(refractory_ms__gte=0, refractory_ms__lt=math.inf), name="quantum_neurons_refractory_ck"
            ),
            models.CheckConstraint(
                condition=Q(spike_rate_hz__gte=0, spike_rate_hz__lt=math.inf), name="quantum_neurons_spike_rate_ck"
            ),
            models.CheckConstraint(
                condition=Q(last_event="measure", last_outcome__isnull=False, last_outcome__in=[0, 1])
                | (~Q(last_event="measure") & Q(last_outcome=None)),
                name="quantum_neurons_outcome_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Leave them to the database, whose refusals name the field."""


class Entanglement(RecordModel):
    """Two neurons in one pure state of two: there while both are labelled entangled, of every neuron at most one.

    Made and deleted together with the events of both, never changed.
    """

    neuron_a = models.OneToOneField(
        QuantumNeuron, on_delete=models.PROTECT, related_name="pair_as_a", help_text="The neuron with the lower id."
    )
    neuron_b = models.OneToOneField(
        QuantumNeuron, on_delete=models.PROTECT, related_name="pair_as_b", help_text="The neuron with the higher id."
    )
    concurrence = models.FloatField(help_text="Concurrence of the pair, 0 to 1.")
    state_vector = models.BinaryField(
        help_text="Amplitudes of 00, 01, 10, 11, neuron a first: four complex128, little-endian, 64 octets."
    )
    since = models.DateTimeField(help_text="When they became a pair.")

    class Meta:
        db_table = "quantum_entanglements"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(neuron_a__lt=F("neuron_b")), name="quantum_entanglements_order_ck"),
            models.CheckConstraint(
                condition=Q(concurrence__gte=0, concurrence__lte=1), name="quantum_entanglements_concurrence_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.neuron_a_id} - {self.neuron_b_id}"

    def read_state(self) -> NDArray[np.complex128]:
        """The state vector, complex128 (4,)."""
        return np.frombuffer(self.state_vector, dtype="<c16")


class StateTransition(RecordModel):
    """One step that a neuron may take: from this state, by this event, to that one. Filled by the migration."""

    read_only = True

    from_state = models.CharField(max_length=20, choices=NeuronState, help_text="The state before.")
    event = models.CharField(max_length=20, choices=NeuronEventKind, help_text="What happens.")
    to_state = models.CharField(max_length=20, choices=NeuronState, help_text="The state after.")

    class Meta:
        db_table = "quantum_state_transitions"
        # Unmanaged, so that a flush leaves what the migration filled in.
        managed = False
        ordering = ["id"]
        constraints = [
            # A step stands once; also the index by which the trigger finds it.
            models.UniqueConstraint(fields=["from_state", "event", "to_state"], name="quantum_state_transitions_uq")
        ]

    def __str__(self) -> str:
        return f"{self.from_state} - {self.event} - {self.to_state}"


class NeuronEvent(RecordModel):
    """One event of a neuron with the numbers before and after, written by a trigger in the event's own transaction.

    Append-only, partitioned by ISO week of `ts`. What stands here is enough to compute the event again.
    """

    append_only = True
    read_only = True
    database_key = ("neuron_id", "ts", "seq")

    neuron = models.ForeignKey(QuantumNeuron, on_delete=models.PROTECT, related_name="events", help_text="The neuron.")
    ts = models.DateTimeField(help_text="When it happened, UTC; partition key, weekly.")
    seq = models.BigIntegerField(help_text="Number of the event among those of its neuron, from 1 without a gap.")
    event = models.CharField(max_length=20, choices=NeuronEventKind, help_text="What happened.")
    from_state = models.CharField(max_length=20, choices=NeuronState, help_text="The state before.")
    to_state = models.CharField(max_length=20, choices=NeuronState, help_text="The state after.")
    actor_id = models.IntegerField(null=True, help_text="The user who did it, where the connection said so.")
    database_role = models.CharField(max_length=63, help_text="The database role that did it.")
    c_before = models.FloatField(help_text="Coherence C before, 0 to 1.")
    c_after = models.FloatField(help_text="Coherence C after, 0 to 1.")
    bloch_before = ArrayField(models.FloatField(), help_text="Bloch vector x, y, z before, -1 to 1.")
    bloch_after = ArrayField(models.FloatField(), help_text="Bloch vector x, y, z after, -1 to 1.")
    outcome = models.SmallIntegerField(null=True, help_text="What a measurement found, 0 or 1.")
    parameters = models.JSONField(help_text="All that the event depended on, an object.")
    partner = models.ForeignKey(
        QuantumNeuron,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The other neuron of an event that changed both of a pair.",
    )

    objects = NeuronEventQuerySet.as_manager()

    class Meta:
        db_table = "quantum_neuron_history"
        ordering = ["-ts", "-id"]
        verbose_name = "neuron event"
        indexes = [
            # One event by its id alone.
            models.Index(fields=["id"], name="quantum_neuron_history_id_idx"),
            # The newest events of all neurons, page by page.
            models.Index(fields=["ts"], name="quantum_neuron_history_ts_idx"),
            # Long spans of time, at next to no cost.
            BrinIndex(fields=["ts"], name="quantum_neuron_history_ts_brin"),
            # What a neuron did to others; deleting a neuron looks here too.
            models.Index(fields=["partner"], condition=Q(partner__isnull=False), name="quantum_neuron_history_pr_idx"),
            # "Every event with these parameters", such as all rotations about x.
            GinIndex(fields=["parameters"], name="quantum_neuron_history_gin", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.event} of neuron {self.neuron_id} at {self.ts:%Y-%m-%d %H:%M:%S.%f}"
