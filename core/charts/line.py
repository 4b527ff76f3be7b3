"""Time series: lines over a UTC time axis with thresholds, bands and a legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.charts.axes import (
    Frame,
    LegendEntry,
    count_ticks,
    draw_heading,
    draw_legend,
    draw_time_axis,
    draw_value_axis,
    fit_frame,
    measure_labels,
)
from core.charts.samples import Samples, Series, describe_samples, draw_samples, draw_spread, read_series
from core.charts.scale import (
    Scale,
    Tick,
    find_range,
    format_value,
    list_ticks,
    read_range,
    read_time,
    read_window,
    round_range,
    round_step,
    spread,
    widen,
    widen_times,
)
from core.charts.svg import (
    FONT_SIZE,
    LEVEL_COLOURS,
    SERIES_COLOURS,
    Level,
    Markup,
    check_level,
    check_size,
    draw,
    draw_document,
    draw_empty,
    draw_text,
    draw_tooltip,
    measure_text,
    shorten,
)

LABEL_DISTANCE = 13.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A horizontal limit with its name."""

    value: float
    label: str = ""
    level: Level = "warning"


@dataclass(frozen=True, slots=True)
class Band:
    """A tinted region: values from low to high, times from start to end, each open unless given."""

    low: float = -math.inf
    high: float = math.inf
    start: datetime | float = -math.inf
    end: datetime | float = math.inf
    level: Level = "warning"
    label: str = ""


def line_chart(
    series: Sequence[Series],
    *,
    width: float = 720,
    height: float = 260,
    y_label: str = "",
    y_range: tuple[float, float] | None = None,
    time_range: tuple[datetime | float, datetime | float] | None = None,
    thresholds: Sequence[Threshold] = (),
    bands: Sequence[Band] = (),
    title: str = "",
) -> Markup:
    """Draw series over UTC time; without ``y_range`` the value axis spans the data and the thresholds.

    Raises:
        ValueError: a size, range, level or series is not drawable; the message names it.
    """
    check_size(width=width, height=height)
    window = read_window(time_range)
    rows = [read_series(one, window) for one in series]
    name = title or y_label or "Time series"
    values = find_range(row.values for row in rows)
    times = window or find_range(row.times for row in rows)
    if values is None or times is None:
        return draw_empty("line", width, height, name)
    entries = [LegendEntry(f"s{i % 8 + 1}", SERIES_COLOURS[i % 8], row.label) for i, row in enumerate(rows)]
    legend, legend_height = draw_legend(entries if len(rows) > 1 else [], 8, height - 2, width - 16)
    top, bottom = 24.0, height - 24 - legend_height
    shown = find_range([values, *(row.spread for row in rows), [limit.value for limit in thresholds]]) or values
    low, high, ticks = fit_values(shown, y_range, bottom - top)
    labels = max((measure_text(limit.label) + 10 for limit in thresholds), default=0.0)
    frame = fit_frame(measure_labels(ticks) + 14, top, width - max(24.0, min(labels, width / 4)), bottom)
    x = Scale(*widen_times(*times), frame.left, frame.right)
    y = Scale(low, high, frame.bottom, frame.top)

    baseline = frame.bottom if len(rows) == 1 and not len(rows[0].spread) else None
    spreads = [part for i, row in enumerate(rows) for part in draw_spread(row, i, x, y)]
    lines = [part for i, row in enumerate(rows) for part in draw_samples(row, i, x, y, baseline)]
    limit_lines, limit_labels = draw_thresholds(thresholds, frame, y, width)
    children = [
        *draw_bands(bands, frame, x, y),
        *draw_value_axis(frame, y, ticks),
        *draw_time_axis(frame, x, width),
        frame.clip(*spreads, *limit_lines, *lines),
        *limit_labels,
        *draw_heading(y_label, x, frame, width),
        *legend,
    ]
    return draw_document("line", width, height, name, describe_chart(rows, thresholds), children)


def fit_values(
    found: tuple[float, float], given: tuple[float, float] | None, pixels: float
) -> tuple[float, float, list[Tick]]:
    """Choose the ends and the ticks of the value axis: those given, or round numbers around those found."""
    low, high = widen(*(read_range("y_range", given) if given else found))
    step = round_step(low, high, count_ticks(pixels))
    if given is None:
        low, high = round_range(low, high, step)
    return low, high, list_ticks(low, high, step)


def draw_bands(bands: Sequence[Band], frame: Frame, x: Scale, y: Scale) -> list[Markup]:
    """Draw tinted regions, cut to the frame."""
    parts = []
    for band in bands:
        start, end = read_time("band start", band.start), read_time("band end", band.end)
        left, right = np.clip(x.locate([start, end]), frame.left, frame.right)
        bottom, top = np.clip(y.locate([band.low, band.high]), frame.top, frame.bottom)
        if right > left and bottom > top:
            tooltip = draw_tooltip(band.label)
            colour = LEVEL_COLOURS[check_level(band.level)]
            box = {
                "x": float(left),
                "y": float(top),
                "width": float(right - left),
                "height": float(bottom - top),
            }
            parts.append(draw("rect", *tooltip, class_=f"band {band.level}", fill=colour, fill_opacity="0.12", **box))
    return parts


def draw_thresholds(
    thresholds: Sequence[Threshold], frame: Frame, y: Scale, width: float
) -> tuple[list[Markup], list[Markup]]:
    """Draw dashed lines, and their names to the right of the frame, pushed apart where limits are close."""
    shown = sorted((limit for limit in thresholds if y.low <= limit.value <= y.high), key=lambda limit: -limit.value)
    heights = [y.locate_one(limit.value) for limit in shown]
    lines, labels = [], []
    for limit, height in zip(shown, heights, strict=True):
        colour = LEVEL_COLOURS[check_level(limit.level)]
        tooltip = draw_tooltip(f"{limit.label} {format_value(limit.value)}".strip())
        place = {"x1": frame.left, "x2": frame.right, "y1": height, "y2": height}
        paint = {"class_": f"threshold {limit.level}", "stroke": colour, "stroke_dasharray": "4 3"}
        lines.append(draw("line", *tooltip, **place, **paint))
    for limit, spot in zip(shown, spread(heights, LABEL_DISTANCE, frame.top, frame.bottom), strict=True):
        label = shorten(limit.label, width - frame.right - 8)
        if label and spot > frame.top - FONT_SIZE:
            text_class = f"label {limit.level}"
            labels.append(
                draw_text(label, frame.right + 6, spot + FONT_SIZE * 0.35, class_=text_class, full=limit.label)
            )
    return lines, labels


def describe_chart(rows: Sequence[Samples], thresholds: Sequence[Threshold]) -> str:
    """Say what a chart shows, for those who do not see it."""
    limits = [f"Threshold {limit.label} at {format_value(limit.value)}." for limit in thresholds]
    return " ".join([*(describe_samples(row) for row in rows[:20]), *limits])
