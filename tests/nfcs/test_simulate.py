"""`manage.py simulate` and the simulation below it."""

from __future__ import annotations

import json
from io import StringIO
from itertools import islice
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.models import FieldState, Run
from core.selectors import coupling_matrix
from kuramoto.dynamics import order_parameter
from kuramoto.models import OscillatorState
from nfcs.simulation import SimulationSettings, choose_dispersion, simulate, swing_coupling
from validation.models import SystemMetric

SMALL = SimulationSettings(n_oscillators=16, resolution=16, length=16.0, rate_hz=4.0)


def run_simulate(**options: Any) -> dict[str, Any]:
    out = StringIO()
    usual = {"oscillators": 16, "resolution": 16, "length": 16.0, "rate": 4.0, "seconds": 25}
    call_command("simulate", json=True, stdout=out, stderr=StringIO(), **usual | options)
    return json.loads(out.getvalue())


def test_the_same_settings_give_the_same_telemetry() -> None:
    first, second = (list(islice(simulate(SMALL), 3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.phases, other.phases)
        np.testing.assert_array_equal(one.field, other.field)
        np.testing.assert_array_equal(one.embedding, other.embedding)
    assert first[2].times_s.tolist() == [2.25, 2.5, 2.75, 3.0]


def test_strong_coupling_orders_and_none_does_not() -> None:
    levels = {}
    for ratio in (0.0, 4.0):
        settings = SimulationSettings(coupling_ratio=ratio, coupling_swing=0.0, resolution=8, length=8.0)
        r, _ = order_parameter(np.concatenate([second.phases for second in islice(simulate(settings), 20, 40)]))
        levels[ratio] = r.mean()
    assert levels[0.0] < 0.27
    assert levels[4.0] > 0.9


def test_coupling_swings_about_its_mean_and_the_field_is_turbulent_a_third_of_the_time() -> None:
    times = np.linspace(0, 120, 1201)
    ratio = swing_coupling(SMALL, times) / SMALL.critical_coupling
    assert ratio.min() == pytest.approx(0.0)
    assert ratio.max() == pytest.approx(4.0, rel=1e-6)
    turbulent = [choose_dispersion(SMALL, float(second))[1] == SMALL.c3_turbulent for second in range(300)]
    assert sum(turbulent) == 100


@pytest.mark.django_db
def test_a_simulation_is_a_run_with_everything() -> None:
    answer = run_simulate(frame_every=10)
    run = Run.objects.get(pk=answer["run"])
    assert answer["rows"] == 100
    assert (run.kind, run.seed, run.n_oscillators, len(run.natural_frequencies)) == ("simulation", 1, 16, 16)
    assert (run.ended_at - run.started_at).total_seconds() == 25
    states = OscillatorState.objects.for_run(run.pk).order_by("timestamp")
    assert states.count() == 100
    assert states.exclude(semantic_embedding=None).count() == 2
    fields = FieldState.objects.for_run(run.pk)
    assert (fields.count(), fields.exclude(frame=None).count()) == (25, 3)
    assert SystemMetric.objects.filter(run_id=run.pk).count() == 50
    assert states.last().ha_defect is not None
    assert states.last().ha is not None


@pytest.mark.django_db
def test_a_simulation_runs_on_a_network() -> None:
    call_command("loaddata", "biosemi64", verbosity=0)
    answer = run_simulate(network="biosemi64", oscillators=None, seconds=2)
    run = Run.objects.select_related("network").get(pk=answer["run"])
    assert run.network.name == "biosemi64"
    assert run.n_oscillators == 64
    assert run.coupling_norm == "raw"
    assert coupling_matrix(run.network).sum() == 2 * 211


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "nowhere"}, "nowhere"),
        ({"seconds": 0}, "--seconds"),
        ({"rate": -1.0}, "--rate"),
        ({"backfill": 5}, "--backfill"),
        ({"resolution": 2}, "at least 4"),
        ({"noise": -1.0}, "noise"),
        ({"neurons": 1}, "--neurons"),
        ({"neurons": -2}, "--neurons"),
    ],
)
def test_options_that_make_no_sense_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run_simulate(**options)
    assert not Run.objects.filter(ended_at=None).exists()
