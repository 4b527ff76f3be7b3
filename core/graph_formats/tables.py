"""Coupling graphs as CSV: edge lists and matrices."""

from __future__ import annotations

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain

from core.constants import MAX_NETWORK_NODES
from core.graph import Vertex
from core.graph_formats.document import (
    LINK_VALUES,
    CouplingGraph,
    EdgeList,
    Problems,
    check_vertex_count,
    decode_text,
    is_number_like,
    show,
)

COLUMNS = ("src", "dst", *LINK_VALUES)
INDEX = re.compile(r"[+-]?[0-9]+")
END_NAMES = {"src": "src", "source": "src", "from": "src", "dst": "dst", "target": "dst", "to": "dst"}
Row = tuple[int, list[str]]
"""Number of the line where a record ends, and its cells."""


def read_edge_list(body: bytes, directed: bool | None = None) -> CouplingGraph:
    """Read `src,dst[,weight[,delay_s[,lag_rad]]]`, with a header or without.

    The first edge decides whether vertices are named by their index, from 0, or by their label; labelled vertices
    stand in the order in which they first occur. A header may put the columns in another order.

    Raises:
        InvalidInput: names every line at fault.
    """
    problems = Problems()
    rows = _read_rows(body, problems)
    first = next(rows, None)
    if first is None:
        raise problems.fail("lines.1", "The file holds no edge.", "empty")
    columns = _read_header(first, problems)
    if columns is None:
        columns = list(COLUMNS[: len(first[1])])
        rows = chain([first], rows)
    edges = EdgeList(problems, directed=bool(directed))
    vertices: _Vertices | None = None
    for line, cells in rows:
        if not 2 <= len(cells) == len(columns):
            wanted = len(columns) if len(columns) >= 2 else "2 to 5"
            problems.add(f"lines.{line}", f"{len(cells)} cells stand in place of {wanted}.", "width")
            continue
        named = dict(zip(columns, cells, strict=True))
        if vertices is None:
            vertices = _Indices() if INDEX.fullmatch(named["src"]) else _Labels()
        ends = [vertices.find(named[end], f"lines.{line}.{end}", problems) for end in ("src", "dst")]
        values = [
            problems.read_number(named[name], f"lines.{line}.{name}") if named.get(name) else default
            for name, default in LINK_VALUES.items()
        ]
        if None not in ends and None not in values:
            edges.add(f"lines.{line}", *ends, *values)  # type: ignore[arg-type]
    problems.refuse()
    if vertices is None:
        raise problems.fail("lines.1", "The file holds no edge.", "empty")
    check_vertex_count(problems, len(vertices.labels))
    return CouplingGraph(
        nodes=[Vertex(label=label) for label in vertices.labels], edges=edges.links, directed=bool(directed)
    )


def read_matrix(body: bytes, directed: bool | None = None) -> CouplingGraph:
    """Read a square matrix of weights, with labels above or above and to the left, or with none.

    The cell in line i and column j is the coupling of vertex j onto vertex i; 0 is no edge. An undirected graph has a
    symmetric matrix.

    Raises:
        InvalidInput: names every line at fault.
    """
    problems = Problems()
    rows = list(_read_rows(body, problems))
    if not rows:
        raise problems.fail("lines.1", "The file holds no matrix.", "empty")
    labels = _take_labels(rows, problems)
    n = len(rows[0][1]) if rows else 0
    if labels is not None and len(labels) != n and rows:
        raise problems.fail("lines.1", f"{len(labels)} labels stand above {n} columns.", "width")
    check_vertex_count(problems, n, "lines.1")
    weights = [_read_weights(line, cells, n, problems) for line, cells in rows]
    if len(rows) != n:
        problems.add(f"lines.{rows[-1][0]}", f"{len(rows)} lines and {n} columns are no square.", "square")
    problems.refuse()
    edges = EdgeList(problems, directed=bool(directed))
    for i, (line, _) in enumerate(rows):
        _take_row(line, i, weights, edges)
    problems.refuse()
    names = labels or [""] * n
    return CouplingGraph(nodes=[Vertex(label=name) for name in names], edges=edges.links, directed=bool(directed))


class _Vertices(ABC):
    """The vertices of an edge list as their names come."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    @abstractmethod
    def find(self, name: str, place: str, problems: Problems) -> int | None:
        """The position of the vertex; None, and a problem, where the name stands for none."""


class _Indices(_Vertices):
    def find(self, name: str, place: str, problems: Problems) -> int | None:
        if not INDEX.fullmatch(name):
            problems.add(place, f"{show(name)} is no index; the first edge has indices.", "no_vertex")
            return None
        index = int(name) if len(name) < 10 else MAX_NETWORK_NODES
        if not 0 <= index < MAX_NETWORK_NODES:
            problems.add(place, f"An index lies between 0 and {MAX_NETWORK_NODES - 1}, unlike {show(name)}.", "range")
            return None
        self.labels += [""] * (index + 1 - len(self.labels))
        return index


class _Labels(_Vertices):
    def __init__(self) -> None:
        super().__init__()
        self.positions: dict[str, int] = {}

    def find(self, name: str, place: str, problems: Problems) -> int | None:
        if not name:
            problems.add(place, "A label is needed.", "no_vertex")
            return None
        if name not in self.positions:
            self.positions[name] = len(self.labels)
            self.labels.append(problems.read_label(name, place))
            if len(self.labels) > MAX_NETWORK_NODES:
                raise problems.fail(place, f"At most {MAX_NETWORK_NODES} vertices are possible.", "size")
        return self.positions[name]


def _read_rows(body: bytes, problems: Problems) -> Iterator[Row]:
    """The records that are not empty, their cells stripped."""
    lines = csv.reader(io.StringIO(decode_text(body), newline=""), strict=True)
    try:
        for cells in lines:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield lines.line_num, stripped
    except csv.Error as error:
        raise problems.fail(f"lines.{lines.line_num}", f"This is not CSV: {error}.", "csv") from error


def _read_header(row: Row, problems: Problems) -> list[str] | None:
    """The names of the columns; None where the first line is an edge.

    Raises:
        InvalidInput: a column is unknown, missing or there twice.
    """
    line, cells = row
    names = [END_NAMES.get(cell.lower(), cell.lower()) for cell in cells]
    if not {"src", "dst"} & set(names):
        if len(cells) > len(COLUMNS):
            raise problems.fail(f"lines.{line}", f"{len(cells)} cells stand in place of 2 to 5.", "width")
        return None
    for name, cell in zip(names, cells, strict=True):
        if name not in COLUMNS:
            problems.add(f"lines.{line}", f"There is no column {show(cell)}; known: {', '.join(COLUMNS)}.", "unknown")
    for name in COLUMNS:
        if names.count(name) > 1:
            problems.add(f"lines.{line}", f"The column {name} stands twice.", "twice")
        elif name in ("src", "dst") and name not in names:
            problems.add(f"lines.{line}", f"The column {name} is missing.", "missing")
    problems.refuse()
    return names


def _take_labels(rows: list[Row], problems: Problems) -> list[str] | None:
    """Remove the labels above and to the left from a matrix; None where there are none."""
    line, first = rows[0]
    if all(map(is_number_like, first)):
        return None
    del rows[0]
    beside = len(rows) == len(first) - 1 or any(not is_number_like(cells[0]) for _, cells in rows)
    labels = first[1:] if beside else first
    for column, label in enumerate(labels):
        problems.read_label(label, f"lines.{line}.{column}")
    if beside:
        for index, (at, cells) in enumerate(rows):
            label = cells.pop(0)
            if index < len(labels) and label != labels[index]:
                problems.add(f"lines.{at}", f"The label {show(label)} is {show(labels[index])} above.", "label")
    if not rows or not rows[0][1]:
        raise problems.fail(f"lines.{line}", "No weights stand below the labels.", "empty")
    return labels


def _read_weights(line: int, cells: list[str], n: int, problems: Problems) -> list[float]:
    if len(cells) != n:
        problems.add(f"lines.{line}", f"{len(cells)} cells stand in place of {n}.", "width")
        return []
    return [
        0.0 if cell == "0" else problems.read_number(cell, f"lines.{line}.{column}") or 0.0
        for column, cell in enumerate(cells)
    ]


def _take_row(line: int, i: int, weights: list[list[float]], edges: EdgeList) -> None:
    """Take the edges that a line of the matrix says; of an undirected graph those left of the diagonal."""
    row = weights[i]
    for j, weight in enumerate(row if edges.directed else row[: i + 1]):
        place = f"lines.{line}.{j}"
        if not edges.directed and weight != weights[j][i]:
            edges.problems.add(
                place, f"{weight:g} is {weights[j][i]:g} across the diagonal; the graph is undirected.", "symmetry"
            )
        elif weight and i == j:
            edges.problems.add(place, "A vertex is not coupled to itself.", "loop")
        elif weight < 0:
            edges.problems.add(place, f"A number of at least 0 is needed, not {weight:g}.", "range")
        elif weight:
            edges.add(place, j, i, weight, 0.0, 0.0)
