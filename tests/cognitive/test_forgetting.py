"""The forgetting curve equals its closed forms, and retrieval does what memory research found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitive.forgetting import (
    DAY_S,
    MAX_STABILITY_S,
    REFERENCE_STABILITY_S,
    consolidation,
    forgetting_factor,
    half_life,
    retrievability,
    strengthen,
)

stabilities = st.floats(1.0, 1000 * DAY_S)
difficulties = st.floats(1, 10)
shares = st.floats(0, 1)


def test_factor_at_a_decay_of_one_half_is_19_81() -> None:
    assert forgetting_factor(0.5) == pytest.approx(19 / 81, rel=1e-14)


@pytest.mark.parametrize(("decay", "multiple"), [(0.5, 12.79), (0.2, 44.7)])
def test_half_lives(decay: float, multiple: float) -> None:
    assert half_life(1.0, decay) == pytest.approx(multiple, rel=1e-3)
    assert retrievability(half_life(7.0, decay), 7.0, decay) == pytest.approx(0.5, rel=1e-12)


@given(stabilities, st.floats(0.05, 2))
def test_after_one_stability_nine_of_ten_are_recalled(stability: float, decay: float) -> None:
    assert retrievability(stability, stability, decay) == pytest.approx(0.9, rel=1e-9)
    assert retrievability(0, stability, decay) == 1
    assert retrievability(-5, stability, decay) == 1


@given(stabilities)
def test_retrievability_only_falls_with_time(stability: float) -> None:
    curve = retrievability(np.linspace(0, 100 * stability, 500), stability)
    assert np.all(np.diff(curve) < 0)
    assert np.all((curve > 0) & (curve <= 1))


@given(stabilities, difficulties, shares, shares, shares, difficulties, shares)
def test_gain_is_monotone_in_everything(
    stability: float,
    difficulty: float,
    recalled: float,
    arousal: float,
    other_recalled: float,
    other_difficulty: float,
    other_arousal: float,
) -> None:
    after = strengthen(stability, difficulty, recalled, arousal)
    assert after >= stability
    rounding = 1e-12 * after
    if other_recalled <= recalled:
        assert strengthen(stability, difficulty, other_recalled, arousal) >= after - rounding
    if other_difficulty <= difficulty:
        assert strengthen(stability, other_difficulty, recalled, arousal) >= after - rounding
    if other_arousal >= arousal:
        assert strengthen(stability, difficulty, recalled, other_arousal) >= after - rounding


@given(stabilities, stabilities, difficulties, shares)
def test_the_more_stable_memory_stays_so_and_gains_relatively_less(
    first: float, second: float, difficulty: float, recalled: float
) -> None:
    low, high = sorted((first, second))
    after_low, after_high = (strengthen(stability, difficulty, recalled, 0) for stability in (low, high))
    assert after_high >= after_low * (1 - 1e-12)
    assert after_high / high <= after_low / low * (1 + 1e-12)


def test_known_values() -> None:
    assert strengthen(DAY_S, 5, 0.9, 0) / DAY_S == pytest.approx(1 + 4.5 * 6 * np.expm1(0.1), rel=1e-12)
    assert strengthen(DAY_S, 5, 1.0, 1) == DAY_S
    assert strengthen(MAX_STABILITY_S, 1, 0.0, 1) == MAX_STABILITY_S
    assert consolidation(REFERENCE_STABILITY_S) == 0.5
    assert consolidation(np.array([0.0])) == 0


def test_arrays_give_arrays() -> None:
    assert retrievability(np.zeros(3), np.ones(3)).shape == (3,)
    assert strengthen(np.ones(3), 5, np.full(3, 0.5), 0).shape == (3,)
