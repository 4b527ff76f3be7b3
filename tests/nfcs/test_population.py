"""The neurons that live beside a simulation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from core.models import Entanglement, NeuronEvent, QuantumNeuron
from core.services.neurons import apply_event, replay_history
from nfcs.population import PROGRAMME, STEP_S, Population, make_population
from tests.factories.core import RunFactory, make_network
from tests.nfcs.test_simulate import run_simulate

pytestmark = pytest.mark.django_db


def live(population: Population, seconds: int) -> None:
    """Let seconds of the run pass."""
    run = QuantumNeuron.objects.get(pk=population.ids[0]).run
    for second in range(seconds):
        population.drive(second, run.started_at + timedelta(seconds=second))


def test_a_population_goes_through_every_state_and_its_history_replays() -> None:
    population = make_population(RunFactory(seed=1), 8)
    live(population, 2 * STEP_S * len(PROGRAMME))
    events = NeuronEvent.objects.all()
    assert set(events.values_list("to_state", flat=True)) == {
        "collapsed",
        "tunneling",
        "entangled",
        "superposition",
        "coherent",
        "decoherent",
    }
    assert [replay_history(neuron_id=pk) for pk in population.ids] == [[]] * 8
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_same_seed_finds_the_same_outcomes() -> None:
    found = []
    for _ in range(2):
        population = make_population(RunFactory(seed=7), 3)
        live(population, 200)
        found.append(
            [
                list(NeuronEvent.objects.for_neuron(pk).in_order().values_list("outcome", "to_state"))
                for pk in population.ids
            ]
        )
    assert found[0] == found[1]
    assert any(outcome == 1 for rows in found[0] for outcome, _ in rows)


def test_whoever_disturbs_a_neuron_does_not_stop_the_others() -> None:
    population = make_population(RunFactory(), 4)
    live(population, 1)
    first, _, control, target = population.ids
    for _ in range(3):
        apply_event(
            neuron_id=first,
            event="relax",
            parameters={"elapsed_s": 1e6},
            now=QuantumNeuron.objects.get(pk=first).last_event_at,
        )
    apply_event(neuron_id=first, event="prepare", now=QuantumNeuron.objects.get(pk=first).last_event_at)
    assert Entanglement.objects.get().neuron_b_id == target
    apply_event(neuron_id=control, event="prepare", now=QuantumNeuron.objects.get(pk=control).last_event_at)
    live(population, 120)
    assert [replay_history(neuron_id=pk) for pk in population.ids] == [[]] * 4


def test_a_population_sits_at_the_first_vertices() -> None:
    network = make_network(n=3)
    population = make_population(RunFactory(network=network), 4)
    placed = (
        QuantumNeuron.objects.filter(pk__in=population.ids).order_by("pk").values_list("node__node_index", "network")
    )
    assert list(placed) == [(0, network.pk), (1, network.pk), (2, network.pk), (None, None)]


def test_a_simulation_drives_its_neurons() -> None:
    answer = run_simulate(seconds=25, neurons=4)
    neurons = QuantumNeuron.objects.filter(run_id=answer["run"])
    assert neurons.count() == 4
    times = NeuronEvent.objects.filter(neuron__in=neurons).values_list("ts", flat=True)
    started_at = neurons.first().run.started_at
    assert {(at - started_at).total_seconds() for at in times} == {0.0, 5.0, 10.0, 15.0, 20.0, 25.0}
    assert not QuantumNeuron.objects.filter(run_id=run_simulate(seconds=5, neurons=0)["run"]).exists()
