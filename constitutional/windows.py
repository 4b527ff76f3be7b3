"""Aggregates over a sliding time window, with a memory that does not grow with the sampling rate.

A window is cut into BUCKETS equal time buckets on a fixed grid: at each sample it holds the bucket of that sample
and the BUCKETS - 1 before it, so its length is between window_s - window_s / BUCKETS and window_s. Mean, maximum
and minimum are those of every sample in it; p95 is the nearest-rank quantile of the first sample of each bucket.
A series that has just begun is aggregated over what there is.
"""

from bisect import bisect_left, insort
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.series import FloatArray

WindowAggregate = Literal["mean", "max", "min", "p95"]
IntArray = NDArray[np.int64]

BUCKETS = 256


class Bucket(NamedTuple):
    """One time bucket: its number on the grid, the aggregate of its samples (for the mean, their sum), their number."""

    number: int
    total: float
    samples: int


class Window(NamedTuple):
    """The buckets a window holds, oldest first; at most BUCKETS."""

    numbers: IntArray
    totals: FloatArray
    samples: IntArray

    @classmethod
    def from_buckets(cls, buckets: tuple[Bucket, ...]) -> "Window":
        """Read buckets from a stored state."""
        numbers, totals, samples = zip(*buckets, strict=True) if buckets else ((), (), ())
        return cls(np.array(numbers, np.int64), np.array(totals, np.float64), np.array(samples, np.int64))

    def to_buckets(self) -> tuple[Bucket, ...]:
        """Return the buckets for a stored state."""
        columns = zip(self.numbers.tolist(), self.totals.tolist(), self.samples.tolist(), strict=True)
        return tuple(Bucket(*column) for column in columns)

    def between(self, start: int, end: int) -> "Window":
        """Return the buckets from start to end, end excluded."""
        return Window(self.numbers[start:end], self.totals[start:end], self.samples[start:end])


def slide_window(
    aggregate: WindowAggregate,
    window_s: float,
    buckets: tuple[Bucket, ...],
    times: FloatArray,
    values: FloatArray,
) -> tuple[FloatArray, tuple[Bucket, ...]]:
    """Return the aggregate at each sample, (n,), and the buckets of the window at the last.

    Times are increasing and later than the buckets; values are finite, and small enough that their sum is.
    """
    if times.size == 0:
        return values, buckets
    window = Window.from_buckets(buckets)
    numbers = np.floor(times / (window_s / BUCKETS)).astype(np.int64)
    slide = _slide_quantile if aggregate == "p95" else _slide_reduction
    aggregated, window = slide(aggregate, window, numbers, values)
    oldest = int(np.searchsorted(window.numbers, numbers[-1] - BUCKETS, side="right"))
    return aggregated, window.between(oldest, window.numbers.size).to_buckets()


def _slide_reduction(
    aggregate: WindowAggregate, window: Window, numbers: IntArray, values: FloatArray
) -> tuple[FloatArray, Window]:
    """Join what the whole buckets of the window make with what its newest bucket makes so far."""
    ufunc, identity = {"max": (np.maximum, -np.inf), "min": (np.minimum, np.inf), "mean": (np.add, 0.0)}[aggregate]
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    ends = np.append(starts[1:], numbers.size)
    group = np.repeat(np.arange(starts.size), ends - starts)
    partial, samples = values.copy(), np.arange(numbers.size) - starts[group] + 1
    if window.numbers.size and window.numbers[-1] == numbers[0]:
        partial[0] = ufunc(window.totals[-1], partial[0])
        samples[: ends[0]] += window.samples[-1]
        window = window.between(0, window.numbers.size - 1)
    # Left to right inside a bucket and afresh for each window, so that no rounding depends on the batches.
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - start > 1:
            partial[start:end] = ufunc.accumulate(partial[start:end])

    whole = Window(
        np.concatenate((window.numbers, numbers[starts])),
        np.concatenate((window.totals, partial[ends - 1])),
        np.concatenate((window.samples, samples[ends - 1])),
    )
    own = window.numbers.size + np.arange(starts.size)
    oldest = np.searchsorted(whole.numbers, numbers[starts] - BUCKETS, side="right")
    slices = np.column_stack((oldest, own)).ravel()
    older = np.where(oldest < own, ufunc.reduceat(np.append(whole.totals, identity), slices)[::2], identity)
    aggregated = ufunc(older[group], partial)
    if aggregate == "mean":
        counted = np.concatenate(([0], np.cumsum(whole.samples)))
        aggregated = aggregated / (samples + (counted[own] - counted[oldest])[group])
    return aggregated, whole


def _slide_quantile(
    aggregate: WindowAggregate, window: Window, numbers: IntArray, values: FloatArray
) -> tuple[FloatArray, Window]:
    """Keep the first sample of each bucket in order of size."""
    previous = window.numbers[-1] if window.numbers.size else numbers[0] - 1
    is_first = np.diff(numbers, prepend=previous) > 0
    whole = Window(
        np.concatenate((window.numbers, numbers[is_first])),
        np.concatenate((window.totals, values[is_first])),
        np.ones(window.numbers.size + np.count_nonzero(is_first), np.int64),
    )
    ranked = sorted(window.totals.tolist())
    quantiles = [_rank_p95(ranked)] if ranked else []
    oldest, all_numbers, all_values = 0, whole.numbers.tolist(), whole.totals.tolist()
    for own in range(window.numbers.size, whole.numbers.size):
        insort(ranked, all_values[own])
        while all_numbers[oldest] <= all_numbers[own] - BUCKETS:
            del ranked[bisect_left(ranked, all_values[oldest])]
            oldest += 1
        quantiles.append(_rank_p95(ranked))
    seen = np.cumsum(is_first) - (0 if window.numbers.size else 1)
    return np.array(quantiles)[seen], whole


def _rank_p95(ranked: list[float]) -> float:
    """Return the smallest value that at least 95 % of the values do not exceed."""
    return ranked[-(-95 * len(ranked) // 100) - 1]
