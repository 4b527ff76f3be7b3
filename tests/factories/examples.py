"""One example of each thing that an address of the API can name."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from cognitive.models import CognitiveSession, MemoryExperience
from constitutional.models import ConstitutionalPolicy, Violation
from core.models import Entanglement, FieldState, NeuronEvent, QuantumNeuron, RealityNetwork, Run, SystemConfig
from tests.factories.accounts import UserFactory
from tests.factories.cognitive import CognitiveSessionFactory, MemoryExperienceFactory
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
from tests.factories.validation import (
    AlertFactory,
    AlertRuleFactory,
    MetricSeriesFactory,
    ValidationRunFactory,
    WebhookFactory,
)
from validation.models import AlertChannel, AlertRule, MetricSeries, MonitoringAlert, ValidationRun

MAKERS: dict[type[Any], Any] = {
    AlertChannel: WebhookFactory,
    AlertRule: AlertRuleFactory,
    CognitiveSession: CognitiveSessionFactory,
    ConstitutionalPolicy: PolicyFactory,
    Entanglement: make_entanglement,
    FieldState: make_field,
    MemoryExperience: MemoryExperienceFactory,
    MetricSeries: MetricSeriesFactory,
    MonitoringAlert: AlertFactory,
    NeuronEvent: make_neuron_event,
    QuantumNeuron: make_neuron,
    RealityNetwork: make_network,
    Run: RunFactory,
    User: UserFactory,
    SystemConfig: ConfigFactory,
    ValidationRun: ValidationRunFactory,
    Violation: ViolationFactory,
}


def make(view: type[Any]) -> int:
    """The id of a new thing of the kind that `view` shows; 1, of nothing, for kinds that no factory makes."""
    maker = MAKERS.get(view.queryset.model) if getattr(view, "queryset", None) is not None else None
    return 1 if maker is None else maker().pk
