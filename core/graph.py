"""Weighted coupling graphs: their matrix, its largest eigenvalue and their fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Link(NamedTuple):
    """An edge between two vertices, each counted from 0.

    Attributes:
        src: where the coupling starts.
        dst: where it acts.
        weight: strength, at least 0.
        delay_s: conduction delay, s.
        lag_rad: phase lag alpha, rad, -pi to pi.
    """

    src: int
    dst: int
    weight: float = 1.0
    delay_s: float = 0.0
    lag_rad: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Vertex:
    """A vertex of a graph; vertices are counted from 0, layer by layer.

    Attributes:
        x, y, z: position, mm.
        omega: natural frequency, rad/s.
        layer: layer, from 0; vertices are counted in it in the order given.
    """

    label: str = ""
    x: float | None = None
    y: float | None = None
    z: float | None = None
    omega: float | None = None
    layer: int = 0


def fill_matrix(n: int, links: Sequence[Link], *, directed: bool, attribute: str = "weight") -> FloatArray:
    """One attribute of every edge as float64, (n, n): the entry [i, j] is that of the coupling of j onto i."""
    matrix = np.zeros((n, n))
    if not links:
        return matrix
    src = np.array([link.src for link in links])
    dst = np.array([link.dst for link in links])
    values = np.array([getattr(link, attribute) for link in links], dtype=np.float64)
    matrix[dst, src] = values
    if not directed:
        matrix[src, dst] = values
    return matrix


def find_largest_eigenvalue(weights: FloatArray) -> float:
    """Largest real eigenvalue of a matrix of weights of at least 0; by Perron and Frobenius its spectral radius."""
    if (weights == weights.T).all():
        return float(np.linalg.eigvalsh(weights)[-1])
    return float(np.abs(np.linalg.eigvals(weights)).max())


def hash_graph(n: int, links: Sequence[Link], *, directed: bool) -> str:
    """SHA-256, hex, of the canonical edge list, which does not depend on the order in which edges are given.

    The list is ASCII: a line `directed N` or `undirected N`, then for each edge, sorted, a line
    `src dst weight delay_s lag_rad` with the shortest decimals that read back the same; an undirected edge starts at
    its smaller vertex.
    """
    ordered = sorted(
        link if directed or link.src < link.dst else link._replace(src=link.dst, dst=link.src) for link in links
    )
    lines = [f"{'directed' if directed else 'undirected'} {n}"]
    lines += [
        f"{link.src} {link.dst} {float(link.weight)!r} {float(link.delay_s)!r} {float(link.lag_rad)!r}"
        for link in ordered
    ]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode("ascii")).hexdigest()
