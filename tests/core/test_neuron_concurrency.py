"""Many at once: histories replay whatever came between, one neuron's events take turns, others do not wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from core.db.identity import SYSTEM, on_behalf_of
from core.exceptions import Conflict
from core.models import Entanglement, NeuronEvent, QuantumNeuron
from core.services.neurons import apply_event, replay_history
from tests.factories.core import make_neuron

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 60.0


class Worker(threading.Thread):
    """A thread with a connection of its own, as the runtime role; what it raises is raised where it is joined."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.work, self.error, self.result = work, None, None
        self.backend: int | None = None
        self.start()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE nfcs_app")
                cursor.execute("SELECT pg_backend_pid()")
                self.backend = cursor.fetchone()[0]
            with on_behalf_of(SYSTEM):
                self.result = self.work()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self.error = error
        finally:
            connection.close()

    def finish(self) -> Any:
        """What the work answered."""
        self.join(PATIENCE_S)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.result

    def wait_for_lock(self) -> None:
        """Return once the thread's statement waits for a lock."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [self.backend])
                if cursor.fetchone() == ("Lock",):
                    return
            time.sleep(0.01)
        raise AssertionError("the thread never waited for a lock")


def measure(neuron: QuantumNeuron) -> NeuronEvent:
    return apply_event(neuron_id=neuron.pk, event="measure", now=datetime.now(UTC))


@contextmanager
def measuring(neuron: QuantumNeuron) -> Iterator[None]:
    """A transaction that has measured a neuron and is not over."""
    with transaction.atomic():
        measure(neuron)
        yield


def test_measurements_of_one_neuron_are_serial_and_of_another_are_not_held_up() -> None:
    first, second = make_neuron(), make_neuron()
    with measuring(first):
        waiting = Worker(lambda: measure(first))
        waiting.wait_for_lock()
        assert Worker(lambda: measure(second)).finish().seq == 2
        assert waiting.is_alive()
    assert waiting.finish().seq == 3
    assert replay_history(neuron_id=first.pk) == []


def test_one_of_a_pair_waits_for_the_other() -> None:
    first, second, third = (make_neuron() for _ in range(3))
    now = datetime.now(UTC)
    apply_event(neuron_id=first.pk, event="gate", parameters={"gate": "h"}, now=now)
    apply_event(neuron_id=first.pk, event="gate2", parameters={"gate": "cnot", "partner": second.pk}, now=now)
    with measuring(second):
        waiting = Worker(lambda: measure(first))
        waiting.wait_for_lock()
        assert Worker(lambda: measure(third)).finish().seq == 2
    event = waiting.finish()
    assert (event.from_state, event.to_state, event.partner_id) == ("collapsed", "collapsed", None)
    assert replay_history(neuron_id=first.pk) == replay_history(neuron_id=second.pk) == []


def test_a_neuron_that_becomes_one_of_a_pair_while_it_is_waited_for_takes_the_other_along() -> None:
    first, second = make_neuron(), make_neuron()
    now = datetime.now(UTC)
    apply_event(neuron_id=first.pk, event="gate", parameters={"gate": "h"}, now=now)
    with transaction.atomic():
        # The waiting one has not seen the pair when it asks for its lock.
        apply_event(neuron_id=first.pk, event="gate2", parameters={"gate": "cnot", "partner": second.pk}, now=now)
        waiting = Worker(lambda: measure(second))
        waiting.wait_for_lock()
    event = waiting.finish()
    assert (event.from_state, event.partner_id) == ("entangled", first.pk)
    first.refresh_from_db()
    assert (first.state, first.last_event) == ("collapsed", "disentangle")
    assert not Entanglement.objects.exists()


def act_at_random(rng: np.random.Generator, neuron: QuantumNeuron, others: list[QuantumNeuron]) -> None:
    event, parameters = [
        ("prepare", {}),
        ("prepare", {"bloch": [0.8, 0.0, 0.6]}),
        ("gate", {"gate": "h"}),
        ("gate", {"gate": "drive", "duration_s": 0.3}),
        ("gate2", {"gate": "cnot", "partner": others[rng.integers(len(others))].pk}),
        ("gate2", {"gate": "cnot", "partner": others[rng.integers(len(others))].pk}),
        ("measure", {}),
        ("relax", {"elapsed_s": float(rng.random())}),
        ("sweep_start", {"start_bias": -2.0, "rate": 1.0}),
        ("sweep_end", {"end_bias": 2.0}),
    ][rng.integers(10)]
    apply_event(
        neuron_id=neuron.pk, event=event, parameters=parameters, now=datetime.now(UTC), seed=int(rng.integers(2**31))
    )


def test_two_hundred_concurrent_events_leave_histories_that_replay() -> None:
    """Ten threads, twenty events each: half of them on four shared neurons, half on one of the thread's own."""
    shared = [make_neuron(name=f"shared {index}", delta=1.0) for index in range(4)]
    own = [make_neuron(name=f"own {index}", delta=1.0) for index in range(10)]

    def work(index: int) -> int:
        rng = np.random.default_rng([27, index])
        done = 0
        while done < 20:
            neuron = own[index] if done % 2 else shared[rng.integers(4)]
            others = [other for other in [*shared, own[index]] if other.pk != neuron.pk]
            try:
                act_at_random(rng, neuron, others)
            except Conflict:
                # The neuron is in a state that does not allow it: one of the others came first.
                continue
            done += 1
        return done

    workers = [Worker(lambda index=index: work(index)) for index in range(10)]
    assert sum(worker.finish() for worker in workers) == 200

    neurons = [*shared, *own]
    assert {neuron.name: replay_history(neuron_id=neuron.pk) for neuron in neurons} == {
        neuron.name: [] for neuron in neurons
    }
    for neuron in neurons:
        seqs = NeuronEvent.objects.for_neuron(neuron.pk).in_order().values_list("seq", flat=True)
        neuron.refresh_from_db()
        assert list(seqs) == list(range(1, neuron.event_seq + 1))
    both = NeuronEvent.objects.exclude(partner=None)
    assert NeuronEvent.objects.count() == 14 + 200 + both.count() // 2
    entangled = set(QuantumNeuron.objects.filter(state="entangled").values_list("pk", flat=True))
    assert entangled == {pk for ends in Entanglement.objects.values_list("neuron_a", "neuron_b") for pk in ends}
    assert both.exists()
