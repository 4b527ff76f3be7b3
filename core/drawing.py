"""Networks and strips of frames as they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core.cache import cache
from numpy.typing import NDArray

from core.charts import Markup, graph_chart, movie_strip
from core.charts.layout import place_nodes
from core.models import RealityNetwork
from core.selectors import list_links, read_frames

KEPT_S = 300


@dataclass(frozen=True)
class LaidOutGraph:
    """A network with a place for each vertex, in the order of layer and index.

    Attributes:
        nodes: places in the plane, float64 (n, 2).
        edges: both ends and the weight of each edge, float64 (m, 3).
        labels: names of the vertices.
    """

    nodes: NDArray[np.float64]
    edges: NDArray[np.float64]
    labels: list[str]


def get_laid_out_graph(network: RealityNetwork) -> LaidOutGraph:
    """Lay out a network; the result is kept for five minutes, as springs take a while to settle."""
    key = f"core.drawing.{network.pk}.{network.updated_at.timestamp()}"
    graph: LaidOutGraph | None = cache.get(key)
    if graph is None:
        graph = _lay_out(network)
        cache.set(key, graph, KEPT_S)
    return graph


def draw_network(network: RealityNetwork, phases: Sequence[float], width: float, height: float) -> Markup | None:
    """Draw a network coloured by the phases of its oscillators, rad; None where they are not as many as vertices."""
    graph = get_laid_out_graph(network)
    if len(graph.nodes) != len(phases):
        return None
    return graph_chart(
        graph.nodes,
        graph.edges,
        np.asarray(phases, dtype=np.float64),
        labels=graph.labels,
        width=width,
        height=height,
        title=f"{network.name}, coloured by phase",
    )


def draw_strip(keys: Sequence[tuple[int, datetime]], size: int) -> bytes:
    """Draw the frames of these keys, all of one shape, side by side on one scale: PNG, `size` pixels high.

    A field of one dimension is a line, drawn as high as the strip.
    """
    frames = [frame if frame.ndim == 2 else np.tile(frame, (size, 1)) for frame in read_frames(keys)]
    # No wider than a picture may be, whatever the number of points.
    step = max(1, frames[0].shape[1] // size)
    return movie_strip([frame[:: step if len(frame) > size else 1, ::step] for frame in frames], size)


def _lay_out(network: RealityNetwork) -> LaidOutGraph:
    rows = list(network.nodes.order_by("layer", "node_index").values_list("label", "x", "y", "z"))
    coordinates = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 3)
    edges = np.array([(link.src, link.dst, link.weight) for link in list_links(network)], dtype=np.float64)
    edges = edges.reshape(-1, 3)
    labels = [label or f"vertex {index}" for index, (label, *_) in enumerate(rows)]
    return LaidOutGraph(place_nodes(coordinates, edges[:, :2].astype(np.int64)), edges, labels)
