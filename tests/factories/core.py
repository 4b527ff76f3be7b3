"""Runs, configuration values, networks and fields."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

import factory
import numpy as np

from core.choices import ConfigType, RunKind
from core.graph import Link, Vertex
from core.models import (
    Entanglement,
    FieldState,
    NamedSecret,
    NeuronEvent,
    QuantumNeuron,
    RealityNetwork,
    Run,
    SystemConfig,
)
from core.services.fields import FieldSample, record_fields
from core.services.networks import import_network
from core.services.neurons import apply_event, create_neuron
from core.telemetry import HaComponents


class RunFactory(factory.django.DjangoModelFactory):
    """A simulation that began on 2026-01-01 and goes on."""

    class Meta:
        model = Run

    name = factory.Sequence(lambda n: f"run {n}")
    kind = RunKind.SIMULATION
    started_at = datetime(2026, 1, 1, tzinfo=UTC)


class ConfigFactory(factory.django.DjangoModelFactory):
    """A whole number that nothing reads."""

    class Meta:
        model = SystemConfig

    config_key = factory.Sequence(lambda n: f"test.key_{n}")
    config_value = 1
    config_type = ConfigType.INTEGER


_numbers = count()


def make_network(name: str | None = None, n: int = 5) -> RealityNetwork:
    """A ring of `n` vertices on a circle of 1 mm."""
    name = name or f"ring {next(_numbers)}"
    angles = 2 * np.pi * np.arange(n) / n
    nodes = [Vertex(label=f"v{i}", x=float(np.cos(a)), y=float(np.sin(a)), z=0.0) for i, a in enumerate(angles)]
    return import_network(name=name, nodes=nodes, edges=[Link(i, (i + 1) % n) for i in range(n)])


def make_field(
    *, run: Run | None = None, at: datetime | None = None, keep_frame: bool = True, n: int = 8
) -> FieldState:
    """A plane wave of one turn across the domain, recorded as every producer's fields are."""
    run = run or RunFactory()
    at = at or datetime.now(UTC).replace(microsecond=0)
    wave = np.exp(2j * np.pi * np.arange(n) / n)[np.newaxis, :] * np.ones((n, 1))
    missing = np.array([np.nan])
    sample = FieldSample(index=0, timestamp=at, amplitude=wave, length=float(n), keep_frame=keep_frame)
    record_fields(run=run, samples=[sample], carried=HaComponents(missing, missing, missing))
    return FieldState.objects.within(at, None).for_run(run.pk).latest("id")


NEURON_START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def make_neuron(**fields: Any) -> QuantumNeuron:
    """A neuron of T1 = 3 s and T2 = 2 s, prepared in level 0 at noon of Monday 2026-01-05."""
    return create_neuron(**{"name": "neuron", "t1_s": 3.0, "t2_s": 2.0, "now": NEURON_START} | fields)


def act(neuron: QuantumNeuron, event: str, *, seed: int | None = None, **parameters: Any) -> NeuronEvent:
    """Let something happen to a neuron, and read the neuron again."""
    happened = apply_event(neuron_id=neuron.pk, event=event, parameters=parameters, now=NEURON_START, seed=seed)
    neuron.refresh_from_db()
    return happened


def make_neuron_event() -> NeuronEvent:
    """A neuron's turn into a superposition."""
    return act(make_neuron(), "gate", gate="h")


def make_entanglement() -> Entanglement:
    """Two neurons in the Bell state of 00 and 11."""
    first, second = make_neuron(), make_neuron()
    act(first, "gate", gate="h")
    act(first, "gate2", gate="cnot", partner=second.pk)
    return Entanglement.objects.get(neuron_a=first)


class NamedSecretFactory(factory.django.DjangoModelFactory):
    """A secret that is a text like no other."""

    class Meta:
        model = NamedSecret

    name = factory.Sequence(lambda n: f"secret-{n}")
    value = factory.Sequence(lambda n: f"the value of secret {n}")
