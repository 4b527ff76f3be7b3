"""Heat map of a matrix, with its colour scale."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from core.charts.axes import Frame, fit_frame, list_axis_ticks, measure_labels
from core.charts.colour import format_colours, map_levels, map_phases
from core.charts.scale import Floats, Scale, find_range, format_value, read_range, widen
from core.charts.svg import (
    Markup,
    check_size,
    draw,
    draw_document,
    draw_empty,
    draw_text,
    measure_text,
    shorten,
)

MOST_CELLS = 100  # a side; larger matrices are drawn in blocks
SHADES = 64
KEY_WIDTH = 10
LABEL_HEIGHT = 13.0


def heat_map(
    matrix: ArrayLike,
    *,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    width: float = 420,
    height: float = 360,
    value_range: tuple[float, float] | None = None,
    cyclic: bool = False,
    title: str = "Matrix",
) -> Markup:
    """Draw a matrix as coloured cells, the first row on top.

    Args:
        matrix: (rows, columns); a value that is not finite is grey. Beyond 100 a side, a block shows
            its value farthest from the median, so that a single peak stays visible.
        cyclic: the values are phases in rad, drawn on the colour circle from -pi to pi.
    """
    check_size(width=width, height=height)
    values = np.asarray(matrix, dtype=np.float64)
    if values.size and values.ndim != 2:
        raise ValueError(f"matrix: must have two dimensions, got shape {values.shape}")
    found = find_range([values])
    if found is None:
        return draw_empty("heat", width, height, title)
    for name, labels, size in zip(
        ("row_labels", "column_labels"), (row_labels, column_labels), values.shape, strict=True
    ):
        if labels and len(labels) != size:
            raise ValueError(f"{name}: {len(labels)} for {size}")
    low, high = widen(*(read_range("value_range", value_range) if value_range else found))
    if cyclic:
        low, high = -np.pi, np.pi
    widest = min(max((measure_text(label) for label in row_labels), default=0.0), width / 4)
    bottom = height - (20 if column_labels else 8)
    ticks = list_axis_ticks(low, high, bottom - 8)
    frame = fit_frame(widest + 12, 8, width - measure_labels(ticks) - KEY_WIDTH - 28, bottom)
    children = [
        *draw_cells(reduce_matrix(values), low, high, frame, cyclic),
        *draw_row_labels(row_labels, frame),
        *draw_column_labels(column_labels, frame),
        *draw_colour_key(low, high, frame, cyclic),
    ]
    ends = f"from {format_value(found[0])} to {format_value(found[1])}"
    text = f"{values.shape[0]} rows by {values.shape[1]} columns, {ends}."
    return draw_document("heat", width, height, title, text, children)


def reduce_matrix(values: Floats) -> Floats:
    """Cut a matrix to at most 100 a side; a block keeps its finite value farthest from the median."""
    if max(values.shape) <= MOST_CELLS:
        return values
    middle = float(np.median(values[np.isfinite(values)] / 2)) * 2
    return reduce_rows(reduce_rows(values, middle).T, middle).T


def reduce_rows(values: Floats, middle: float) -> Floats:
    """Cut a matrix to at most 100 rows."""
    if len(values) <= MOST_CELLS:
        return values
    bounds = np.linspace(0, len(values), MOST_CELLS + 1).astype(int)
    rows = []
    for start, end in pairwise(bounds.tolist()):
        block = values[start:end]
        distance = np.where(np.isfinite(block), np.abs(block / 2 - middle / 2), -1.0)
        rows.append(np.take_along_axis(block, distance.argmax(axis=0)[None], axis=0)[0])
    return np.stack(rows)


def draw_cells(values: Floats, low: float, high: float, frame: Frame, cyclic: bool) -> list[Markup]:
    """Draw cells as one path a shade; neighbours of one shade in a row are one stroke."""
    rows, columns = values.shape
    if cyclic:
        values = np.angle(np.exp(1j * np.where(np.isfinite(values), values, np.nan)))
    shades = np.rint(np.clip(Scale(low, high, 0.0, SHADES - 1.0).locate(values), 0, SHADES - 1))
    shades = np.where(np.isfinite(values), shades, SHADES).astype(int)
    strokes: dict[int, list[str]] = {}
    for row, line in enumerate(shades):
        y = frame.top + (row + 0.5) * frame.height / rows
        starts = np.flatnonzero(np.diff(line, prepend=-1)).tolist()
        for start, end in pairwise([*starts, columns]):
            left, right = (frame.left + column * frame.width / columns for column in (start, end))
            strokes.setdefault(int(line[start]), []).append(f"M{left:.5g},{y:.5g}H{right:.5g}")
    colours = list_shades(cyclic)
    crisp = {"stroke_width": frame.height / rows + 0.1}
    return [
        draw("path", d="".join(lines), stroke=colours[shade], shape_rendering="crispEdges", **crisp)
        for shade, lines in sorted(strokes.items())
    ]


def list_shades(cyclic: bool) -> list[str]:
    """List the colours of the shades, lowest first, and the one of no value last."""
    steps = np.append(np.linspace(0.0, 1.0, SHADES), np.nan)
    return format_colours(map_phases((2 * steps - 1) * np.pi) if cyclic else map_levels(steps))


def draw_row_labels(labels: Sequence[str], frame: Frame) -> list[Markup]:
    """Name the rows, as many as stand without touching."""
    if not labels:
        return []
    height = frame.height / len(labels)
    every = int(np.ceil(LABEL_HEIGHT / height))
    parts = []
    for index in range(0, len(labels), every):
        label = shorten(labels[index], frame.left - 10)
        y = frame.top + (index + 0.5) * height + 4
        parts.append(draw_text(label, frame.left - 6, y, anchor="end", full=labels[index]))
    return parts


def draw_column_labels(labels: Sequence[str], frame: Frame) -> list[Markup]:
    """Name the columns, as many as stand without touching, shortened where few would."""
    if not labels:
        return []
    column = frame.width / len(labels)
    longest = min(max(measure_text(label) for label in labels), 60.0) + 6
    every = int(np.ceil(longest / column))
    parts = []
    for index in range(0, len(labels), every):
        label = shorten(labels[index], column * every - 4)
        x = frame.left + (index + 0.5) * column
        parts.append(draw_text(label, x, frame.bottom + 14, anchor="middle", full=labels[index]))
    return parts


def draw_colour_key(low: float, high: float, frame: Frame, cyclic: bool) -> list[Markup]:
    """Draw the colour scale to the right of the cells, with its values."""
    left = frame.right + 10
    step = frame.height / SHADES
    parts = []
    for index, colour in enumerate(list_shades(cyclic)[:SHADES]):
        y = frame.bottom - (index + 1) * step
        shade = {"fill": colour, "shape_rendering": "crispEdges"}
        parts.append(draw("rect", x=left, y=y, width=KEY_WIDTH, height=step + 0.1, **shade))
    scale = Scale(low, high, frame.bottom, frame.top)
    ticks = [(-np.pi, "−π"), (0.0, "0"), (np.pi, "π")] if cyclic else list_axis_ticks(low, high, frame.height)
    for value, label in ticks:
        y = min(max(scale.locate_one(value) + 4, frame.top + 9), frame.bottom)
        parts.append(draw_text(label, left + KEY_WIDTH + 6, y))
    return parts
