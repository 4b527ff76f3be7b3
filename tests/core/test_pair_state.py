"""Pairs of two-level systems, against tensor products and Bell states."""

import numpy as np
import pytest
from scipy.stats import binomtest

from core import pair_state, two_level

UP, PLUS = (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)
BELL = np.array([1, 0, 0, 1]) / np.sqrt(2)


@pytest.fixture
def rng():
    return np.random.default_rng(25)


def random_pure(rng):
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def test_product_state_has_the_two_density_matrices(rng):
    first, second = random_pure(rng), random_pure(rng)
    state = pair_state.product_state(first, second)
    expected = np.kron(two_level.density_matrix(first), two_level.density_matrix(second))
    np.testing.assert_allclose(np.outer(state, state.conj()), expected, atol=1e-14)
    assert pair_state.concurrence(state) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(pair_state.reduce_pair(state), [first, second], atol=1e-14)


def test_cnot_after_hadamard_makes_a_bell_pair():
    state = pair_state.apply_cnot(pair_state.product_state(PLUS, UP))
    np.testing.assert_allclose(state, BELL, atol=1e-15)
    assert pair_state.concurrence(state) == pytest.approx(1)
    np.testing.assert_allclose(pair_state.reduce_pair(state), np.zeros((2, 3)), atol=1e-15)


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 4])
def test_concurrence_of_a_partly_entangled_pair(angle):
    assert pair_state.concurrence([np.cos(angle), 0, 0, np.sin(angle)]) == pytest.approx(np.sin(2 * angle))
    assert pair_state.concurrence([0, np.cos(angle), -np.sin(angle), 0]) == pytest.approx(np.sin(2 * angle))


def test_reduced_vectors_shrink_by_the_concurrence(rng):
    states = rng.normal(size=(100, 4)) + 1j * rng.normal(size=(100, 4))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    expected = np.sqrt(1 - pair_state.concurrence(states) ** 2)
    for bloch in pair_state.reduce_pair(states):
        np.testing.assert_allclose(np.linalg.norm(bloch, axis=1), expected, atol=1e-13)


@pytest.mark.parametrize("system", [0, 1])
def test_measurement_collapses_both(rng, system):
    state = np.array([0.0, 0.6, 0.8j, 0.0])
    outcomes = []
    for _ in range(2000):
        outcome, after = pair_state.measure_pair(state, system, rng)
        outcomes.append(outcome)
        expected = [0, 1, 0, 0] if outcome == system else [0, 0, 1j, 0]
        np.testing.assert_allclose(after, expected, atol=1e-15)
    assert binomtest(sum(outcomes), 2000, (0.64, 0.36)[system]).pvalue > 1e-3


@pytest.mark.parametrize("system", [0, 1])
def test_projection_keeps_the_amplitudes_of_the_outcome(rng, system):
    state = rng.normal(size=4) + 1j * rng.normal(size=4)
    state /= np.linalg.norm(state)
    for outcome in (0, 1):
        projected = pair_state.project_pair(state, system, outcome)
        kept = [index for index in range(4) if (index >> (1 - system)) & 1 == outcome]
        expected = np.zeros(4, dtype=complex)
        expected[kept] = state[kept] / np.linalg.norm(state[kept])
        np.testing.assert_allclose(projected, expected, atol=1e-15)


def test_exchange_swaps_the_systems(rng):
    first, second = random_pure(rng), random_pure(rng)
    swapped = pair_state.exchange_systems(pair_state.product_state(first, second))
    np.testing.assert_allclose(pair_state.reduce_pair(swapped), [second, first], atol=1e-14)


def test_measurement_of_a_product_leaves_the_partner(rng):
    partner = random_pure(rng)
    _, after = pair_state.measure_pair(pair_state.product_state(PLUS, partner), 0, rng)
    np.testing.assert_allclose(pair_state.reduce_pair(after)[1], partner, atol=1e-14)


def test_bad_input_is_named(rng):
    with pytest.raises(ValueError, match=r"^state: .*norm 1"):
        pair_state.concurrence([1, 0, 0, 1])
    with pytest.raises(ValueError, match=r"^state: .*shape"):
        pair_state.concurrence([1, 0])
    with pytest.raises(ValueError, match=r"^first:"):
        pair_state.product_state((0.5, 0.0, 0.0), UP)
    with pytest.raises(ValueError, match=r"^system:"):
        pair_state.measure_pair(BELL, 2, rng)
    with pytest.raises(ValueError, match=r"^outcome: .*0 or 1"):
        pair_state.project_pair(BELL, 0, 2)
    with pytest.raises(ValueError, match=r"^outcome: .*never"):
        pair_state.project_pair([1, 0, 0, 0], 0, 1)
