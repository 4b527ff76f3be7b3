"""One example of each thing that an address of the API can name."""

from __future__ import annotations

from typing import Any

from constitutional.models import ConstitutionalPolicy, Violation
from core.models import Entanglement, FieldState, NeuronEvent, QuantumNeuron, RealityNetwork, Run, SystemConfig
from tests.factories.constitutional import PolicyFactory, ViolationFactory
from tests.factories.core import (
    ConfigFactory,
    RunFactory,
    make_entanglement,
    make_field,
    make_network,
    make_neuron,
    make_neuron_event,
)
from tests.factories.validation import MetricSeriesFactory, ValidationRunFactory
from validation.models import MetricSeries, ValidationRun

MAKERS: dict[type[Any], Any] = {
    ConstitutionalPolicy: PolicyFactory,
    Entanglement: make_entanglement,
    FieldState: make_field,
    MetricSeries: MetricSeriesFactory,
    NeuronEvent: make_neuron_event,
    QuantumNeuron: make_neuron,
    RealityNetwork: make_network,
    Run: RunFactory,
    SystemConfig: ConfigFactory,
    ValidationRun: ValidationRunFactory,
    Violation: ViolationFactory,
}


def make(view: type[Any]) -> int:
    """The id of a new thing of the kind that `view` shows; 1, of nothing, for kinds that no factory makes."""
    maker = MAKERS.get(view.queryset.model) if getattr(view, "queryset", None) is not None else None
    return 1 if maker is None else maker().pk
