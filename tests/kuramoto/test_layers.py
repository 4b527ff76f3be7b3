"""Order across layers equals its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramoto.dynamics import order_parameter
from kuramoto.layers import cross_reality_coherence, layer_order_parameters

PHASES = st.lists(st.floats(-np.pi, np.pi), min_size=1, max_size=20)


def test_each_layer_has_its_own_order_parameter() -> None:
    z = layer_order_parameters([0.0, 0.0, np.pi / 2, -np.pi / 2, np.pi], [0, 0, 1, 1, 2])
    assert z == pytest.approx([1, 0, -1], abs=1e-15)


def test_layers_in_antiphase_are_not_coherent_though_each_is_synchronised() -> None:
    assert cross_reality_coherence([0.3] * 3 + [0.3 + np.pi] * 3, [0] * 3 + [1] * 3) == pytest.approx(0, abs=1e-15)


def test_two_synchronised_layers_cohere_as_the_cosine_of_half_their_difference() -> None:
    assert cross_reality_coherence([0.2] * 5 + [1.4] * 2, [0] * 5 + [1] * 2) == pytest.approx(np.cos(0.6), rel=1e-12)


def test_a_layer_counts_the_same_whatever_its_size() -> None:
    phases, layers = [0.0] * 99 + [np.pi], [0] * 99 + [1]
    assert cross_reality_coherence(phases, layers) == pytest.approx(0, abs=1e-12)
    assert order_parameter(phases)[0] == pytest.approx(0.98)


@given(PHASES, st.integers(1, 4))
def test_layers_of_one_size_give_the_order_parameter(phases: list[float], copies: int) -> None:
    layers = np.repeat(np.arange(len(phases)), copies)
    expected = float(order_parameter(phases)[0])
    assert cross_reality_coherence(np.repeat(phases, copies), layers) == pytest.approx(expected, abs=1e-12)


@given(PHASES, st.data())
def test_it_lies_from_0_to_1_and_does_not_depend_on_a_common_phase_or_the_order(
    phases: list[float], data: st.DataObject
) -> None:
    layers = data.draw(st.lists(st.integers(0, 3), min_size=len(phases), max_size=len(phases)))
    coherence = cross_reality_coherence(phases, layers)
    assert 0 <= coherence <= 1
    assert cross_reality_coherence(np.array(phases) + 0.7, layers) == pytest.approx(coherence, abs=1e-12)
    assert cross_reality_coherence(phases[::-1], layers[::-1]) == pytest.approx(coherence, abs=1e-12)


@pytest.mark.parametrize(
    ("phases", "layers", "word"), [([], [], "layers"), ([0.0], [0, 1], "layers"), ([np.nan], [0], "phases")]
)
def test_what_makes_no_sense_is_refused(phases: list[float], layers: list[int], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        cross_reality_coherence(phases, layers)
