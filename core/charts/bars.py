"""Bars by category, and the histogram of a sample."""

from collections.abc import Mapping

import numpy as np

from core.charts.axes import (
    AXIS,
    Frame,
    count_ticks,
    draw_level_axis,
    draw_value_axis,
    fit_frame,
    list_axis_ticks,
    measure_labels,
)
from core.charts.scale import (
    Floats,
    Row,
    Scale,
    find_range,
    format_value,
    list_ticks,
    read_floats,
    round_step,
    widen,
)
from core.charts.svg import (
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

ROW_HEIGHT = 22
MOST_BARS = 40
FEWEST_BINS, MOST_BINS = 5, 60


def bar_chart(
    categories: Mapping[str, float],
    *,
    width: float = 420,
    levels: Mapping[str, Level] | None = None,
    title: str = "Categories",
) -> Markup:
    """Draw one horizontal bar a category with its value, in the order given.

    Args:
        categories: a value that is not finite has no bar; beyond the first 40, categories are only counted.
        levels: categories drawn in the colour of a level.
    """
    check_size(width=width)
    shown = list(categories.items())[:MOST_BARS]
    values = read_floats("categories", [value for _, value in shown])
    found = find_range([values, [0.0]])
    if not shown or found is None:
        return draw_empty("bars", width, 4 * ROW_HEIGHT, title)
    rest = len(categories) - len(shown)
    height = (len(shown) + (1 if rest else 0)) * ROW_HEIGHT + 8
    printed = [format_value(float(value)) for value in values]
    left = min(max(measure_text(label) for label, _ in shown), width * 0.4) + 14
    room = max(measure_text(text) for text in printed) + 10
    frame = fit_frame(left + (room if found[0] < 0 else 0), 4, width - room, height - 4)
    x = Scale(*widen(*found), frame.left, frame.right)
    zero = x.locate_one(0.0)
    parts = [draw("line", class_="axis", x1=zero, x2=zero, y1=frame.top, y2=4 + len(shown) * ROW_HEIGHT, stroke=AXIS)]
    for index, ((label, _), value, text) in enumerate(zip(shown, values, printed, strict=True)):
        y = 4.0 + index * ROW_HEIGHT
        level = (levels or {}).get(label)
        end = min(max(x.locate_one(value), frame.left), frame.right) if np.isfinite(value) else zero
        parts.append(draw_text(shorten(label, left - 14), left - 8, y + 15, anchor="end", full=label))
        parts += draw_bar(zero, end, y, level, text)
    if rest:
        parts.append(draw_text(f"and {rest} more", left - 8, height - 10, anchor="end"))
    text = "; ".join(f"{label} {number}" for (label, _), number in zip(shown, printed, strict=True)) + "."
    return draw_document("bars", width, height, title, text, parts)


def draw_bar(zero: float, end: float, y: float, level: Level | None, text: str) -> list[Markup]:
    """Draw a bar from zero with its value beyond the end."""
    class_, colour = (check_level(level), LEVEL_COLOURS[level]) if level else ("s1", SERIES_COLOURS[0])
    start, length = min(zero, end), abs(end - zero)
    bar = draw("rect", class_=f"bar {class_}", x=start, y=y + 4, width=length, height=14, rx=2, fill=colour)
    if end < zero:
        return [bar, draw_text(text, end - 6, y + 15, anchor="end", class_="value")]
    return [bar, draw_text(text, end + 6, y + 15, class_="value")]


def histogram(
    values: Row,
    *,
    bins: int | None = None,
    width: float = 420,
    height: float = 220,
    x_label: str = "",
    title: str = "",
) -> Markup:
    """Draw how often values occur; those that are not finite are left out and counted in the description.

    Args:
        bins: 1 to 200; by Freedman and Diaconis' rule, 5 to 60, when None.
    """
    check_size(width=width, height=height)
    if bins is not None and not 1 <= bins <= 200:
        raise ValueError(f"bins: must be 1 to 200, got {bins}")
    sample = read_floats("values", values)
    known = sample[np.isfinite(sample)]
    name = title or x_label or "Histogram"
    found = find_range([known])
    if found is None:
        return draw_empty("histogram", width, height, name)
    low, high = widen(*found)
    fractions = Scale(low, high, 0.0, 1.0).locate(known).clip(0.0, 1.0)
    counts, _ = np.histogram(fractions, bins or choose_bins(fractions), range=(0.0, 1.0))
    top = 24.0 if x_label else 8.0
    most = float(counts.max())
    ticks = list_ticks(0.0, most, max(1.0, round_step(0.0, most, count_ticks(height - 24 - top))))
    frame = fit_frame(measure_labels(ticks) + 14, top, width - 16, height - 24)
    x = Scale(low, high, frame.left, frame.right)
    y = Scale(0.0, most * 1.05, frame.bottom, frame.top)
    children = [
        *draw_value_axis(frame, y, ticks),
        *draw_counts(counts.tolist(), x, y, frame),
        *draw_level_axis(frame, x, list_axis_ticks(low, high, frame.width, spacing=70), width),
        *([draw_text(shorten(x_label, width - 16), 8, 14, class_="heading", full=x_label)] if x_label else []),
    ]
    ends = f"from {format_value(found[0])} to {format_value(found[1])}"
    text = f"{known.size} values {ends}; {sample.size - known.size} not finite."
    return draw_document("histogram", width, height, name, text, children)


def choose_bins(fractions: Floats) -> int:
    """Choose the number of bins of a sample spread over [0, 1] (Freedman and Diaconis 1981)."""
    lower, upper = np.percentile(fractions, [25, 75])
    width = 2 * (upper - lower) / fractions.size ** (1 / 3)
    if width <= 1 / MOST_BINS:
        return MOST_BINS if fractions.size > MOST_BINS else FEWEST_BINS
    return max(FEWEST_BINS, int(np.ceil(1 / width)))


def draw_counts(counts: list[int], x: Scale, y: Scale, frame: Frame) -> list[Markup]:
    """Draw one bar a bin, half a pixel apart, its count as tooltip."""
    step = frame.width / len(counts)
    parts = []
    for index, count in enumerate(counts):
        if count:
            top = y.locate_one(count)
            box = {"x": frame.left + index * step + 0.5, "width": max(step - 1, 0.5), "y": top}
            tooltip = draw_tooltip(f"{count} values")
            paint = {"class_": "bar s1", "fill": SERIES_COLOURS[0]}
            parts.append(draw("rect", *tooltip, height=max(frame.bottom - top, 0.5), **box, **paint))
    return parts
