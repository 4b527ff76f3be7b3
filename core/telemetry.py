"""What every producer's rows have in common: times, agreement with what is computed here, values carried over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.exceptions import FieldError, InvalidInput

FloatArray = NDArray[np.float64]

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Between these every client and every time zone can show a timestamp."""
AGREEMENT = 1e-6
"""How far, relative to 1 or to the value, a derived value that a client sends may lie from the one computed here."""
CARRY_S = 60.0
"""How long a component of Ha from one stream counts for rows of another."""


@dataclass(frozen=True)
class HaComponents:
    """Components of Ha for n rows, each float64 (n,), NaN where missing."""

    defect: FloatArray
    forecast: FloatArray
    drift: FloatArray


def check_times(timestamps: Sequence[datetime], indices: Iterable[int]) -> list[FieldError]:
    """One error for each timestamp outside 1900 to 9000."""
    return [
        FieldError(f"{index}.timestamp", "A time between the years 1900 and 9000 is needed.", "out_of_range")
        for index, at in zip(indices, timestamps, strict=True)
        if not EARLIEST <= at < LATEST
    ]


def unix_seconds(timestamps: Sequence[datetime]) -> FloatArray:
    """Timestamps as seconds since 1970, float64 (n,)."""
    return np.array([at.timestamp() for at in timestamps], dtype=np.float64)


def check_claims(
    claims: Mapping[str, Sequence[float | None]], computed: Mapping[str, FloatArray], indices: Sequence[int]
) -> None:
    """Refuse derived values that a client sends and that are not what its own data give.

    Args:
        claims: by field, what the client sent for each row; None where it sent nothing.
        computed: by the same fields, what was computed here; NaN where there is none.
        indices: position of each row in the client's batch.

    Raises:
        InvalidInput: names every disagreeing value with both numbers.
    """
    errors = []
    for field, sent_values in claims.items():
        for row, sent in enumerate(sent_values):
            if sent is None:
                continue
            found = float(computed[field][row])
            if not abs(sent - found) <= AGREEMENT * max(1.0, abs(found)):
                detail = f"The row says {sent!r}; its data give {found!r}."
                errors.append(FieldError(f"{indices[row]}.{field}", detail, "disagrees"))
    if errors:
        raise InvalidInput("A derived value disagrees with the data it is derived from.", errors)


def carry_forward(times: FloatArray, known_times: FloatArray, known_values: FloatArray) -> FloatArray:
    """For each of `times` the latest known value at or before it, NaN where none is younger than CARRY_S.

    All float64; `known_times` ascending. Shapes (n,), (m,), (m,); the result is (n,).
    """
    values = np.full(times.shape, np.nan)
    if known_times.size:
        latest = np.searchsorted(known_times, times, side="right") - 1
        found = latest >= 0
        found[found] = times[found] - known_times[latest[found]] <= CARRY_S
        values[found] = known_values[latest[found]]
    return values


def none_for_nan(values: FloatArray) -> list[Any]:
    """The numbers as Python floats, None for NaN: what a column that may be null takes."""
    return [None if value != value else value for value in values.tolist()]
