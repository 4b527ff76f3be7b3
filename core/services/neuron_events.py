"""Events of neurons: one changes, or both of a pair do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Q

from core.choices import NeuronEventKind, NeuronState
from core.exceptions import Conflict, InvalidInput, InvalidTransition, NotFound
from core.models import Entanglement, NeuronEvent, QuantumNeuron
from core.neuron_dynamics import ComplexArray, Evolution, apply_pair_gate, evolve, list_pair
from core.pair_state import concurrence, product_state
from core.services.neuron_parameters import read_parameters
from core.two_level import ENTANGLED_CONCURRENCE

SEPARATE = 1e-9
"""Concurrence up to which rounding alone keeps two neurons from being independent."""
_TRANSITION = {"quantum_neurons_transition", "quantum_neurons_tunneling_ck"}


class _PairFoundError(Exception):
    """A neuron turned out to be one of a pair: all locks are taken anew, in order."""

    def __init__(self, ids: set[int]) -> None:
        self.ids = ids


@dataclass(frozen=True)
class _Change:
    """What an event makes of one neuron."""

    neuron: QuantumNeuron
    event: str
    parameters: Mapping[str, Any]
    evolution: Evolution
    partner: QuantumNeuron | None = None


@dataclass(frozen=True)
class _Pair:
    """Two locked neurons, the lower id first, and their state before an event."""

    neurons: tuple[QuantumNeuron, QuantumNeuron]
    state: ComplexArray
    row: Entanglement | None = None

    def partner_of(self, neuron: QuantumNeuron) -> QuantumNeuron:
        return self.neurons[1 - self.system_of(neuron)]

    def system_of(self, neuron: QuantumNeuron) -> int:
        return int(neuron.pk == self.neurons[1].pk)


def apply_event(
    *, neuron_id: int, event: str, parameters: Mapping[str, Any] | None = None, now: datetime, seed: int | None = None
) -> NeuronEvent:
    """Let something happen to a neuron, and to the other of its pair: both or neither.

    Events of one neuron take turns; those of different neurons do not wait for each other.

    Args:
        event: prepare, gate, gate2, measure, relax, sweep_start or sweep_end.
        parameters: of the event; `read_parameters` says which.
        now: when it happens; the time of the last event, where that is later.
        seed: of the random generator for a measurement's outcome; from the system's own randomness where absent.

    Returns:
        The event as it stands in the neuron's history.

    Raises:
        NotFound: there is no such neuron.
        InvalidInput: naming `event`, `seed` or the parameter at fault.
        InvalidTransition: the event does not lead on from the neuron's state.
        Conflict: the two of a gate are not pure, or entangled with others, or would be left next to unentangled.
    """
    given = read_parameters(event, parameters or {})
    if seed is not None and not 0 <= seed < 2**63:
        raise InvalidInput.of("seed", "A whole number from 0 to 2^63 - 1 is needed.")
    ids = {neuron_id, given.get("partner", neuron_id)}
    while True:
        try:
            with transaction.atomic():
                return _apply_locked(neuron_id, event, given, now, seed, ids)
        except _PairFoundError as found:
            ids = ids | found.ids


def _apply_locked(
    neuron_id: int, event: str, given: dict[str, Any], now: datetime, seed: int | None, ids: set[int]
) -> NeuronEvent:
    neurons = _lock_neurons(ids)
    pair = _find_pair(neurons, {neuron_id, given.get("partner", neuron_id)})
    neuron = neurons.get(neuron_id)
    if neuron is None:
        raise NotFound(f"There is no neuron {neuron_id}.")
    if event == NeuronEventKind.GATE2:
        if given["partner"] not in neurons or given["partner"] == neuron_id:
            raise InvalidInput.of("parameters.partner", "The id of another neuron is needed.", "not_found")
        pair = pair or _join(neuron, neurons[given["partner"]])
        changes, state = _entangle(neuron, given, pair)
    elif pair is not None:
        changes, state = _part(neuron, event, given, pair, seed), None
    else:
        changes, state = [_change(neuron, event, _complete(neuron, event, given, seed))], None
    at = max(now, *(change.neuron.last_event_at for change in changes))
    if pair is not None:
        _store_pair(pair, state, at)
    for change in changes:
        _record(change, at)
    return NeuronEvent.objects.get(neuron_id=neuron_id, ts=at, seq=neuron.event_seq + 1)


def _lock_neurons(ids: set[int]) -> dict[int, QuantumNeuron]:
    """Lock neurons in the order of their ids, so that no two events wait for each other; by id."""
    rows = QuantumNeuron.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    return {neuron.pk: neuron for neuron in rows}


def _find_pair(neurons: Mapping[int, QuantumNeuron], ids: set[int]) -> _Pair | None:
    """The pair that one of `ids` is in; raise _PairFoundError while its other neuron is not locked."""
    if all(neurons[pk].state != NeuronState.ENTANGLED for pk in ids & neurons.keys()):
        return None
    rows = list(Entanglement.objects.filter(Q(neuron_a_id__in=ids) | Q(neuron_b_id__in=ids)))
    members = {pk for row in rows for pk in (row.neuron_a_id, row.neuron_b_id)}
    if len(rows) > 1 or not ids <= members:
        raise Conflict("One of the two is entangled with another neuron.")
    if not members <= neurons.keys():
        raise _PairFoundError(members)
    row = rows[0]
    return _Pair((neurons[row.neuron_a_id], neurons[row.neuron_b_id]), row.read_state(), row)


def _join(neuron: QuantumNeuron, partner: QuantumNeuron) -> _Pair:
    """Two independent neurons as a pair."""
    first, second = sorted((neuron, partner), key=lambda one: one.pk)
    for one in (first, second):
        if one.state not in (NeuronState.SUPERPOSITION, NeuronState.COHERENT, NeuronState.COLLAPSED):
            raise InvalidTransition.of(one.pk, one.state, NeuronEventKind.GATE2)
    try:
        return _Pair((first, second), product_state(_bloch(first), _bloch(second)))
    except ValueError as error:
        raise Conflict("A gate of two needs both in pure states: prepare or measure them first.") from error


def _entangle(
    neuron: QuantumNeuron, given: Mapping[str, Any], pair: _Pair
) -> tuple[list[_Change], ComplexArray | None]:
    """A gate of two: what becomes of both, and the state of the pair, None where nothing entangles them any more."""
    control = pair.system_of(neuron)
    state = apply_pair_gate(pair.state, control)
    entanglement = float(concurrence(state))
    if SEPARATE < entanglement < ENTANGLED_CONCURRENCE:
        raise Conflict(
            f"The gate would leave the two with concurrence {entanglement:.3g};"
            f" a pair is kept from {ENTANGLED_CONCURRENCE:g} on."
        )
    changes = []
    for system, one in enumerate(pair.neurons):
        details = {"gate": given["gate"], "control": control, "system": system, "pair_state": list_pair(pair.state)}
        changes.append(_change(one, NeuronEventKind.GATE2, details, pair.partner_of(one)))
    return changes, state if entanglement >= ENTANGLED_CONCURRENCE else None


def _part(neuron: QuantumNeuron, event: str, given: Mapping[str, Any], pair: _Pair, seed: int | None) -> list[_Change]:
    """An event that ends a pair: what becomes of the neuron, and of the other."""
    if event not in (NeuronEventKind.PREPARE, NeuronEventKind.MEASURE, NeuronEventKind.RELAX):
        raise InvalidTransition.of(neuron.pk, neuron.state, event)
    partner = pair.partner_of(neuron)
    change = _change(neuron, event, _complete(neuron, event, given, seed), partner)
    if event == NeuronEventKind.RELAX:
        # Time passes for both, and what they had in common goes to the surroundings.
        return [change, _change(partner, event, _complete(partner, event, given, seed), neuron)]
    details: dict[str, Any] = {"cause": event}
    if event == NeuronEventKind.MEASURE:
        details |= {
            "outcome": change.evolution.outcome,
            "system": pair.system_of(partner),
            "pair_state": list_pair(pair.state),
        }
    return [change, _change(partner, NeuronEventKind.DISENTANGLE, details, neuron)]


def _complete(neuron: QuantumNeuron, event: str, given: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    """The parameters with all else that the event depends on."""
    match event:
        case NeuronEventKind.GATE if "duration_s" in given:
            bias = given["bias"]
            if bias is None:
                bias = neuron.kappa * (neuron.v_mv - neuron.v_rest_mv)
            return {**given, "bias": bias, "delta": neuron.delta}
        case NeuronEventKind.MEASURE:
            if seed is None:
                return {"draw": secrets.randbits(53) / 2**53}
            return {"draw": float(np.random.default_rng(seed).random()), "seed": seed}
        case NeuronEventKind.RELAX:
            return {**given, **{name: getattr(neuron, name) for name in ("t1_s", "t2_s", "omega", "p_eq")}}
        case NeuronEventKind.SWEEP_START:
            return {**given, "delta": neuron.delta}
        case NeuronEventKind.SWEEP_END:
            if neuron.sweep_rate is None:
                raise InvalidTransition.of(neuron.pk, neuron.state, event)
            sweep = {"start_bias": neuron.sweep_bias, "rate": neuron.sweep_rate, "delta": neuron.delta}
            return {**given, **sweep}
    return dict(given)


def _change(
    neuron: QuantumNeuron, event: str, parameters: Mapping[str, Any], partner: QuantumNeuron | None = None
) -> _Change:
    try:
        evolution = evolve(event, _bloch(neuron), parameters)
    except ValueError as error:
        name, _, words = str(error).partition(": ")
        raise InvalidInput.of(f"parameters.{name}", f"{words[0].upper()}{words[1:]}.") from error
    return _Change(neuron, event, parameters, evolution, partner)


def _bloch(neuron: QuantumNeuron) -> list[float]:
    return [neuron.bloch_x, neuron.bloch_y, neuron.bloch_z]


def _store_pair(pair: _Pair, state: ComplexArray | None, at: datetime) -> None:
    """Replace the row of a pair, before its neurons change: the trigger reads it."""
    if pair.row is not None:
        pair.row.delete()
    if state is not None:
        Entanglement.objects.create(
            neuron_a=pair.neurons[0],
            neuron_b=pair.neurons[1],
            concurrence=float(concurrence(state)),
            state_vector=state.astype("<c16").tobytes(),
            since=at,
        )


def _record(change: _Change, at: datetime) -> None:
    x, y, z = change.evolution.bloch.tolist()
    bias = change.evolution.sweep_bias
    values = {
        "bloch_x": x,
        "bloch_y": y,
        "bloch_z": z,
        "sweep_bias": bias,
        "sweep_rate": None if bias is None else change.parameters["rate"],
        "last_outcome": change.evolution.outcome,
        "last_partner": change.partner,
        "measurement_count": change.neuron.measurement_count + (change.event == NeuronEventKind.MEASURE),
    }
    event = list_event_columns(change.neuron, change.event, change.parameters, at)
    update_neuron(change.neuron, change.event, event | values)


def list_event_columns(
    neuron: QuantumNeuron, event: str, parameters: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Return the columns by which a neuron names its next event to the triggers, without outcome and partner."""
    return {
        "event_seq": neuron.event_seq + 1,
        "last_event": event,
        "last_event_at": max(at, neuron.last_event_at),
        "last_parameters": dict(parameters),
        "last_outcome": None,
        "last_partner": None,
    }


def update_neuron(neuron: QuantumNeuron, event: str, values: Mapping[str, Any]) -> None:
    """Write columns of a locked neuron.

    Raises:
        InvalidTransition: the event does not lead on from the neuron's state.
        IntegrityError: another `quantum_neurons_*` constraint.
    """
    try:
        QuantumNeuron.objects.filter(pk=neuron.pk).update(**values)
    except IntegrityError as error:
        diagnostics = getattr(error.__cause__, "diag", None)
        if getattr(diagnostics, "constraint_name", None) in _TRANSITION:
            raise InvalidTransition.of(neuron.pk, neuron.state, event) from error
        raise
