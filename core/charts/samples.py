"""Series of values over time, and their way to paths of at most two points a pixel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from core.charts.scale import Floats, Row, Scale, format_value, read_floats, read_times
from core.charts.svg import SERIES_COLOURS, Markup, draw, trace_path


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A named row of values over time.

    Attributes:
        times: POSIX seconds, datetime64 in UTC or aware datetimes, in any order.
        values: None, NaN and infinities leave a gap.
        gap_s: longest step in time a line is drawn across.
        spread: lowest and highest value behind each value, drawn as a tint around the line, such as those of
            which the value is the mean.
    """

    label: str
    times: ArrayLike | Sequence[datetime]
    values: Row
    gap_s: float = math.inf
    spread: tuple[Row, Row] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """A series in drawing order: ascending finite times, float64, (n,); ``spread`` is (2, n), or (0, n) without."""

    label: str
    times: Floats
    values: Floats
    gap_s: float
    spread: Floats


def read_series(series: Series, window: tuple[float, float] | None) -> Samples:
    """Sort a series by time and keep the window's samples with one neighbour either side."""
    times = read_times(f"series {series.label!r} times", series.times)
    values = read_floats(f"series {series.label!r} values", series.values)
    if times.shape != values.shape:
        raise ValueError(f"series {series.label!r}: {times.size} times but {values.size} values")
    ends = [read_floats(f"series {series.label!r} spread", row) for row in series.spread or ()]
    if any(row.shape != values.shape for row in ends):
        raise ValueError(f"series {series.label!r}: {values.size} values but a spread of another size")
    rows = np.array([times, values, *ends])[:, np.isfinite(times)]
    if np.any(rows[0, 1:] < rows[0, :-1]):
        rows = rows[:, np.argsort(rows[0], kind="stable")]
    inside = find_inside(rows[0], rows[1], *window) if window else slice(None)
    return Samples(series.label, rows[0, inside], rows[1, inside], series.gap_s, rows[2:, inside])


def find_inside(times: Floats, values: Floats, low: float, high: float) -> slice:
    """Find the samples from the last before a window to the first after it, none where no line enters it."""
    finite = times[np.isfinite(values)]
    if finite.size == 0 or finite[-1] < low or finite[0] > high:
        return slice(0)
    first, last = np.searchsorted(times, low), np.searchsorted(times, high, side="right")
    return slice(max(int(first) - 1, 0), int(last) + 1)


def trace_runs(samples: Samples, x: Scale) -> list[tuple[Floats, Floats]]:
    """Cut a series into the runs of samples drawn as one line each.

    A run ends at a value that is not finite and at a step in time longer than ``gap_s``. Beyond two samples a
    pixel, only the lowest and the highest of each pixel column stay, and gaps narrower than a column close.

    Returns:
        Times and values of each run, at least one sample long.
    """
    kept = np.flatnonzero(np.isfinite(samples.values))
    if kept.size == 0:
        return []
    times, values = samples.times[kept], samples.values[kept]
    with np.errstate(over="ignore"):
        broken = (np.diff(kept) > 1) | (np.diff(times) > samples.gap_s)
    if kept.size > 2 * abs(x.end - x.start):
        columns = np.floor(x.locate(times))
        picked = pick_extremes(columns, values)
        breaks = np.concatenate(([0], np.cumsum(broken)))[picked]
        broken = (np.diff(breaks) > 0) & (np.diff(columns[picked]) > 1)
        times, values = times[picked], values[picked]
    cuts = np.flatnonzero(broken) + 1
    return list(zip(np.split(times, cuts), np.split(values, cuts), strict=True))


def pick_extremes(columns: Floats, values: Floats) -> list[int]:
    """Pick the index of the lowest and the highest value of each column, in their order."""
    starts = np.flatnonzero(np.diff(columns, prepend=-np.inf)).tolist()
    picked = []
    for start, end in pairwise([*starts, values.size]):
        block = values[start:end]
        picked += sorted({start + int(block.argmin()), start + int(block.argmax())})
    return picked


def draw_samples(samples: Samples, index: int, x: Scale, y: Scale, baseline: float | None = None) -> list[Markup]:
    """Draw a series: one path of lines, one of lone points, and a tinted area down to a baseline if given."""
    lines: list[str] = []
    dots: list[str] = []
    areas: list[str] = []
    for times, values in trace_runs(samples, x):
        across, up = x.locate(times), y.locate(values)
        path = trace_path(across, up)
        (lines if times.size > 1 else dots).append(path)
        if baseline is not None and times.size > 1:
            areas.append(f"{path} {across[-1]:.7g},{baseline:.7g} {across[0]:.7g},{baseline:.7g}Z")
    parts = []
    if areas:
        paint = {"fill": SERIES_COLOURS[index % 8], "fill_opacity": "0.1"}
        parts.append(draw("path", class_=f"area s{index % 8 + 1}", d="".join(areas), **paint))
    if lines:
        parts.append(draw_stroke("line", lines, index, 1.5))
    if dots:
        parts.append(draw_stroke("dot", dots, index, 5.0))
    return parts


def draw_spread(samples: Samples, index: int, x: Scale, y: Scale) -> list[Markup]:
    """Draw the spread of a series as a tinted area, broken where its line is."""
    if not len(samples.spread):
        return []
    kept = np.flatnonzero(np.isfinite(samples.spread).all(axis=0))
    cuts = np.flatnonzero((np.diff(kept) > 1) | (np.diff(samples.times[kept]) > samples.gap_s)) + 1
    areas = []
    for run in np.split(kept, cuts):
        if run.size > 1:
            across, low, high = x.locate(samples.times[run]), *y.locate(samples.spread[:, run])
            areas.append(trace_path(np.append(across, across[::-1]), np.append(high, low[::-1])) + "Z")
    paint = {"fill": SERIES_COLOURS[index % 8], "fill_opacity": "0.2"}
    return [draw("path", class_=f"area s{index % 8 + 1}", d="".join(areas), **paint)] if areas else []


def draw_stroke(kind: str, paths: list[str], index: int, width: float) -> Markup:
    """Draw path data in the colour of a series."""
    paint = {"stroke": SERIES_COLOURS[index % 8], "stroke_linecap": "round", "stroke_linejoin": "round"}
    data = "".join(paths)
    return draw("path", class_=f"{kind} s{index % 8 + 1}", d=data, fill="none", stroke_width=width, **paint)


def describe_samples(samples: Samples) -> str:
    """Say in one sentence what a series holds."""
    values = samples.values[np.isfinite(samples.values)]
    if values.size == 0:
        return f"{samples.label}: no values."
    low, high, last = (format_value(float(value)) for value in (values.min(), values.max(), values[-1]))
    return f"{samples.label}: {values.size} values from {low} to {high}, last {last}."
