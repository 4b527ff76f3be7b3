"""Coupling graphs as files: edge lists, matrices, GraphML and JSON in; GraphML and JSON out.

Every problem of a file is named with its place: `lines.7.weight` in text, `edges.3.weight` in JSON.
"""

from collections.abc import Callable

from core.exceptions import InvalidInput
from core.graph_formats.document import MAX_EDGES, MOST_PROBLEMS, CouplingGraph
from core.graph_formats.graphml import read_graphml, write_graphml
from core.graph_formats.structure import read_json_graph, write_json_graph
from core.graph_formats.tables import read_edge_list, read_matrix

__all__ = [
    "MAX_EDGES",
    "MEDIA_TYPES",
    "MOST_PROBLEMS",
    "READERS",
    "SUFFIXES",
    "WRITERS",
    "CouplingGraph",
    "guess_format",
    "read_graph",
    "write_graph",
]

READERS: dict[str, Callable[[bytes, bool | None], CouplingGraph]] = {
    "edges": read_edge_list,
    "matrix": read_matrix,
    "graphml": read_graphml,
    "json": read_json_graph,
}
WRITERS: dict[str, Callable[[CouplingGraph], bytes]] = {"graphml": write_graphml, "json": write_json_graph}
MEDIA_TYPES = {"graphml": "application/graphml+xml", "json": "application/json"}
SUFFIXES = {".csv": "edges", ".graphml": "graphml", ".xml": "graphml", ".json": "json"}
"""The format that the end of a file's name stands for."""


def read_graph(body: bytes, format: str, *, directed: bool | None = None) -> CouplingGraph:
    """Read a coupling graph.

    Args:
        format: `edges`, `matrix`, `graphml` or `json`.
        directed: whether an edge couples one way only; None for what the file says, undirected where it says nothing.

    Raises:
        InvalidInput: names every problem with its place, the first 100 of them.
    """
    if format not in READERS:
        raise InvalidInput.of("format", f"The format is none of {', '.join(READERS)}.", "unknown")
    return READERS[format](body, directed)


def write_graph(graph: CouplingGraph, format: str) -> bytes:
    """Write a coupling graph as `graphml` or `json`; read again it is the same graph.

    Raises:
        InvalidInput: the format is neither.
    """
    if format not in WRITERS:
        raise InvalidInput.of("format", f"The format is none of {', '.join(WRITERS)}.", "unknown")
    return WRITERS[format](graph)


def guess_format(file_name: str) -> str | None:
    """The format that the end of a file's name stands for; None where it stands for none."""
    return SUFFIXES.get(f".{file_name.lower().rpartition('.')[2]}") if "." in file_name else None
