"""Coupling graphs: imported as a whole, described anew."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from core.choices import NetworkStatus
from core.constants import MAX_NETWORK_NODES
from core.exceptions import FieldError, InvalidInput
from core.graph import Link, Vertex, fill_matrix, find_largest_eigenvalue, hash_graph
from core.graph_formats import read_graph
from core.models import RealityEdge, RealityNetwork, RealityNode


@transaction.atomic
def import_network(
    *,
    name: str,
    nodes: Sequence[Vertex],
    edges: Sequence[Link],
    directed: bool = False,
    description: str = "",
    weight_unit: str = "1",
    source: str = "",
    licence: str = "",
) -> RealityNetwork:
    """Store a graph with its vertices and edges, its largest eigenvalue and its fingerprint.

    Args:
        nodes: at most 4096, layer by layer.
        edges: between positions in `nodes`, counted from 0; an undirected edge once, in either direction.

    Raises:
        InvalidInput: names every edge or vertex at fault, such as `edges.3.dst`.
        IntegrityError: `reality_networks_name_key`, there is a network of this name.
    """
    if errors := _check_nodes(nodes) or _check_edges(edges, len(nodes), directed=directed):
        raise InvalidInput(errors=errors)
    weights = fill_matrix(len(nodes), edges, directed=directed)
    network = RealityNetwork.objects.create(
        name=name,
        description=description,
        n_nodes=len(nodes),
        n_layers=max(node.layer for node in nodes) + 1,
        directed=directed,
        weight_unit=weight_unit,
        source=source,
        licence=licence,
        graph_sha256=hash_graph(len(nodes), edges, directed=directed),
        lambda_max=find_largest_eigenvalue(weights),
    )
    counted: Counter[int] = Counter()
    rows = []
    for node in nodes:
        rows.append(
            RealityNode(
                network=network,
                layer=node.layer,
                node_index=counted[node.layer],
                label=node.label,
                x=node.x,
                y=node.y,
                z=node.z,
                omega=node.omega,
            )
        )
        counted[node.layer] += 1
    stored = RealityNode.objects.bulk_create(rows)
    RealityEdge.objects.bulk_create(
        RealityEdge(
            network=network,
            src=stored[edge.src],
            dst=stored[edge.dst],
            weight=edge.weight,
            delay_s=edge.delay_s,
            lag_rad=edge.lag_rad,
        )
        for edge in edges
    )
    return network


def import_graph_file(
    *, body: bytes, format: str, name: str = "", directed: bool | None = None, **about: str
) -> RealityNetwork:
    """Store the graph that a file describes, whole or not at all.

    Args:
        format: `edges`, `matrix`, `graphml` or `json`.
        name: of the network; where it is empty, what the file says.
        directed: None for what the file says, undirected where it says nothing.
        about: `description`, `weight_unit`, `source`, `licence`; what is empty, the file says.

    Raises:
        InvalidInput: names every problem with its place in the file, such as `lines.7.weight`.
        IntegrityError: `reality_networks_name_key`, there is a network of this name.
    """
    graph = read_graph(body, format, directed=directed)
    given = {key: value for key, value in {"name": name, **about}.items() if value}
    said = {**graph.about, **given}
    if not said.get("name"):
        raise InvalidInput.of("name", "A name is needed; the file says none.", "required")
    return import_network(nodes=graph.nodes, edges=graph.edges, directed=graph.directed, **said)


@transaction.atomic
def describe_network(*, network: RealityNetwork, **changes: object) -> RealityNetwork:
    """Change what is said about a graph: `description`, `source`, `licence`, `status` or `target`; its edges stay.

    Raises:
        InvalidInput: the target of a merger is the network itself, or is merged or collapsed.
        IntegrityError: `reality_networks_status_terminal` or `reality_networks_target_ck`.
    """
    for name, value in changes.items():
        if name not in ("description", "source", "licence", "status", "target"):
            raise TypeError(f"{name} of a network does not change")
        setattr(network, name, value)
    if network.target is not None and {"status", "target"} & changes.keys():
        _check_target(network, network.target)
    network.save(update_fields=list(changes))
    return network


def _check_target(network: RealityNetwork, target: RealityNetwork) -> None:
    # Locked, so that two networks are not merged into each other at once.
    living = RealityNetwork.objects.select_for_update().filter(status__in=(NetworkStatus.ACTIVE, NetworkStatus.DORMANT))
    if target.pk == network.pk:
        raise InvalidInput.of("target", "A network is not merged into itself.", "loop")
    if network.status == NetworkStatus.MERGED and not living.filter(pk=target.pk).exists():
        raise InvalidInput.of("target", "What a network is merged into is neither merged nor collapsed.", "terminal")


def _check_nodes(nodes: Sequence[Vertex]) -> list[FieldError]:
    if not 1 <= len(nodes) <= MAX_NETWORK_NODES:
        return [FieldError("nodes", f"Between 1 and {MAX_NETWORK_NODES} vertices are possible.", "size")]
    errors = []
    for index, node in enumerate(nodes):
        for name in ("x", "y", "z", "omega"):
            value = getattr(node, name)
            if value is not None and not math.isfinite(value):
                errors.append(FieldError(f"nodes.{index}.{name}", "A finite number is needed.", "not_finite"))
        before = nodes[index - 1].layer if index else 0
        if node.layer not in (before, before + 1):
            errors.append(
                FieldError(f"nodes.{index}.layer", "Vertices come layer by layer, counted from 0.", "layer_order")
            )
    return errors


def _check_edges(edges: Sequence[Link], n: int, *, directed: bool) -> list[FieldError]:
    errors = []
    seen: set[tuple[int, int]] = set()
    for index, edge in enumerate(edges):
        path = f"edges.{index}"
        for end in ("src", "dst"):
            if not 0 <= getattr(edge, end) < n:
                errors.append(FieldError(f"{path}.{end}", f"There are {n} vertices, counted from 0.", "no_vertex"))
        if edge.src == edge.dst:
            errors.append(FieldError(f"{path}.dst", "A vertex is not coupled to itself.", "loop"))
        ends = (edge.src, edge.dst) if directed else (min(edge.src, edge.dst), max(edge.src, edge.dst))
        if ends in seen:
            errors.append(FieldError(path, "The edge stands twice.", "twice"))
        seen.add(ends)
        for name in ("weight", "delay_s"):
            if not 0 <= getattr(edge, name) < math.inf:
                errors.append(FieldError(f"{path}.{name}", "A finite number of at least 0 is needed.", "range"))
        if not -math.pi <= edge.lag_rad <= math.pi:
            errors.append(FieldError(f"{path}.lag_rad", "A lag lies between -pi and pi.", "range"))
    return errors
