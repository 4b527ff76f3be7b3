"""What the database holds of neurons against whoever writes: every transition, and every promise by its name."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from core.choices import NeuronEventKind, NeuronState
from core.models import Entanglement, NeuronEvent, QuantumNeuron, StateTransition
from tests.constitutional.database import execute, violated
from tests.factories.core import NEURON_START, RunFactory, act, make_network, make_neuron

pytestmark = pytest.mark.django_db

EVENTS, STATES = NeuronEventKind.values, NeuronState.values
CONTROLLED = {"superposition", "coherent", "collapsed"}
ALLOWED = (
    set(product(STATES, ["prepare"], CONTROLLED))
    | set(product({*STATES} - {"decoherent"}, ["gate"], CONTROLLED))
    | {("decoherent", "gate", "collapsed")}
    | set(product(CONTROLLED, ["gate2"], ["entangled"]))
    | set(product(["entangled"], ["gate2"], CONTROLLED))
    | set(product(STATES, ["measure"], ["collapsed"]))
    | set(product(["superposition"], ["relax"], ["superposition", "coherent", "decoherent"]))
    | set(product(["coherent", "entangled"], ["relax"], ["coherent", "decoherent"]))
    | set(product(["collapsed", "decoherent"], ["relax"], ["decoherent"]))
    | set(product(CONTROLLED, ["sweep_start"], ["tunneling"]))
    | set(product(["tunneling"], ["sweep_end"], [*CONTROLLED, "decoherent"]))
    | set(product(["entangled"], ["disentangle"], [*CONTROLLED, "decoherent"]))
    | {(state, "calibrate", state) for state in STATES if state != "tunneling"}
)
VECTOR = np.array([1, 0, 0, 1], dtype="<c16").tobytes()
NUMBERS: dict[str, dict[str, Any]] = {
    "collapsed": {"bloch_x": 0, "bloch_z": 1},
    "tunneling": {"bloch_x": 0.05, "bloch_z": 0, "sweep_bias": 0, "sweep_rate": 1},
    "entangled": {"bloch_x": 0.6, "bloch_z": 0},
    "superposition": {"bloch_x": 0.6, "bloch_z": 0},
    "coherent": {"bloch_x": 0.2, "bloch_z": 0},
    "decoherent": {"bloch_x": 0, "bloch_z": 0.5},
}


def write(neuron: QuantumNeuron, event: str, **columns: Any) -> None:
    """The UPDATE that a psql session would send."""
    values = {
        "sweep_bias": None,
        "sweep_rate": None,
        "last_event": event,
        "last_outcome": 0 if event == "measure" else None,
        "last_partner_id": None,
    } | columns
    assignments = ", ".join(f"{name} = %s" for name in values)
    counted = ", measurement_count = measurement_count + 1" if event == "measure" else ""
    execute(
        f"UPDATE quantum_neurons SET event_seq = event_seq + 1{counted}, {assignments} WHERE id = %s",
        *values.values(),
        neuron.pk,
    )
    neuron.refresh_from_db()


def pair(neuron: QuantumNeuron, other: QuantumNeuron) -> None:
    """The row that makes two neurons entangled, each of them 0.6 long."""
    execute(
        "INSERT INTO quantum_entanglements (neuron_a_id, neuron_b_id, concurrence, state_vector, since)"
        " VALUES (%s, %s, 0.8, %s, now())",
        *sorted([neuron.pk, other.pk]),
        VECTOR,
    )


def bring_to(neuron: QuantumNeuron, other: QuantumNeuron, state: str) -> None:
    """Bring a neuron into a state."""
    write(neuron, "prepare", **NUMBERS["superposition"])
    match state:
        case "tunneling":
            write(neuron, "sweep_start", **NUMBERS[state])
        case "entangled":
            pair(neuron, other)
            write(neuron, "gate2", last_partner_id=other.pk, **NUMBERS[state])
            write(other, "gate2", last_partner_id=neuron.pk, **NUMBERS[state])
        case "decoherent":
            write(neuron, "relax", **NUMBERS[state])
        case _:
            write(neuron, "prepare", **NUMBERS[state])
    assert neuron.state == state


def test_the_table_holds_what_is_allowed_and_nothing_else() -> None:
    assert set(StateTransition.objects.values_list("from_state", "event", "to_state")) == ALLOWED
    assert StateTransition.objects.count() == len(ALLOWED) == 71


def attempt(neuron: QuantumNeuron, other: QuantumNeuron, event: str, to_state: str) -> str:
    """Try one step by plain SQL and take it back; the state it led to, or the constraint that refused it."""
    columns = dict(NUMBERS[to_state])
    if event == "calibrate":
        columns = {"sweep_bias": neuron.sweep_bias, "sweep_rate": neuron.sweep_rate, "omega": 2.0}
    elif neuron.state == "entangled" or event in ("gate2", "disentangle"):
        columns["last_partner_id"] = other.pk
    try:
        with transaction.atomic():
            if event != "calibrate" and neuron.state == "entangled" != to_state:
                execute("DELETE FROM quantum_entanglements")
            if to_state == "entangled" != neuron.state:
                pair(neuron, other)
            write(neuron, event, **columns)
            transaction.set_rollback(True)
            return neuron.state
    except IntegrityError as error:
        return error.__cause__.diag.constraint_name
    finally:
        neuron.refresh_from_db()


@pytest.mark.parametrize(("from_state", "event"), list(product(STATES, EVENTS)))
def test_every_transition(from_state: str, event: str) -> None:
    """From one state, by one event, to each of the six, so that only the database decides."""
    neuron, other = make_neuron(delta=1.0), make_neuron()
    bring_to(neuron, other, from_state)
    found = {to_state: attempt(neuron, other, event, to_state) for to_state in STATES}
    allowed = {to_state for to_state in STATES if (from_state, event, to_state) in ALLOWED}
    if event == "calibrate":
        # Whatever is tried, the numbers and so the label stay.
        assert set(found.values()) == (allowed or {"quantum_neurons_transition"})
        return
    assert {to_state for to_state, answer in found.items() if to_state == answer} == allowed
    refusals = {found[to_state] for to_state in set(STATES) - allowed}
    if event == "relax":
        # Coherence may not grow, and a level is no collapse after relaxing.
        refusals -= {"quantum_neurons_relax", "decoherent"}
    assert refusals <= {"quantum_neurons_transition"}


@pytest.mark.parametrize(
    ("event", "columns", "state"),
    [
        ("prepare", {"bloch_x": 0.5, "bloch_z": 0.0, "state": "entangled"}, "superposition"),
        ("prepare", {"bloch_x": 0.03, "bloch_z": 0.9981}, "collapsed"),
        ("sweep_start", {"sweep_bias": -3, "sweep_rate": 1}, "tunneling"),
        ("sweep_start", {"sweep_bias": 3, "sweep_rate": -1}, "tunneling"),
    ],
)
def test_the_label_is_derived_whatever_a_client_writes(event: str, columns: dict[str, Any], state: str) -> None:
    neuron = make_neuron(delta=1.0)
    write(neuron, event, **columns)
    assert neuron.state == state
    assert NeuronEvent.objects.get(neuron=neuron, seq=2).to_state == state


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("bloch_x = 0.1", "quantum_neurons_event_named"),
        ("state = 'coherent'", "quantum_neurons_event_named"),
        ("t1_s = 9", "quantum_neurons_event_named"),
        ("last_event = 'gate'", "quantum_neurons_event_named"),
        ("measurement_count = 5", "quantum_neurons_event_named"),
        (
            "last_event = 'measure', last_outcome = 0, event_seq = 3, measurement_count = 1",
            "quantum_neurons_event_named",
        ),
        ("last_event = 'measure', last_outcome = 0, event_seq = 2", "quantum_neurons_measurements"),
        ("last_event = 'prepare', event_seq = 2, measurement_count = -1", "quantum_neurons_measurements"),
        ("last_event = 'prepare', event_seq = 2, measurement_count = 1", "quantum_neurons_measurements"),
        ("last_event = 'prepare', event_seq = 2, last_event_at = '2026-01-01'", "quantum_neurons_time_order"),
        ("last_event = 'calibrate', event_seq = 2, bloch_z = 0.5", "quantum_neurons_calibration"),
        ("last_event = 'prepare', event_seq = 2, omega = 1", "quantum_neurons_calibration"),
        ("last_event = 'prepare', event_seq = 2, v_th_mv = 1", "quantum_neurons_calibration"),
        ("last_event = 'relax', event_seq = 2, bloch_x = 0.1", "quantum_neurons_relax"),
        ("last_event = 'gate2', event_seq = 2", "quantum_neurons_partner"),
        ("last_event = 'gate', event_seq = 2, last_partner_id = id", "quantum_neurons_partner"),
        ("last_event = 'dream', event_seq = 2", "quantum_neurons_transition"),
        ("last_event = 'gate', event_seq = 2, bloch_x = 0, bloch_z = 0", "quantum_neurons_transition"),
        ("last_event = 'sweep_start', event_seq = 2, sweep_bias = 3.01, sweep_rate = 1", "quantum_neurons_transition"),
        ("last_event = 'prepare', event_seq = 2, sweep_bias = 3.01, sweep_rate = 1", "quantum_neurons_tunneling_ck"),
        ("last_event = 'prepare', event_seq = 2, sweep_bias = 1", "quantum_neurons_sweep_ck"),
        ("last_event = 'sweep_start', event_seq = 2, sweep_bias = 1", "quantum_neurons_sweep_ck"),
        ("last_event = 'sweep_start', event_seq = 2, sweep_bias = 1, sweep_rate = 0", "quantum_neurons_sweep_ck"),
        (
            "last_event = 'sweep_start', event_seq = 2, sweep_bias = 1, sweep_rate = 'NaN'",
            "quantum_neurons_sweep_ck",
        ),
        ("last_event = 'prepare', event_seq = 2, bloch_x = 1, bloch_z = 0.1", "quantum_neurons_bloch_ck"),
        ("last_event = 'prepare', event_seq = 2, bloch_x = 'NaN'", "quantum_neurons_bloch_ck"),
        ("last_event = 'prepare', event_seq = 2, last_outcome = 1", "quantum_neurons_outcome_ck"),
        ("last_event = 'measure', event_seq = 2, measurement_count = 1", "quantum_neurons_outcome_ck"),
        (
            "last_event = 'measure', event_seq = 2, measurement_count = 1, last_outcome = 2",
            "quantum_neurons_outcome_ck",
        ),
        ("last_event = 'prepare', event_seq = 2, last_parameters = '[]'", "quantum_neurons_parameters_ck"),
        ("name = ''", "quantum_neurons_name_ck"),
        ("neuron_type = 'dream'", "quantum_neurons_type_ck"),
        ("layer_index = -1", "quantum_neurons_layer_ck"),
        ("v_mv = 'NaN'", "quantum_neurons_v_mv_ck"),
        ("spike_rate_hz = -1", "quantum_neurons_spike_rate_ck"),
        ("spike_rate_hz = 'Infinity'", "quantum_neurons_spike_rate_ck"),
    ],
)
def test_an_update_that_breaks_a_promise_is_refused_by_name(change: str, constraint: str) -> None:
    neuron = make_neuron(delta=1.0)
    assert violated(lambda: execute(f"UPDATE quantum_neurons SET {change} WHERE id = %s", neuron.pk)) == constraint
    assert NeuronEvent.objects.for_neuron(neuron.pk).count() == 1


@pytest.mark.parametrize(
    ("field", "values", "constraint"),
    [
        ("t1_s", [0.0, -1.0, np.nan, np.inf], "quantum_neurons_t1_ck"),
        ("t2_s", [0.0, 6.0001, np.nan], "quantum_neurons_t2_ck"),
        ("omega", [np.nan, np.inf, -np.inf], "quantum_neurons_omega_ck"),
        ("p_eq", [-0.1, 1.1, np.nan], "quantum_neurons_p_eq_ck"),
        ("delta", [-1.0, np.nan, np.inf], "quantum_neurons_delta_ck"),
        ("kappa", [np.nan, -np.inf], "quantum_neurons_kappa_ck"),
        ("v_th_mv", [-70.0, np.nan, np.inf], "quantum_neurons_threshold_ck"),
        ("v_rest_mv", [-55.0, np.nan, -np.inf], "quantum_neurons_threshold_ck"),
        ("tau_m_ms", [0.0, np.nan, np.inf], "quantum_neurons_tau_m_ck"),
        ("r_mohm", [0.0, np.nan, np.inf], "quantum_neurons_r_mohm_ck"),
        ("refractory_ms", [-1.0, np.nan, np.inf], "quantum_neurons_refractory_ck"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused_by_name(field: str, values: list[float], constraint: str) -> None:
    for value in values:
        assert violated(lambda value=value: make_neuron(**{field: value})) == constraint
    assert make_neuron(t1_s=1.0, t2_s=2.0).t2_s == 2.0


@pytest.mark.parametrize(
    "columns", [{"last_event": "measure", "last_outcome": 0}, {"event_seq": 2}, {"measurement_count": 3}]
)
def test_a_neuron_begins_with_its_preparation(columns: dict[str, Any]) -> None:
    values = {"name": "n", "t1_s": 1.0, "t2_s": 1.0, "last_event": "prepare", "last_event_at": NEURON_START}
    assert violated(lambda: QuantumNeuron.objects.create(**values | columns)) == "quantum_neurons_event_named"


def test_a_neuron_keeps_its_place_and_run() -> None:
    ring, other = make_network("ring"), make_network("other")
    neuron = make_neuron(network=ring)
    node = other.nodes.first()
    assert violated(lambda: make_neuron(network=ring, node=node)) == "quantum_neurons_node_inside"
    move = "UPDATE quantum_neurons SET node_id = %s WHERE id = %s"
    assert violated(lambda: execute(move, node.pk, neuron.pk)) == "quantum_neurons_node_inside"
    assert violated(lambda: execute(move, node.pk, make_neuron().pk)) == "quantum_neurons_node_ck"
    run = RunFactory()
    settle = "UPDATE quantum_neurons SET run_id = %s WHERE id = %s"
    assert violated(lambda: execute(settle, run.pk, neuron.pk)) == "quantum_neurons_run_fixed"


def refused_at_commit(*steps: Callable[[], Any]) -> str:
    """The constraint that a transaction of these steps violates at its end."""

    def run() -> None:
        for step in steps:
            step()
        execute("SET CONSTRAINTS ALL IMMEDIATE")

    return violated(run)


def test_both_of_a_pair_change_or_neither() -> None:
    first, second = make_neuron(), make_neuron()
    act(first, "gate", gate="h")
    entangle = {"last_partner_id": second.pk, **NUMBERS["entangled"]}
    name = "quantum_neurons_both_or_neither"
    assert refused_at_commit(lambda: pair(first, second)) == name
    assert refused_at_commit(lambda: pair(first, second), lambda: write(first, "gate2", **entangle)) == name
    lone = refused_at_commit(
        lambda: write(first, "prepare", **NUMBERS["superposition"]),
        lambda: pair(first, second),
        lambda: write(first, "gate2", **entangle),
        lambda: write(second, "gate2", **entangle | {"last_partner_id": first.pk, "bloch_z": 0.3}),
    )
    assert lone == name
    first.refresh_from_db()
    act(first, "gate2", gate="cnot", partner=second.pk)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")
    dissolve = "DELETE FROM quantum_entanglements"
    level = NUMBERS["collapsed"]
    assert refused_at_commit(lambda: execute(dissolve)) == name
    assert (
        refused_at_commit(
            lambda: execute(dissolve), lambda: write(first, "measure", last_partner_id=second.pk, **level)
        )
        == name
    )
    assert (
        refused_at_commit(
            lambda: execute(dissolve),
            lambda: write(first, "measure", last_partner_id=second.pk, **level),
            lambda: write(second, "measure", last_partner_id=first.pk, **level),
        )
        == name
    )
    execute(dissolve)
    write(first, "measure", last_partner_id=second.pk, **level)
    write(second, "disentangle", last_partner_id=first.pk, **level)
    execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_neuron_is_one_of_one_pair_which_does_not_change() -> None:
    first, second, third = (make_neuron() for _ in range(3))
    act(first, "gate", gate="h")
    act(first, "gate2", gate="cnot", partner=second.pk)
    for one, other in ((first, third), (second, third), (first, second)):
        assert violated(lambda one=one, other=other: pair(one, other)) == "quantum_entanglements_one_each"
    change = "UPDATE quantum_entanglements SET concurrence = 0.5"
    assert violated(lambda: execute(change)) == "quantum_entanglements_append_only"
    insert = (
        "INSERT INTO quantum_entanglements (neuron_a_id, neuron_b_id, concurrence, state_vector, since)"
        " VALUES (%s, %s, %s, %s, now())"
    )
    fourth = make_neuron()
    for values, constraint in (
        ((fourth.pk, third.pk, 1, VECTOR), "quantum_entanglements_order_ck"),
        ((third.pk, third.pk, 1, VECTOR), "quantum_entanglements_order_ck"),
        ((third.pk, fourth.pk, 1.1, VECTOR), "quantum_entanglements_concurrence_ck"),
        ((third.pk, fourth.pk, float("nan"), VECTOR), "quantum_entanglements_concurrence_ck"),
        ((third.pk, fourth.pk, 1, VECTOR[:32]), "quantum_entanglements_vector_ck"),
    ):
        assert violated(lambda values=values: execute(insert, *values)) == constraint
    assert Entanglement.objects.count() == 1


def test_the_runtime_role_reads_history_and_transitions_and_no_more() -> None:
    make_neuron()
    for statement in (
        "UPDATE quantum_neuron_history SET seq = 2",
        "DELETE FROM quantum_neuron_history",
        "INSERT INTO quantum_neuron_history SELECT * FROM quantum_neuron_history",
        "UPDATE quantum_state_transitions SET to_state = 'entangled'",
        "INSERT INTO quantum_state_transitions (from_state, event, to_state) VALUES ('a', 'b', 'c')",
        "CREATE TEMP TABLE mine (id int) ON COMMIT DROP; CREATE TRIGGER forge AFTER INSERT ON mine"
        " FOR EACH ROW EXECUTE FUNCTION nfcs_core.record_neuron_event_v1()",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            execute(statement)


@pytest.mark.owner
def test_the_history_does_not_change_for_its_owner_either() -> None:
    neuron = make_neuron()
    for statement in ("UPDATE quantum_neuron_history SET seq = 2", "DELETE FROM quantum_neuron_history"):
        assert violated(lambda statement=statement: execute(statement)) == "quantum_neuron_history_append_only"
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("DELETE FROM quantum_neurons WHERE id = %s", neuron.pk)
