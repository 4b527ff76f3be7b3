"""One example of each thing that an address of the API can name."""

from __future__ import annotations

from typing import Any

from constitutional.models import ConstitutionalPolicy, Violation
from core.models import FieldState, RealityNetwork, Run, SystemConfig
from tests.factories.constitutional import PolicyFactory, ViolationFactory
from tests.factories.core import ConfigFactory, RunFactory, make_field, make_network
from tests.factories.validation import MetricSeriesFactory, ValidationRunFactory
from validation.models import MetricSeries, ValidationRun

MAKERS: dict[type[Any], Any] = {
    ConstitutionalPolicy: PolicyFactory,
    FieldState: make_field,
    MetricSeries: MetricSeriesFactory,
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
