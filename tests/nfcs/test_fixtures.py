"""Fixtures load as every Django user expects, and what they hold is true."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.management import call_command

from core.field import decode_frame, observe_field
from core.models import FieldState, RealityNetwork, Run, SystemConfig
from kuramoto.dynamics import order_parameter
from kuramoto.models import OscillatorState

pytestmark = pytest.mark.django_db


def test_the_development_run_is_what_its_numbers_say() -> None:
    call_command("loaddata", "development", verbosity=0)
    run = Run.objects.get(name="development")
    states = list(OscillatorState.objects.for_run(run.pk).order_by("timestamp"))
    r, psi = order_parameter(np.array([state.phases for state in states]))
    np.testing.assert_allclose([state.sync_parameter for state in states], r, atol=1e-12)
    np.testing.assert_allclose([state.mean_phase for state in states], psi, atol=1e-12)
    fields = list(FieldState.objects.for_run(run.pk))
    assert (len(states), len(fields)) == (40, 4)
    for field in fields:
        again = observe_field(decode_frame(bytes(field.frame), (8, 8), bytes(field.frame_sha256)), 8.0)
        assert field.energy_state == pytest.approx(again.energy)
        assert field.defect_density == again.defect_density


def test_every_start_up_fixture_loads_twice() -> None:
    from core.constants import SEED_FIXTURES

    for _ in range(2):
        call_command("loaddata", *SEED_FIXTURES, verbosity=0)
    assert SystemConfig.objects.get(config_key="kuramoto.n_oscillators").config_value == 64
    network = RealityNetwork.objects.get(name="biosemi64")
    assert (network.nodes.count(), network.edges.count()) == (64, 211)
