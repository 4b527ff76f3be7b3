"""Points of other people's senders become samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.exceptions import FieldError
from nfcs.ingest.chunks import Chunk
from validation.samples import SampleColumns, number_keys
from validation.series import SeriesKey, write_tags

_FIRST_NS, _END_NS = -(2**63), 2**63


class Point(NamedTuple):
    """One sample of a series.

    Attributes:
        position: position of what it came from in the body: a line, a data point.
        time_ns: nanoseconds since 1970, UTC.
    """

    position: int
    run: int
    key: SeriesKey
    time_ns: int
    value: float


def describe_series(name: str, component: str, unit: str | None, tags: Mapping[str, Any]) -> SeriesKey:
    """The key of a series.

    Raises:
        TypeError: the tags cannot be stored.
    """
    return name, component, unit or None, write_tags(tags)


def join_points(points: Sequence[Point], errors: list[FieldError], count: int) -> Chunk:
    """The samples of points; times are cut to microseconds."""
    kept = [point for point in points if _FIRST_NS <= point.time_ns < _END_NS]
    if len(kept) < len(points):
        errors += [
            FieldError(f"{point.position}.timestamp", "The time is out of range.", "out_of_range")
            for point in points
            if not _FIRST_NS <= point.time_ns < _END_NS
        ]
    numbers, series = number_keys([(point.run, point.key) for point in kept])
    microseconds = np.array([point.time_ns // 1000 for point in kept], np.int64)
    samples = SampleColumns(
        list(numbers),
        series,
        microseconds.view("datetime64[us]"),
        np.array([point.value for point in kept], np.float64),
        np.array([point.position for point in kept], np.int64),
    )
    return Chunk(samples, errors, count)
