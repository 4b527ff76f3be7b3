"""Reads of the core tables that join or aggregate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from math import prod
from typing import Any, TypeVar

import numpy as np
from django.conf import settings
from django.db.models import Count, QuerySet
from numpy.typing import NDArray

from core import field_codec
from core.exceptions import InvalidInput, NotFound
from core.field import check_digest, decode_frame
from core.graph import FloatArray, Link, Vertex, fill_matrix
from core.graph_formats import CouplingGraph
from core.models import FieldState, RealityNetwork, Run, RunShare, SystemConfig, SystemConfigChange

T = TypeVar("T")

FRAME_COLUMNS = ("frame", "frame_sha256", "frame_encoding", "resolution", "ndim")
"""What `read_frame` needs of a row."""
MOST_FRAMES = 100_000


def get_config(key: str, default: T, *, using: str = "default") -> T:
    """The value in force for `key` in this installation's environment, or `default`.

    A whole number becomes a float where `default` is one.
    """
    value = (
        SystemConfig.objects.using(using)
        .filter(config_key=key, environment=settings.ENVIRONMENT, is_active=True)
        .values_list("config_value", flat=True)
        .first()
    )
    if value is None:
        return default
    return float(value) if isinstance(default, float) else value  # type: ignore[return-value]


def list_shares(run: Run) -> QuerySet[RunShare]:
    """With which groups a run is shared, by their names."""
    return RunShare.objects.filter(run=run).select_related("group").order_by("group__name")


def list_config_changes(config: SystemConfig) -> QuerySet[SystemConfigChange]:
    """The history of a configuration value, newest first."""
    return SystemConfigChange.objects.filter(config_key=config.config_key, environment=config.environment)


def list_networks() -> QuerySet[RealityNetwork]:
    """Networks, each with `n_edges`, the number of its edges."""
    return RealityNetwork.objects.annotate(n_edges=Count("edges"))


def coupling_matrix(network: RealityNetwork) -> FloatArray:
    """Weights of a network, float64, (n, n), in the network's weight_unit.

    Entry [i, j] is the coupling of vertex j onto vertex i; vertices stand in the order of layer and index.
    """
    return fill_matrix(network.n_nodes, list_links(network), directed=network.directed)


def lag_matrix(network: RealityNetwork) -> FloatArray:
    """Phase lags alpha of a network, rad, float64, (n, n), ordered as the coupling matrix; 0 where no edge is."""
    return fill_matrix(network.n_nodes, list_links(network), directed=network.directed, attribute="lag_rad")


def list_links(network: RealityNetwork) -> list[Link]:
    """The edges of a network between positions of its vertices, which stand in the order of layer and index."""
    nodes = network.nodes.order_by("layer", "node_index").values_list("pk", flat=True)
    position = {pk: index for index, pk in enumerate(nodes)}
    rows = network.edges.order_by("pk").values_list("src_id", "dst_id", "weight", "delay_s", "lag_rad")
    return [Link(position[src], position[dst], *rest) for src, dst, *rest in rows]


def get_graph(network: RealityNetwork) -> CouplingGraph:
    """A network with its vertices and edges, as a file of it would say."""
    rows = network.nodes.order_by("layer", "node_index").values("label", "x", "y", "z", "omega", "layer")
    said = {name: getattr(network, name) for name in ("name", "description", "weight_unit", "source", "licence")}
    return CouplingGraph(
        nodes=[Vertex(**row) for row in rows],
        edges=list_links(network),
        directed=network.directed,
        about={name: text for name, text in said.items() if text},
    )


def get_frame(field_id: int, timestamp: datetime) -> NDArray[np.complex64] | None:
    """The field of one recorded state, complex64, (n,) or (n, n); None where only its scalars were kept.

    Raises:
        FieldState.DoesNotExist: there is no such state.
        ValueError: the stored bytes are not what was written.
    """
    row = FieldState.objects.values(*FRAME_COLUMNS).get(pk=field_id, timestamp=timestamp)
    return None if row["frame"] is None else read_frame(row)


def read_frame(row: Mapping[str, Any]) -> NDArray[np.complex64]:
    """The field of a row that has FRAME_COLUMNS, and a frame.

    Raises:
        ValueError: the stored bytes are not what was written.
    """
    shape = (row["resolution"],) * row["ndim"]
    frame, sha256 = bytes(row["frame"]), bytes(row["frame_sha256"])
    if row["frame_encoding"] is None:
        return decode_frame(frame, shape, sha256)
    check_digest(frame, sha256)
    values = field_codec.decode(frame)
    if values.shape != shape:
        raise field_codec.CorruptFrame(f"frame: holds a field of shape {values.shape}, its row says {shape}")
    return values


@dataclass(frozen=True)
class FrameSpan:
    """Frames of one run in the order of time.

    Attributes:
        keys: id and time of each.
        shape: of each, (n,) or (n, n).
    """

    keys: list[tuple[int, datetime]]
    shape: tuple[int, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, complex64."""
        return 8 * prod(self.shape)


def list_frames(
    *, run_id: int, start: datetime | None, end: datetime | None, stride: int = 1, most: int = MOST_FRAMES
) -> FrameSpan:
    """Every `stride`-th frame of a run with start <= timestamp < end; the frames themselves are not read.

    Raises:
        NotFound: there is none.
        InvalidInput: there are more than `most`, or not all are of one shape.
    """
    rows = FieldState.objects.for_run(run_id).within(start, end).filter(frame__isnull=False)
    shapes = list(rows.order_by().values_list("resolution", "ndim").distinct()[:2])
    if not shapes:
        raise NotFound("The run has no frame in that time that you may see.")
    if len(shapes) > 1:
        raise InvalidInput.of("run", "Its frames in that time are not all of one shape; ask for less time.", "shapes")
    ordered = rows.order_by("timestamp", "id").values_list("id", "timestamp")
    keys = list(islice(ordered.iterator(), 0, most * stride + 1, stride))
    if len(keys) > most:
        raise InvalidInput.of("stride", f"More than {most} frames; ask for less time, or a larger stride.", "too_many")
    ((resolution, ndim),) = shapes
    return FrameSpan(keys, (resolution,) * ndim)


def sample_frames(
    *, run_id: int, start: datetime | None, end: datetime | None, count: int
) -> list[tuple[int, datetime]]:
    """Id and time of at most `count` frames of a run, spread evenly over the time from the first to the last."""
    rows = FieldState.objects.for_run(run_id).within(start, end).filter(frame__isnull=False).order_by("timestamp", "id")
    keys = rows.values_list("id", "timestamp", "resolution", "ndim")
    first, last = keys.first(), keys.last()
    if first is None or last is None:
        return []
    step = (last[1] - first[1]) / max(1, count - 1)
    # Of the first's shape, as they stand side by side.
    alike = keys.filter(resolution=first[2], ndim=first[3])
    found = [alike.filter(timestamp__gte=first[1] + index * step).first() for index in range(count)]
    return list(dict.fromkeys((row[0], row[1]) for row in found if row is not None))


def read_frames(keys: Sequence[tuple[int, datetime]]) -> list[NDArray[np.complex64]]:
    """The frames of these keys, in their order.

    Raises:
        NotFound: one of them is gone, or may no longer be seen.
        ValueError: the stored bytes are not what was written.
    """
    times = [at for _, at in keys]
    rows = FieldState.objects.within(min(times), None).filter(timestamp__lte=max(times), id__in=[pk for pk, _ in keys])
    found = {row["id"]: row for row in rows.values("id", *FRAME_COLUMNS)}
    if len(found) < len(keys):
        raise NotFound("A frame is gone since the answer began.")
    return [read_frame(found[pk]) for pk, _ in keys]


def list_frame_times(run_id: int, start: datetime, end: datetime) -> list[datetime]:
    """When frames of a run were kept, start <= timestamp <= end."""
    rows = FieldState.objects.for_run(run_id).filter(timestamp__gte=start, timestamp__lte=end, frame__isnull=False)
    return list(rows.values_list("timestamp", flat=True))
