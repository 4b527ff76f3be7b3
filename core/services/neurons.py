"""Neurons: made, described, calibrated, and their histories replayed; what happens to them is in `neuron_events`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from core.choices import NeuronEventKind, NeuronType
from core.exceptions import NotFound
from core.models import NeuronEvent, QuantumNeuron, RealityNetwork, RealityNode, Run
from core.neuron_replay import Disagreement, compare_present, replay
from core.services.neuron_events import apply_event, list_event_columns, update_neuron
from core.services.neuron_parameters import GROUND

__all__ = ["CALIBRATION", "DESCRIPTION", "apply_event", "create_neuron", "describe_neuron", "replay_history"]

CALIBRATION = (
    "omega",
    "t1_s",
    "t2_s",
    "p_eq",
    "delta",
    "kappa",
    "v_rest_mv",
    "v_th_mv",
    "tau_m_ms",
    "r_mohm",
    "refractory_ms",
)
DESCRIPTION = ("name", "neuron_type", "layer_index", "network", "node", "v_mv", "spike_rate_hz")


@transaction.atomic
def create_neuron(
    *,
    name: str,
    t1_s: float,
    t2_s: float,
    now: datetime,
    neuron_type: str = NeuronType.HIDDEN,
    layer_index: int = 0,
    network: RealityNetwork | None = None,
    node: RealityNode | None = None,
    run: Run | None = None,
    v_mv: float = -70.0,
    spike_rate_hz: float = 0.0,
    **calibration: float,
) -> QuantumNeuron:
    """Make a neuron, prepared in level 0.

    Args:
        network: that of the node, where only the node is given.
        calibration: any other of CALIBRATION.

    Raises:
        IntegrityError: a `quantum_neurons_*` constraint.
    """
    if unknown := calibration.keys() - set(CALIBRATION):
        raise TypeError(f"{', '.join(sorted(unknown))}: no calibration of a neuron")
    neuron = QuantumNeuron.objects.create(
        name=name,
        neuron_type=neuron_type,
        layer_index=layer_index,
        network=node.network if node is not None and network is None else network,
        node=node,
        run=run,
        t1_s=t1_s,
        t2_s=t2_s,
        v_mv=v_mv,
        spike_rate_hz=spike_rate_hz,
        last_event=NeuronEventKind.PREPARE,
        last_event_at=now,
        last_parameters={"bloch": list(GROUND)},
        **calibration,
    )
    neuron.refresh_from_db()
    return neuron


@transaction.atomic
def describe_neuron(*, neuron: QuantumNeuron, now: datetime, **changes: Any) -> QuantumNeuron:
    """Change what is said about a neuron, read from its membrane, or calibrated; a new calibration is an event.

    Args:
        changes: of DESCRIPTION and CALIBRATION; the network follows a node that is given alone.

    Raises:
        InvalidTransition: the neuron is in an open sweep, whose calibration stays.
        IntegrityError: a `quantum_neurons_*` constraint.
    """
    if unknown := changes.keys() - {*DESCRIPTION, *CALIBRATION}:
        raise TypeError(f"{', '.join(sorted(unknown))} of a neuron changes by events or not at all")
    if changes.get("node") is not None and "network" not in changes:
        changes["network"] = changes["node"].network
    locked = QuantumNeuron.objects.select_for_update(of=("self",)).get(pk=neuron.pk)
    calibrated = {
        name: {"from": getattr(locked, name), "to": changes[name]}
        for name in CALIBRATION
        if name in changes and changes[name] != getattr(locked, name)
    }
    event = list_event_columns(locked, NeuronEventKind.CALIBRATE, calibrated, now) if calibrated else {}
    if changes:
        update_neuron(locked, NeuronEventKind.CALIBRATE, changes | event)
    locked.refresh_from_db()
    return locked


def replay_history(*, neuron_id: int) -> list[Disagreement]:
    """Compute a neuron's history again and compare it with what was recorded, and its end with the neuron as it is.

    Raises:
        NotFound: there is no such neuron.
    """
    with transaction.atomic():
        # Locked, so that no event comes between the two reads.
        neuron = QuantumNeuron.objects.select_for_update().filter(pk=neuron_id).values().first()
        rows = list(NeuronEvent.objects.for_neuron(neuron_id).in_order().values())
    if neuron is None:
        raise NotFound(f"There is no neuron {neuron_id}.")
    if not rows:
        return [Disagreement(0, "event_seq", neuron["event_seq"], 0)]
    found = [*replay(rows), *compare_present(neuron, rows[-1])]
    measured = sum(row["event"] == NeuronEventKind.MEASURE for row in rows)
    if rows[0]["seq"] == 1 and neuron["measurement_count"] != measured:
        found.append(Disagreement(0, "measurement_count", neuron["measurement_count"], measured))
    return found
