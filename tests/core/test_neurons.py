"""Neurons through their services: reference values end to end, derived columns, histories that replay."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from core.db.identity import acting_as
from core.exceptions import Conflict, InvalidInput, InvalidTransition, NotFound
from core.models import Entanglement, NeuronEvent, QuantumNeuron
from core.services.neurons import apply_event, create_neuron, describe_neuron, replay_history
from core.two_level import coherence_l1, derive_label, landau_zener_probability, phase_rad, purity, rabi_probability
from tests.constitutional.database import execute
from tests.factories.accounts import OperatorFactory
from tests.factories.core import NEURON_START, RunFactory, act, make_network, make_neuron

pytestmark = pytest.mark.django_db

PLUS = [1.0, 0.0, 0.0]


def bloch_of(neuron: QuantumNeuron) -> list[float]:
    return [neuron.bloch_x, neuron.bloch_y, neuron.bloch_z]


def make_pair(**fields: Any) -> tuple[QuantumNeuron, QuantumNeuron]:
    """Two neurons in the Bell state of 00 and 11."""
    first, second = make_neuron(**fields), make_neuron(**fields)
    act(first, "gate", gate="h")
    act(first, "gate2", gate="cnot", partner=second.pk)
    second.refresh_from_db()
    return first, second


def check_constraints() -> None:
    """Ask what a commit would ask."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")


def test_a_new_neuron_is_prepared_in_level_0() -> None:
    neuron = make_neuron()
    assert (neuron.state, bloch_of(neuron), neuron.p1, neuron.purity) == ("collapsed", [0, 0, 1], 0.0, 1.0)
    event = NeuronEvent.objects.get()
    assert (event.seq, event.event, event.from_state, event.to_state) == (1, "prepare", "decoherent", "collapsed")
    assert (event.ts, event.bloch_before, event.bloch_after) == (NEURON_START, [0, 0, 0], [0, 0, 1])
    assert event.parameters == {"bloch": [0, 0, 1]}
    assert replay_history(neuron_id=neuron.pk) == []


def test_a_neuron_at_a_vertex_is_in_its_network() -> None:
    node = make_network().nodes.first()
    assert make_neuron(node=node).network_id == node.network_id


@pytest.mark.parametrize(
    "bloch",
    [[0.6, 0.0, 0.8], [-1.0, 0.0, 0.0], [-0.5, -0.0, 0.1], [0.1, -0.3, -0.2], [0.5, 0.5, -0.5], [0.0, 0.0, -1.0]],
)
def test_the_database_computes_what_the_mathematics_does(bloch: list[float]) -> None:
    neuron = make_neuron()
    act(neuron, "prepare", bloch=bloch)
    assert neuron.coherence_l1 == float(coherence_l1(bloch))
    assert neuron.purity == pytest.approx(float(purity(bloch)), abs=1e-16)
    assert neuron.phase_rad == pytest.approx(float(phase_rad(bloch)), abs=1e-15)
    assert neuron.p1 == (1 - bloch[2]) / 2
    assert neuron.state == derive_label(bloch, last_event="prepare")


@pytest.mark.parametrize(
    ("bloch", "state"),
    [
        ([0.5, 0.0, 0.0], "superposition"),
        ([0.3, 0.4, 0.0], "superposition"),
        ([0.49999, 0.0, 0.8], "coherent"),
        ([0.1, 0.0, 0.0], "coherent"),
        ([0.0, 0.0, 0.998], "collapsed"),
        ([0.04, 0.0, -0.999], "collapsed"),
    ],
)
def test_labels_at_their_bounds(bloch: list[float], state: str) -> None:
    neuron = make_neuron()
    act(neuron, "prepare", bloch=bloch)
    assert neuron.state == state


def test_coherence_and_population_decay_as_t1_and_t2_say() -> None:
    neuron = make_neuron(t1_s=3.0, t2_s=2.0, omega=5.0, p_eq=0.2)
    act(neuron, "prepare", bloch=[0.6, 0.0, -0.6])
    for elapsed in (0.0, 0.7, 1.3):
        act(neuron, "relax", elapsed_s=elapsed)
    assert neuron.coherence_l1 == pytest.approx(0.6 * math.exp(-2.0 / 2.0), abs=1e-12)
    assert neuron.p1 == pytest.approx(0.2 + 0.6 * math.exp(-2.0 / 3.0), abs=1e-12)
    assert neuron.phase_rad == pytest.approx(10.0 - 4 * math.pi, abs=1e-12)
    states = NeuronEvent.objects.in_order().values_list("to_state", flat=True)
    assert list(states) == ["collapsed", "superposition", "superposition", "coherent", "coherent"]


def test_a_driven_neuron_oscillates_as_rabi_says() -> None:
    neuron = make_neuron(delta=0.6, kappa=0.1, v_rest_mv=-70.0, v_mv=-62.0)
    for duration in (0.4, math.pi / 2, 2.9):
        act(neuron, "prepare")
        act(neuron, "gate", gate="drive", duration_s=duration)
        assert neuron.last_parameters["bias"] == pytest.approx(0.8)
        assert neuron.p1 == pytest.approx(float(rabi_probability(duration, 0.8, 0.6)), abs=1e-12)
    act(neuron, "prepare")
    act(neuron, "gate", gate="drive", duration_s=math.pi / 1.2, bias=0.0)
    assert neuron.p1 == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("delta", [0.25, 0.4245, 0.8])
def test_a_swept_neuron_crosses_as_landau_and_zener_say(delta: float) -> None:
    """From an eigenstate of H at one end to that at the other, where a sweep of finite length converges fastest."""
    neuron = make_neuron(delta=delta)
    axis = np.array([delta, 0.0, -20.0]) / math.hypot(delta, 20.0)
    act(neuron, "prepare", bloch=axis.tolist())
    act(neuron, "sweep_start", start_bias=-20.0, rate=1.0)
    assert (neuron.state, neuron.sweep_bias, neuron.sweep_rate) == ("tunneling", -3 * delta, 1.0)
    act(neuron, "sweep_end", end_bias=20.0)
    assert (neuron.sweep_bias, neuron.sweep_rate) == (None, None)
    crossed = (1 - np.dot(bloch_of(neuron), axis * [1, 1, -1])) / 2
    assert crossed == pytest.approx(float(landau_zener_probability(delta, 1.0)), abs=1e-3)
    assert replay_history(neuron_id=neuron.pk) == []


def test_outcomes_follow_the_born_rule_and_their_seeds() -> None:
    neuron = make_neuron()
    outcomes = []
    for seed in range(100):
        act(neuron, "prepare", bloch=[0.6, 0.0, 0.28])
        event = act(neuron, "measure", seed=seed)
        outcomes.append(event.outcome)
        assert (neuron.state, neuron.bloch_z) == ("collapsed", 1 - 2 * event.outcome)
        assert (event.parameters["seed"], event.parameters["draw"] < 0.36) == (seed, event.outcome == 1)
    assert act(neuron, "measure").outcome == outcomes[-1]
    assert binomtest(sum(outcomes), 100, 0.36).pvalue > 1e-3
    assert neuron.measurement_count == 101
    again = make_neuron()
    for seed in range(10):
        act(again, "prepare", bloch=[0.6, 0.0, 0.28])
        assert act(again, "measure", seed=seed).outcome == outcomes[seed]


def test_a_bell_pair_is_made_and_measured_together() -> None:
    for seed in range(6):
        first, second = make_pair()
        pair = Entanglement.objects.get(neuron_a=first)
        assert (pair.neuron_b_id, pair.concurrence) == (second.pk, pytest.approx(1.0))
        np.testing.assert_allclose(pair.read_state(), np.array([1, 0, 0, 1]) / math.sqrt(2), atol=1e-15)
        assert {first.state, second.state} == {"entangled"}
        assert (first.purity, second.purity) == (pytest.approx(0.5), pytest.approx(0.5))
        check_constraints()
        outcome = act(second, "measure", seed=seed).outcome
        first.refresh_from_db()
        assert first.bloch_z == second.bloch_z == 1 - 2 * outcome
        assert (first.state, first.last_event, first.last_partner_id) == ("collapsed", "disentangle", second.pk)
        assert (first.measurement_count, second.measurement_count) == (0, 1)
        assert not Entanglement.objects.filter(neuron_a=first).exists()
        check_constraints()
        assert replay_history(neuron_id=first.pk) == replay_history(neuron_id=second.pk) == []


def test_the_control_may_be_the_neuron_with_the_higher_id() -> None:
    target, control = make_neuron(), make_neuron()
    act(control, "gate", gate="ry", angle_rad=2 * math.pi / 3)
    act(control, "gate2", gate="cnot", partner=target.pk)
    pair = Entanglement.objects.get()
    assert (pair.neuron_a_id, pair.neuron_b_id) == (target.pk, control.pk)
    np.testing.assert_allclose(pair.read_state(), [0.5, 0, 0, math.sqrt(0.75)], atol=1e-15)
    act(control, "gate2", gate="cnot", partner=target.pk)
    target.refresh_from_db()
    assert (control.state, target.state) == ("superposition", "collapsed")
    assert bloch_of(control) == pytest.approx([math.sqrt(0.75), 0.0, -0.5], abs=1e-15)
    assert bloch_of(target) == pytest.approx([0.0, 0.0, 1.0], abs=1e-15)
    check_constraints()
    assert replay_history(neuron_id=control.pk) == replay_history(neuron_id=target.pk) == []


def test_the_other_of_a_pair_keeps_what_a_measurement_leaves_it() -> None:
    first, second = make_neuron(), make_neuron()
    act(first, "gate", gate="h")
    act(second, "prepare", bloch=[0.6, 0.0, 0.8])
    act(first, "gate2", gate="cnot", partner=second.pk)
    outcome = act(first, "measure", seed=1).outcome
    second.refresh_from_db()
    assert second.state == "superposition"
    assert bloch_of(second) == pytest.approx([0.6, 0.0, 0.8 * (1 - 2 * outcome)], abs=1e-15)
    assert replay_history(neuron_id=second.pk) == []


def test_preparing_one_of_a_pair_leaves_the_other_alone() -> None:
    first, second = make_pair()
    act(first, "prepare", bloch=PLUS)
    second.refresh_from_db()
    assert (first.state, second.state, second.last_event) == ("superposition", "decoherent", "disentangle")
    check_constraints()
    assert replay_history(neuron_id=first.pk) == replay_history(neuron_id=second.pk) == []


def test_both_of_a_pair_relax() -> None:
    first, second = make_pair(p_eq=0.1)
    act(second, "relax", elapsed_s=3.0)
    first.refresh_from_db()
    assert {first.state, second.state} == {"decoherent"}
    assert first.p1 == second.p1 == pytest.approx(0.1 + 0.4 / math.e)
    check_constraints()
    assert replay_history(neuron_id=first.pk) == replay_history(neuron_id=second.pk) == []


@pytest.mark.parametrize(
    ("event", "parameters"),
    [
        ("gate", {"gate": "x"}),
        ("sweep_start", {"start_bias": 0.0, "rate": 1.0}),
        ("sweep_end", {"end_bias": 0.0}),
    ],
)
def test_what_one_of_a_pair_cannot_do_alone(event: str, parameters: dict[str, Any]) -> None:
    first, _ = make_pair(delta=1.0)
    with pytest.raises(InvalidTransition) as refused:
        act(first, event, **parameters)
    assert [(error.field, error.code) for error in refused.value.errors] == [("from", "entangled"), ("event", event)]


def test_a_gate_of_two_needs_two_that_are_free_and_pure() -> None:
    first, second = make_pair()
    third, mixed = make_neuron(), make_neuron()
    act(third, "gate", gate="h")
    act(mixed, "prepare", bloch=[0.6, 0.0, 0.0])
    for control, target in ((third, first), (second, third)):
        with pytest.raises(Conflict, match="entangled with another"):
            act(control, "gate2", gate="cnot", partner=target.pk)
    with pytest.raises(Conflict, match="pure"):
        act(third, "gate2", gate="cnot", partner=mixed.pk)
    faint = make_neuron()
    act(faint, "prepare", bloch=[0.04, 0.0, math.sqrt(1 - 0.04**2)])
    with pytest.raises(Conflict, match=r"concurrence 0\.04"):
        act(faint, "gate2", gate="cnot", partner=make_neuron().pk)
    with pytest.raises(InvalidTransition):
        act(make_neuron(), "gate2", gate="cnot", partner=make_neuron().pk)
    act(third, "relax", elapsed_s=100.0)
    with pytest.raises(InvalidTransition, match=f"Neuron {third.pk} is decoherent"):
        act(make_neuron(), "gate2", gate="cnot", partner=third.pk)
    for nobody in (third.pk, 10**18):
        with pytest.raises(InvalidInput) as refused:
            act(third, "gate2", gate="cnot", partner=nobody)
        assert refused.value.errors[0].field == "parameters.partner"


def test_a_gate_does_not_bring_coherence_back() -> None:
    neuron = make_neuron()
    act(neuron, "relax", elapsed_s=1.0)
    with pytest.raises(InvalidTransition, match="decoherent, and gate"):
        act(neuron, "gate", gate="h")
    neuron.refresh_from_db()
    assert (neuron.event_seq, neuron.state) == (2, "decoherent")
    act(neuron, "prepare")
    act(neuron, "gate", gate="h")
    assert neuron.state == "superposition"


def test_an_open_sweep_goes_on_to_its_end_or_is_broken_off() -> None:
    neuron = make_neuron(delta=1.0)
    endings = {"sweep_end": {"end_bias": -9.0}, "measure": {}, "prepare": {}, "gate": {"gate": "x"}}
    for event, parameters in endings.items():
        act(neuron, "prepare", bloch=PLUS)
        act(neuron, "sweep_start", start_bias=2.0, rate=-1.0)
        with pytest.raises(InvalidTransition):
            act(neuron, "relax", elapsed_s=1.0)
        with pytest.raises(InvalidTransition):
            describe_neuron(neuron=neuron, now=NEURON_START, delta=2.0)
        act(neuron, event, **parameters)
        assert neuron.sweep_rate is None
        with pytest.raises(InvalidTransition):
            act(neuron, "sweep_end", end_bias=0.0)
    assert replay_history(neuron_id=neuron.pk) == []


def test_a_new_calibration_is_an_event_and_a_new_name_is_not() -> None:
    neuron = make_neuron(t1_s=3.0)
    renamed = describe_neuron(neuron=neuron, now=NEURON_START, name="other", v_mv=-60.0, spike_rate_hz=7.0, t1_s=3.0)
    assert (renamed.name, renamed.v_mv, renamed.event_seq) == ("other", -60.0, 1)
    later = NEURON_START + timedelta(hours=1)
    tuned = describe_neuron(neuron=neuron, now=later, t1_s=4.0, omega=2.0, name="third")
    assert (tuned.t1_s, tuned.name, tuned.state, tuned.event_seq) == (4.0, "third", "collapsed", 2)
    event = NeuronEvent.objects.get(seq=2)
    assert (event.event, event.ts) == ("calibrate", later)
    assert event.parameters == {"t1_s": {"from": 3.0, "to": 4.0}, "omega": {"from": 0.0, "to": 2.0}}
    act(neuron, "relax", elapsed_s=1.0)
    assert neuron.last_parameters["t1_s"] == 4.0
    assert replay_history(neuron_id=neuron.pk) == []
    with pytest.raises(TypeError, match="bloch_x"):
        describe_neuron(neuron=neuron, now=later, bloch_x=1.0)
    with pytest.raises(TypeError, match="bloch_x"):
        create_neuron(name="n", t1_s=1.0, t2_s=1.0, now=later, bloch_x=1.0)


def test_an_event_is_never_earlier_than_the_one_before_it() -> None:
    neuron = make_neuron(now=NEURON_START + timedelta(hours=2))
    event = act(neuron, "gate", gate="h")
    assert event.ts == NEURON_START + timedelta(hours=2)


def test_the_history_knows_on_whose_behalf() -> None:
    neuron, operator = make_neuron(), OperatorFactory()
    with acting_as(operator.pk):
        event = act(neuron, "measure")
    assert event.actor_id == operator.pk
    assert act(neuron, "measure").database_role == event.database_role != ""


def test_a_history_is_put_into_its_week() -> None:
    neuron = make_neuron(run=RunFactory(), now=datetime(2026, 1, 4, 23, 59, 59, tzinfo=UTC))
    apply_event(neuron_id=neuron.pk, event="measure", now=datetime(2026, 1, 5, tzinfo=UTC), parameters=None)
    assert NeuronEvent.objects.within(None, datetime(2026, 1, 5, tzinfo=UTC)).count() == 1
    assert NeuronEvent.objects.within(datetime(2026, 1, 5, tzinfo=UTC), None).for_neuron(neuron.pk).count() == 1


def test_an_unknown_neuron_is_named() -> None:
    with pytest.raises(NotFound, match="neuron 7777"):
        apply_event(neuron_id=7777, event="measure", now=NEURON_START)
    with pytest.raises(NotFound, match="neuron 7777"):
        replay_history(neuron_id=7777)


@pytest.mark.owner
def test_a_row_changed_behind_the_triggers_is_found() -> None:
    neuron = make_neuron()
    act(neuron, "gate", gate="h")
    act(neuron, "measure")
    check_constraints()
    execute("ALTER TABLE quantum_neurons DISABLE TRIGGER neuron_state_trigger")
    execute("UPDATE quantum_neurons SET bloch_z = 0.5, measurement_count = 9 WHERE id = %s", neuron.pk)
    assert {(one.seq, one.field) for one in replay_history(neuron_id=neuron.pk)} == {
        (0, "bloch_z"),
        (0, "measurement_count"),
    }
    execute("ALTER TABLE quantum_neuron_history DISABLE TRIGGER quantum_neuron_history_append_only")
    execute("DELETE FROM quantum_neuron_history WHERE neuron_id = %s", neuron.pk)
    assert [one.field for one in replay_history(neuron_id=neuron.pk)] == ["event_seq"]
