"""Reads of the core tables that join or aggregate."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db.models import Count, QuerySet
from numpy.typing import NDArray

from core.field import decode_frame
from core.graph import FloatArray, Link, Vertex, fill_matrix
from core.graph_formats import CouplingGraph
from core.models import FieldState, RealityNetwork, Run, RunShare, SystemConfig, SystemConfigChange

T = TypeVar("T")


def get_config(key: str, default: T) -> T:
    """The value in force for `key` in this installation's environment, or `default`.

    A whole number becomes a float where `default` is one.
    """
    value = (
        SystemConfig.objects.filter(config_key=key, environment=settings.ENVIRONMENT, is_active=True)
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
    row = FieldState.objects.values("frame", "frame_sha256", "resolution", "ndim").get(pk=field_id, timestamp=timestamp)
    if row["frame"] is None:
        return None
    shape = (row["resolution"],) * row["ndim"]
    return decode_frame(bytes(row["frame"]), shape, bytes(row["frame_sha256"] or b""))
