"""Sliding windows over a stream of phases, in memory that holds one window; and the measures of one window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cognitive.complexity import (
    SAMPLES_PER_CHANNEL,
    chimera_index,
    community_order_parameters,
    lempel_ziv_complexity,
    metastability_shanahan,
    r_statistics,
    total_correlation_gaussian,
)
from kuramoto.dynamics import order_parameter

FloatArray = NDArray[np.float64]
SURROGATES = 4
"""Shuffles that Lempel-Ziv complexity is divided by."""
FEWEST_SAMPLES = 10
"""Rows that a window needs to be measured."""


@dataclass(frozen=True)
class WindowMeasures:
    """The complexity of one window; see `cognitive.complexity` for each measure."""

    r_mean: float
    r_std: float
    metastability_shanahan: float
    chimera: float | None
    lzc_norm: float
    total_correlation: float | None
    n_samples: int


def slide_windows(
    rows: Iterable[tuple[float, Sequence[float]]],
    *,
    first_end_s: float,
    last_end_s: float,
    window_s: float,
    step_s: float,
) -> Iterator[tuple[float, FloatArray]]:
    """Yield (end, phases (m, n)) of the windows (end - window_s, end] at every step from first_end_s to last_end_s.

    Rows are (time, phases) in order of time. A window with fewer than FEWEST_SAMPLES rows is left out.
    """
    held: deque[tuple[float, Sequence[float]]] = deque()
    stream = iter(rows)
    waiting = next(stream, None)
    count = int(np.floor((last_end_s - first_end_s) / step_s + 1e-9)) + 1
    for index in range(max(0, count)):
        end = first_end_s + index * step_s
        while waiting is not None and waiting[0] <= end:
            held.append(waiting)
            waiting = next(stream, None)
        while held and held[0][0] <= end - window_s:
            held.popleft()
        if len(held) >= FEWEST_SAMPLES:
            yield end, np.array([phases for _, phases in held], dtype=np.float64)


def measure_window(
    phases: FloatArray, communities: NDArray[np.int64], channels: NDArray[np.int64], rng: np.random.Generator
) -> WindowMeasures:
    """Measure phases (m, n) of one window.

    Args:
        communities: label of each oscillator, (n,); a single community has no chimera index.
        channels: oscillators whose sin(theta - psi) is the signal of Lempel-Ziv complexity and total correlation.
        rng: of the surrogates.
    """
    r, psi = order_parameter(phases)
    statistics = r_statistics(r)
    by_community = community_order_parameters(phases, communities)
    signals = np.sin(phases[:, channels] - psi[:, None])
    return WindowMeasures(
        r_mean=statistics.r_mean,
        r_std=statistics.r_std,
        metastability_shanahan=metastability_shanahan(r),
        chimera=chimera_index(by_community) if by_community.shape[1] > 1 else None,
        lzc_norm=float(np.mean([lempel_ziv_complexity(signal, rng, SURROGATES).lzc_norm for signal in signals.T])),
        total_correlation=_correlate(signals),
        n_samples=len(phases),
    )


def _correlate(signals: FloatArray) -> float | None:
    """Total correlation, or None where the samples are too few, a channel is constant or two are dependent."""
    if len(signals) < SAMPLES_PER_CHANNEL * signals.shape[1]:
        return None
    try:
        return total_correlation_gaussian(signals)
    except ValueError:
        # A locked population has dependent channels: their total correlation is infinite, which is no number to keep.
        return None
