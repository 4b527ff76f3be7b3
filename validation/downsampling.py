"""A span of a metric as many points as a screen has: from samples or from the rollup that is fine enough."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.db.sql import fetch_all
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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Points:
    """Least, largest and mean value and number of samples of each step of each series that has samples.

    Attributes:
        since: start of the first step, at or before the time asked for.
        until: end of the last step, at or after the time asked for.
        step_s: length of a step, s.
        width_s: of the rollup they come from, s; None where they come from the samples.
        series: each with `id`, `component`, `unit`, `tags` and the columns `t`, `min`, `max`, `mean`, `count`.
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
    if not since < until:
        raise InvalidInput.of("to", "A time after `from` is needed.")
    step_s = choose_step((until - since).total_seconds(), points)
    width = find_width(step_s) if exact_width is None else exact_width or None
    named = {"run_id": run_id, "metric_name": metric_name, "component": component, "most": MAX_SERIES + 1}
    series = fetch_all("validation", "list_series", named, file="rollups")
    if not series:
        raise NotFound(f"Run {run_id} has no series of {metric_name}.")
    if len(series) > MAX_SERIES:
        raise InvalidInput.of("component", f"There are more than {MAX_SERIES} such series; name a component.")
    step = timedelta(seconds=step_s)
    since, until = _align(since, step), _align(until - timedelta(microseconds=1), step) + step
    parameters: dict[str, Any] = {
        "run_id": run_id,
        "series": [one["id"] for one in series],
        "since": since,
        "until": until,
        "step": step,
    }
    if width is not None:
        parameters |= {"width_s": width, "width": timedelta(seconds=width)}
    rows = fetch_all("validation", "read_rollups" if width else "read_samples", parameters, file="rollups")
    columns: dict[int, dict[str, list[Any]]] = {
        one["id"]: {"t": [], "min": [], "max": [], "mean": [], "count": []} for one in series
    }
    for row in rows:
        column = columns[row["series_id"]]
        column["t"].append(row["at"])
        column["min"].append(row["v_min"])
        column["max"].append(row["v_max"])
        column["mean"].append(row["v_mean"])
        column["count"].append(row["n"])
    return Points(
        since, until, step_s, width, [{**one, "tags": json.loads(one["tags"]), **columns[one["id"]]} for one in series]
    )


def _align(at: datetime, step: timedelta) -> datetime:
    return _EPOCH + math.floor((at - _EPOCH) / step) * step
