"""The integrate-and-fire membrane, against its firing rate in closed form."""

import numpy as np
import pytest

from core.membrane import Membrane


def test_rate_in_closed_form():
    assert Membrane().firing_rate_hz(20.0) == pytest.approx(36.07, abs=0.005)
    slow = Membrane(refractory_ms=5.0)
    assert 1000 / slow.firing_rate_hz(20.0) == pytest.approx(1000 / Membrane().firing_rate_hz(20.0) + 5.0)
    assert Membrane().firing_rate_hz([-5.0, 0.0, 15.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("refractory_ms", [0.0, 3.0])
def test_stepped_membrane_fires_at_that_rate(refractory_ms):
    """Each interval may be one step longer than the closed form."""
    membrane, dt = Membrane(refractory_ms=refractory_ms), 0.05
    drives = np.array([14.9, 16.0, 20.0, 40.0])
    state, times = membrane.rest(4), [[], [], [], []]
    for index in range(20_000):
        state = membrane.step(state, drives, dt)
        assert (state.v_mv < membrane.v_th_mv).all()
        for spiking in np.flatnonzero(state.spiked):
            times[spiking].append((index + 1) * dt)
    assert times[0] == []
    for drive, spikes in zip(drives[1:], times[1:], strict=True):
        interval = np.diff(spikes)
        exact = 1000 / membrane.firing_rate_hz(drive)
        assert len(interval) > 10
        assert interval.min() >= exact - 1e-9
        assert interval.max() <= exact + 2 * dt


def test_relaxation_is_exact_for_any_step():
    membrane = Membrane()
    state = membrane.step(membrane.rest(1), 10.0, 30.0)
    assert state.v_mv == pytest.approx(-70 + 10 * (1 - np.exp(-1.5)))
    assert not state.spiked.any()


def test_refractory_period_holds_the_membrane_at_rest():
    membrane = Membrane(refractory_ms=2.5)
    state = membrane.step(membrane.rest(1), 1000.0, 1.0)
    assert state.spiked.all()
    for held in (1.5, 0.5):
        state = membrane.step(state, 10.0, 1.0)
        assert (state.v_mv, state.held_ms) == (-70.0, held)
    state = membrane.step(state, 10.0, 1.0)
    assert state.v_mv == pytest.approx(-70 + 10 * (1 - np.exp(-0.5 / 20)))


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("v_th_mv", -70.0),
        ("v_th_mv", np.nan),
        ("tau_ms", 0.0),
        ("refractory_ms", -1.0),
        ("refractory_ms", np.inf),
    ],
)
def test_bad_constant_is_named(changed, value):
    with pytest.raises(ValueError, match=rf"^{changed}:"):
        Membrane(**{changed: value})


def test_step_needs_time():
    with pytest.raises(ValueError, match="dt_ms"):
        Membrane().step(Membrane().rest(1), 0.0, 0.0)
