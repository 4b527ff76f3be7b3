"""Coupling graphs as mathematics."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from core.graph import Link, fill_matrix, find_largest_eigenvalue, hash_graph

RING = [Link(i, (i + 1) % 6) for i in range(6)]


def test_an_undirected_edge_couples_both_ways() -> None:
    matrix = fill_matrix(3, [Link(0, 2, weight=1.5)], directed=False)
    assert matrix.tolist() == [[0, 0, 1.5], [0, 0, 0], [1.5, 0, 0]]


def test_a_directed_edge_pulls_its_end_towards_its_start() -> None:
    matrix = fill_matrix(3, [Link(0, 2, weight=1.5)], directed=True)
    assert matrix.tolist() == [[0, 0, 0], [0, 0, 0], [1.5, 0, 0]]


def test_lags_fill_a_matrix_of_the_same_order() -> None:
    assert fill_matrix(2, [Link(0, 1, lag_rad=0.3)], directed=True, attribute="lag_rad").tolist() == [[0, 0], [0.3, 0]]


@pytest.mark.parametrize(
    ("n", "links", "directed", "expected"),
    [
        (6, RING, False, 2.0),  # cycle C_n: 2
        (6, RING, True, 1.0),  # directed cycle: the unit circle
        (5, [Link(0, i) for i in range(1, 5)], False, 2.0),  # star S_n: sqrt(n)
        (4, [Link(i, j) for i in range(4) for j in range(i)], False, 3.0),  # complete K_n: n - 1
        (3, [Link(0, 1), Link(1, 2)], True, 0.0),  # nilpotent
        (3, [], False, 0.0),
        (2, [Link(0, 1, weight=2.0), Link(1, 0, weight=8.0)], True, 4.0),
    ],
)
def test_the_largest_eigenvalue_is_that_of_the_known_graph(
    n: int, links: list, directed: bool, expected: float
) -> None:
    assert find_largest_eigenvalue(fill_matrix(n, links, directed=directed)) == pytest.approx(expected, abs=1e-12)


def test_the_fingerprint_does_not_depend_on_order_or_direction_of_undirected_edges() -> None:
    turned = [Link(link.dst, link.src) for link in reversed(RING)]
    assert hash_graph(6, turned, directed=False) == hash_graph(6, RING, directed=False)
    assert hash_graph(6, turned, directed=True) != hash_graph(6, RING, directed=True)


def test_the_fingerprint_is_that_of_the_documented_text() -> None:
    text = "undirected 3\n0 1 1.0 0.0 0.0\n0 2 0.1 0.005 -0.5\n"
    links = [Link(2, 0, np.float64(0.1), 0.005, -0.5), Link(0, 1)]
    assert hash_graph(3, links, directed=False) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change", [{"weight": 2.0}, {"delay_s": 0.1}, {"lag_rad": 0.1}, {"dst": 3}], ids=lambda change: next(iter(change))
)
def test_the_fingerprint_sees_every_change(change: dict) -> None:
    changed = [RING[0]._replace(**change), *RING[1:]]
    assert hash_graph(6, changed, directed=False) != hash_graph(6, RING, directed=False)
    assert hash_graph(7, RING, directed=False) != hash_graph(6, RING, directed=False)
