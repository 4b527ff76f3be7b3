"""Time series that arrive in batches: reading one, and finding its stretches of one state.

What is built on this keeps its whole memory in a state handed from batch to batch, so that no result depends
on how a series was cut.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

MAX_TIMESTAMP_S = 1e12
"""Beyond every date a database holds, and small enough that time bins can be counted in whole numbers."""


def read_series(timestamps_s: ArrayLike, values: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as float64, (n,).

    Raises ValueError when the shapes differ or a timestamp is not a time; values may hold anything.
    """
    times = np.asarray(timestamps_s, dtype=np.float64)
    samples = np.asarray(values, dtype=np.float64)
    if times.ndim != 1 or times.shape != samples.shape:
        raise ValueError(f"timestamps_s: expected (n,) like the values, got {times.shape} and {samples.shape}")
    if not (np.abs(times) <= MAX_TIMESTAMP_S).all():
        raise ValueError(f"timestamps_s: expected seconds within {MAX_TIMESTAMP_S:g} of the epoch")
    return times, samples


def select_on_time(timestamps_s: FloatArray, last_seen_s: float | None) -> NDArray[np.bool_]:
    """Mark the samples that are later than every sample before them."""
    before = -np.inf if last_seen_s is None else last_seen_s
    newest = np.maximum.accumulate(np.concatenate(([before], timestamps_s)))
    return np.asarray(timestamps_s > newest[:-1])


def split_runs(codes: NDArray[np.int8], breaks: NDArray[np.bool_] | None = None) -> Iterator[tuple[int, int, int]]:
    """Yield (code, start, end) of each stretch of equal codes, end excluded; `breaks` starts one too."""
    if codes.size == 0:
        return
    starts_run = np.concatenate(([True], codes[1:] != codes[:-1]))
    if breaks is not None:
        starts_run |= breaks
    starts = np.flatnonzero(starts_run)
    ends = np.append(starts[1:], codes.size)
    yield from zip(codes[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)


def read_stored_fields(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored state's fields.

    Raises ValueError naming the fields that are missing or unknown: the state was stored by another version.
    """
    expected = {field.name for field in fields(kind)}
    if different := expected.symmetric_difference(stored):
        raise ValueError(f"{kind.__name__}: missing or unknown in the stored state: {', '.join(sorted(different))}")
    return dict(stored)
