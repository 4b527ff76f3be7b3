"""A span of a metric as many points as a screen has: from samples or from the rollup that is fine enough."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from core.db.copy_out import read_columns
from core.db.sql import fetch_all, named_queries
from core.exceptions import InvalidInput, NotFound

MAX_POINTS = 10_000
MAX_SERIES = 50
WIDTHS = (86_400, 3_600, 60)
"""Lengths of the buckets that are rolled up, s."""
STEPS = tuple(
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
    + [60 * minutes for minutes in (1, 2, 5, 10, 15, 30)]
    + [3_600 * hours for hours in (1, 2, 3, 6, 12)]
    + [86_400 * days for days in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000)]
)
"""Distances of the points, s; each of a minute or more is a multiple of a width."""
MAX_SAMPLES = 1_000_000
QUERIES = named_queries("validation", "rollups")
STEP_COLUMNS = {"t": "timestamptz", "count": "int8", "min": "float8", "max": "float8", "mean": "float8"}
SAMPLE_COLUMNS = {"t": "timestamptz", "value": "float8"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Points:
    """Least, largest and mean value and number of samples of each step of each series that has samples.

    Attributes:
        since: start of the first step, at or before the time asked for.
        until: end of the last step, at or after the time asked for.
        step_s: length of a step, s; 0 for the samples themselves.
        width_s: of the rollup they come from, s; None where they come from the samples.
        series: each with `id`, `component`, `unit`, `tags` and the columns `t` (datetime64[us], UTC), `min`, `max`,
            `mean` and `count`, or of the samples `t` and `value`, each an array (n,).
    """

    since: datetime
    until: datetime
    step_s: float
    width_s: int | None
    series: list[dict[str, Any]]


def choose_step(span_s: float, points: int) -> float:
    """The least of STEPS that covers a span with so many points, s."""
    wanted = span_s / points
    return next((step for step in STEPS if step >= wanted), float(STEPS[-1]))


def find_width(step_s: float) -> int | None:
    """The widest rollup that divides a step; None for the samples."""
    return next((width for width in WIDTHS if step_s >= width), None)


def read_points(
    *,
    run_id: int,
    metric_name: str,
    since: datetime,
    until: datetime,
    points: int,
    component: str | None = None,
    exact_width: int | None = None,
) -> Points:
    """The series of a metric of a run in [since, until), widened to whole steps.

    Whatever they are read from, the values are those of the samples as of one moment.

    Args:
        points: at most so many steps, and one more where the span does not begin with a step; 1 to 10,000.
        exact_width: 0 reads the samples, 60, 3600 or 86400 that rollup; by the step where None.

    Raises:
        InvalidInput: the span is empty, or there are more than 50 such series.
        NotFound: the run has no such series.
    """
    series = _find_series(run_id, metric_name, component, since, until)
    step_s = choose_step((until - since).total_seconds(), points)
    width = find_width(step_s) if exact_width is None else exact_width or None
    step = timedelta(seconds=step_s)
    since, until = _align(since, step), _align(until - timedelta(microseconds=1), step) + step
    parameters: dict[str, Any] = {"run_id": run_id, "since": since, "until": until, "step": step}
    if width is None:
        statement = QUERIES["read_samples"]
    else:
        parameters |= {"width_s": width, "width": timedelta(seconds=width)}
        statement = QUERIES["rollups"] + QUERIES["list_rollups" if step_s == width == WIDTHS[-1] else "sum_rollups"]
    return Points(since, until, step_s, width, _read(series, statement, parameters, STEP_COLUMNS))


def read_samples(
    *, run_id: int, metric_name: str, since: datetime, until: datetime, component: str | None = None
) -> Points:
    """Every sample of the series of a metric of a run in [since, until).

    Raises:
        InvalidInput: the span is empty, there are more than 50 such series, or more than a million samples.
        NotFound: the run has no such series.
    """
    series = _find_series(run_id, metric_name, component, since, until)
    parameters = {"run_id": run_id, "since": since, "until": until, "most": MAX_SAMPLES + 1}
    found = _read(series, QUERIES["list_samples"], parameters, SAMPLE_COLUMNS)
    if sum(len(one["t"]) for one in found) > MAX_SAMPLES:
        raise InvalidInput.of("from", f"There are more than {MAX_SAMPLES} samples; ask for less, or for an export.")
    return Points(since, until, 0, None, found)


def _find_series(
    run_id: int, metric_name: str, component: str | None, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    if not since < until:
        raise InvalidInput.of("to", "A time after `from` is needed.")
    named = {"run_id": run_id, "metric_name": metric_name, "component": component, "most": MAX_SERIES + 1}
    series = fetch_all("validation", "list_series", named, file="rollups")
    if not series:
        raise NotFound(f"Run {run_id} has no series of {metric_name}.")
    if len(series) > MAX_SERIES:
        raise InvalidInput.of("component", f"There are more than {MAX_SERIES} such series; name a component.")
    return series


def _read(
    series: list[dict[str, Any]], statement: str, parameters: dict[str, Any], kinds: dict[str, str]
) -> list[dict[str, Any]]:
    """The series with their columns, by time."""
    with transaction.atomic(), connection.cursor() as cursor:
        asked = {**parameters, "series": [one["id"] for one in series]}
        columns = read_columns(cursor, statement, asked, {"series": "int8", **kinds})
    ids = columns.pop("series")
    order = np.lexsort((*reversed([columns[name] for name in ("t", "value") if name in columns]), ids))
    ids = ids[order]
    sorted_columns = {name: column[order] for name, column in columns.items()}
    return [
        {
            **one,
            "tags": json.loads(one["tags"]),
            **{
                name: column[np.searchsorted(ids, one["id"]) : np.searchsorted(ids, one["id"], "right")]
                for name, column in sorted_columns.items()
            },
        }
        for one in series
    ]


def _align(at: datetime, step: timedelta) -> datetime:
    return _EPOCH + math.floor((at - _EPOCH) / step) * step
