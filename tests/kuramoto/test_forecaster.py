"""The persistence forecaster behind the forecast component of Ha."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramoto.forecaster import MEMORY, WARM_UP, ForecasterState, score_persistence


def reference(r: np.ndarray) -> np.ndarray:
    """The definition, sample by sample."""
    weights_sum = mean = square = error = 0.0
    out, before = [], r[0]
    for count, value in enumerate(r, 1):
        keep, gain = 1 - 1 / MEMORY, 1 / MEMORY
        weights_sum = keep * weights_sum + gain
        mean, square = keep * mean + gain * value, keep * square + gain * value**2
        error = keep * error + gain * (value - before) ** 2
        before = value
        variance = square / weights_sum - (mean / weights_sum) ** 2
        out.append(
            np.nan if count < WARM_UP else 0.0 if variance <= 1e-12 else min(1.0, error / weights_sum / variance)
        )
    return np.array(out)


def test_it_is_the_definition() -> None:
    r = np.random.default_rng(1).random(500)
    _, component = score_persistence(ForecasterState(), r)
    np.testing.assert_allclose(component, reference(r), rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=6))
def test_batches_make_no_difference(cuts: list[int]) -> None:
    r = np.random.default_rng(2).random(300)
    whole_state, whole = score_persistence(ForecasterState(), r)
    state, parts = ForecasterState(), []
    for piece in np.split(r, sorted(cuts)):
        state, part = score_persistence(ForecasterState.from_dict(state.to_dict()), piece)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-9)
    assert state.count == whole_state.count
    assert state.squared_error == pytest.approx(whole_state.squared_error)


def test_white_noise_is_as_bad_as_it_gets_and_a_constant_is_predicted() -> None:
    _, noise = score_persistence(ForecasterState(), np.random.default_rng(3).random(2000))
    _, constant = score_persistence(ForecasterState(), np.full(2000, 0.7))
    assert noise[-1] == 1.0
    assert constant[-1] == 0.0


def test_a_slow_oscillation_is_predicted_as_its_closed_form_says() -> None:
    omega = 2 * np.pi / 32
    _, component = score_persistence(ForecasterState(), 0.5 + 0.3 * np.sin(omega * np.arange(4096)))
    # MSE of persistence over variance of a sine: (2 - 2 cos w) A^2/2 / (A^2/2).
    assert component[-512:].mean() == pytest.approx(2 - 2 * np.cos(omega), rel=0.05)
