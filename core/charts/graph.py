"""Network chart: nodes and edges, nodes coloured by their oscillator's phase."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.charts.colour import format_colours, map_phases
from core.charts.layout import Indices, fit_positions, place_nodes
from core.charts.scale import Floats, format_value, read_floats
from core.charts.svg import (
    SERIES_COLOURS,
    Markup,
    check_size,
    draw,
    draw_document,
    draw_empty,
    draw_text,
    draw_tooltip,
    trace_path,
)

MOST_NODES, MOST_EDGES = 2000, 6000
EDGE_COLOUR = "#808a96"
EDGE_SHADES = ("0.18", "0.3", "0.45", "0.65")  # opacity, weakest quarter of the edges first
KEY_RADIUS = 13.0
KEY_PARTS = 36


def graph_chart(
    nodes: ArrayLike | int,
    edges: ArrayLike,
    values: ArrayLike | None = None,
    *,
    labels: Sequence[str] = (),
    width: float = 420,
    height: float = 400,
    title: str = "Network",
) -> Markup:
    """Draw a network; of very large ones a sample of 2000 nodes and the 6000 heaviest edges.

    Args:
        nodes: coordinates, (n, 2) or (n, 3) seen from +z, or the number of nodes to lay out.
        edges: (m, 2) node indices, or (m, 3) with a weight.
        values: phases in rad, (n,); a node without a finite one is grey.
        labels: names of the nodes, shown as tooltips.

    Raises:
        ValueError: shapes disagree, or an edge names a node that does not exist.
    """
    check_size(width=width, height=height)
    coordinates = read_nodes(nodes)
    count = len(coordinates)
    pairs, weights = read_edges(edges, count)
    phases = None if values is None else read_floats("values", values)
    if phases is not None and phases.size != count:
        raise ValueError(f"values: {phases.size} for {count} nodes")
    if labels and len(labels) != count:
        raise ValueError(f"labels: {len(labels)} for {count} nodes")
    if count == 0:
        return draw_empty("graph", width, height, title)
    radius = min(9.0, max(2.5, 0.3 * min(width, height) / np.sqrt(count)))
    margin = radius + 6
    bottom = height - margin - (2 * KEY_RADIUS + 10 if phases is not None else 0)
    placed = place_nodes(coordinates, pairs)
    positions = fit_positions(placed, margin, margin, width - margin, bottom)
    shown = np.unique(np.linspace(0, count - 1, min(count, MOST_NODES)).astype(np.int64))
    children = [
        *draw_edges(positions, pairs, weights),
        *draw_nodes(positions, shown, phases, labels, float(radius)),
        *(draw_key(width - KEY_RADIUS - 22, height - KEY_RADIUS - 10) if phases is not None else []),
    ]
    text = f"{count} nodes, {len(pairs)} edges" + (", coloured by phase." if phases is not None else ".")
    return draw_document("graph", width, height, title, text, children)


def read_nodes(nodes: ArrayLike | int) -> Floats:
    """Read coordinates, (n, 2) or (n, 3); a count or no nodes gives (n, 0)."""
    if isinstance(nodes, int):
        if nodes < 0:
            raise ValueError(f"nodes: must not be negative, got {nodes}")
        return np.zeros((nodes, 0))
    coordinates = np.asarray(nodes, dtype=np.float64)
    if coordinates.size == 0:
        return np.zeros((0, 0))
    if coordinates.ndim != 2 or coordinates.shape[1] not in (2, 3):
        raise ValueError(f"nodes: must be (n, 2) or (n, 3), got shape {coordinates.shape}")
    return coordinates


def read_edges(edges: ArrayLike, count: int) -> tuple[Indices, Floats]:
    """Read node pairs, (m, 2), and weights, (m,), 1 each where none are given."""
    table = np.asarray(edges, dtype=np.float64)
    if table.size == 0:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    if table.ndim != 2 or table.shape[1] not in (2, 3):
        raise ValueError(f"edges: must be (m, 2) or (m, 3), got shape {table.shape}")
    ends = table[:, :2]
    outside = ~((ends >= 0) & (ends < count) & (ends == np.floor(ends)))
    if outside.any():
        raise ValueError(f"edges: node {ends[outside][0]:g} does not exist among {count}")
    weights = np.abs(table[:, 2]) if table.shape[1] == 3 else np.ones(len(table))
    return ends.astype(np.int64), np.where(np.isfinite(weights), weights, 0.0)


def draw_edges(positions: Floats, pairs: Indices, weights: Floats) -> list[Markup]:
    """Draw edges as one path a quarter of weight, the heaviest last and darkest."""
    order = np.argsort(weights, kind="stable")[-MOST_EDGES:]
    if order.size == 0:
        return []
    quarters = np.searchsorted(np.quantile(weights[order], [0.25, 0.5, 0.75]), weights[order])
    if weights[order[0]] == weights[order[-1]]:
        quarters = np.full(order.size, 2 if order.size <= 8 * len(positions) else 0)
    points = np.round(positions, 1)
    parts = []
    for quarter in np.unique(quarters):
        ends = points[pairs[order[quarters == quarter]]].reshape(-1, 4).tolist()
        lines = "".join(f"M{x1:.7g},{y1:.7g} {x2:.7g},{y2:.7g}" for x1, y1, x2, y2 in ends)
        shade = {"stroke": EDGE_COLOUR, "stroke_opacity": EDGE_SHADES[quarter], "fill": "none"}
        parts.append(draw("path", class_="edge", d=lines, stroke_width=0.7 + 0.2 * float(quarter), **shade))
    return parts


def draw_nodes(
    positions: Floats, shown: Indices, phases: Floats | None, labels: Sequence[str], radius: float
) -> list[Markup]:
    """Draw nodes as dots with their name and phase as tooltip."""
    colours = [SERIES_COLOURS[0]] * shown.size if phases is None else format_colours(map_phases(phases[shown]))
    class_ = "node s1" if phases is None else "node"
    parts = []
    for index, colour in zip(shown.tolist(), colours, strict=True):
        name = labels[index] if labels else f"node {index}"
        words = name if phases is None else f"{name}: {describe_phase(float(phases[index]))}"
        x, y = positions[index].tolist()
        parts.append(draw("circle", *draw_tooltip(words), class_=class_, cx=x, cy=y, r=radius, fill=colour))
    return parts


def describe_phase(phase_rad: float) -> str:
    """Print a phase with its unit."""
    return f"{format_value(phase_rad)} rad" if math.isfinite(phase_rad) else "no phase"


def draw_key(x: float, y: float) -> list[Markup]:
    """Draw the circle of phase colours that explains the nodes."""
    edges = np.linspace(-np.pi, np.pi, KEY_PARTS + 1)
    colours = format_colours(map_phases((edges[:-1] + edges[1:]) / 2))
    corners_x, corners_y = x + KEY_RADIUS * np.cos(edges), y - KEY_RADIUS * np.sin(edges)
    parts = []
    for index, colour in enumerate(colours):
        ends = slice(index, index + 2)
        arc = trace_path(corners_x[ends], corners_y[ends])
        parts.append(draw("path", d=arc, stroke=colour, stroke_width=5, fill="none"))
    return [
        *parts,
        draw_text("0", x + KEY_RADIUS + 6, y + 4),
        draw_text("π", x - KEY_RADIUS - 6, y + 4, anchor="end"),
    ]
