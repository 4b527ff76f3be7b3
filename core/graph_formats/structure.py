"""Coupling graphs as JSON: what is said about the graph, its `nodes` and its `edges`."""

from __future__ import annotations

import json
import sys
from typing import Any

from core.graph import Vertex
from core.graph_formats.document import (
    ABOUT,
    LINK_VALUES,
    VERTEX_NUMBERS,
    CouplingGraph,
    EdgeList,
    Problems,
    check_vertex_count,
    settle_direction,
)
from core.strict_json import InvalidJSON, read_json

DERIVED = {"n_nodes", "n_layers", "n_edges", "graph_sha256", "lambda_max", "status", "target", "id"}
"""What the API says about a network besides; a reader passes over it."""
GRAPH_KEYS = {*ABOUT, *DERIVED, "directed", "nodes", "edges"}
NODE_KEYS = {"id", "layer", "node_index", "label", *VERTEX_NUMBERS}
EDGE_KEYS = {"id", "src", "dst", "src_index", "dst_index", *LINK_VALUES}


def read_json_graph(body: bytes, directed: bool | None = None) -> CouplingGraph:
    """Read a graph as `write_json_graph` writes it, or put together from what the API answers.

    `src` and `dst` of an edge are the `id` of vertices; a vertex without one has its position, from 0. A vertex needs
    nothing else, an edge nothing besides its ends.

    Raises:
        InvalidInput: names every value at fault.
    """
    problems = Problems()
    try:
        document = read_json(body)
    except InvalidJSON as error:
        raise problems.fail(error.path or "document", error.detail, "json") from error
    if not isinstance(document, dict):
        raise problems.fail("document", "An object with `nodes` and `edges` is needed.", "type")
    _refuse_unknown(document, GRAPH_KEYS, "", problems)
    nodes, edges = (_read_rows(document, name, problems) for name in ("nodes", "edges"))
    said = document.get("directed", bool(directed))
    if not isinstance(said, bool):
        raise problems.fail("directed", "Either true or false is needed.", "type")
    said = settle_direction(problems, "directed", said, directed)
    about = {
        name: problems.read_about(_read_text(document, name, "", problems), name, name)
        for name in ABOUT
        if document.get(name) is not None
    }
    check_vertex_count(problems, len(nodes))
    positions: dict[int, int] = {}
    vertices = [_read_vertex(index, row, positions, problems) for index, row in enumerate(nodes)]
    links = EdgeList(problems, directed=said)
    for index, row in enumerate(edges):
        _take_edge(index, row, positions, links)
    problems.refuse()
    return CouplingGraph(nodes=vertices, edges=links.links, directed=said, about=about)


def write_json_graph(graph: CouplingGraph) -> bytes:
    """Write a graph as JSON, a line for each vertex and each edge; `id` counts vertices from 0."""
    about: dict[str, Any] = {**graph.about, "directed": graph.directed}
    nodes = [
        {"id": index, "layer": node.layer, "label": node.label}
        | {name: value for name in VERTEX_NUMBERS if (value := getattr(node, name)) is not None}
        for index, node in enumerate(graph.nodes)
    ]
    lines = [f"{json.dumps(name)}: {_dump(value)}" for name, value in about.items()]
    lines += [
        f'"{name}": [\n' + ",\n".join(map(_dump, rows)) + "\n]"
        for name, rows in (("nodes", nodes), ("edges", [link._asdict() for link in graph.edges]))
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _read_rows(document: dict[str, Any], name: str, problems: Problems) -> list[Any]:
    rows = document.get(name)
    if not isinstance(rows, list):
        raise problems.fail(name, "A list is needed.", "type")
    return rows


def _read_vertex(index: int, row: Any, positions: dict[int, int], problems: Problems) -> Vertex:
    place = f"nodes.{index}"
    if not isinstance(row, dict):
        problems.add(place, "An object is needed.", "type")
        return Vertex()
    _refuse_unknown(row, NODE_KEYS, f"{place}.", problems)
    identity = _read_whole(row, "id", index, place, problems)
    if identity is not None and positions.setdefault(identity, index) != index:
        problems.add(f"{place}.id", f"nodes.{positions[identity]} has this id already.", "twice")
    layer = _read_whole(row, "layer", 0, place, problems)
    label = problems.read_label(_read_text(row, "label", f"{place}.", problems), f"{place}.label")
    numbers = {name: _read_number(row, name, None, place, problems) for name in VERTEX_NUMBERS}
    return Vertex(label=label, layer=layer or 0, **numbers)


def _take_edge(index: int, row: Any, positions: dict[int, int], links: EdgeList) -> None:
    place, problems = f"edges.{index}", links.problems
    if not isinstance(row, dict):
        problems.add(place, "An object is needed.", "type")
        return
    _refuse_unknown(row, EDGE_KEYS, f"{place}.", problems)
    ends = []
    for end in ("src", "dst"):
        identity = _read_whole(row, end, None, place, problems)
        if identity is not None and identity not in positions:
            problems.add(f"{place}.{end}", f"No vertex has the id {identity}.", "no_vertex")
        ends.append(None if identity is None else positions.get(identity))
    values = [_read_number(row, name, default, place, problems) for name, default in LINK_VALUES.items()]
    if None not in ends and None not in values:
        links.add(place, *ends, *values)  # type: ignore[arg-type]


def _read_whole(row: dict[str, Any], name: str, default: int | None, place: str, problems: Problems) -> int | None:
    value = row.get(name, default)
    if type(value) is int:
        return value
    problems.add(f"{place}.{name}", "A whole number is needed.", "type")
    return None


def _read_number(row: dict[str, Any], name: str, default: float | None, place: str, problems: Problems) -> float | None:
    value = row.get(name)
    if value is None:
        return default
    if type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value) + 0.0
    problems.add(f"{place}.{name}", "A finite number is needed.", "not_finite")
    return None


def _read_text(row: dict[str, Any], name: str, before: str, problems: Problems) -> str:
    value = row.get(name, "")
    if isinstance(value, str):
        return value
    problems.add(f"{before}{name}", "A text is needed.", "type")
    return ""


def _refuse_unknown(row: dict[str, Any], known: set[str], before: str, problems: Problems) -> None:
    for name in row:
        if name not in known:
            problems.add(f"{before}{ascii(name[:40])[1:-1]}", f"Unknown; known: {', '.join(sorted(known))}.", "unknown")
