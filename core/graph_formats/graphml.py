"""Coupling graphs as GraphML: one graph, without document type, entities, nested graphs, hyperedges or ports."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from core.graph import Vertex
from core.graph_formats.document import (
    ABOUT,
    LINK_VALUES,
    MAX_EDGES,
    UNPRINTABLE,
    VERTEX_NUMBERS,
    CouplingGraph,
    EdgeList,
    Problems,
    check_vertex_count,
    settle_direction,
    show,
)

NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
MAX_DEPTH = 32
MAX_KEYS = 100
OWN_ID = re.compile(r"n?[0-9]+")
"""Identities that say nothing about a vertex; any other is its label where it has none."""
WHOLE = re.compile(r"[0-9]{1,9}")
REFUSED = {"hyperedge": "hyperedges", "port": "ports", "locator": "files elsewhere"}


@dataclass
class _Element:
    """A node, an edge, a graph or a key, with the texts of its data by key."""

    line: int
    attributes: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)


def read_graphml(body: bytes, directed: bool | None = None) -> CouplingGraph:
    """Read the graph of a GraphML file in UTF-8.

    Data are found by their `attr.name`: `weight`, `delay_s` and `lag_rad` of edges; `label` (or `name`), `layer`, `x`,
    `y`, `z` and `omega` of nodes; what is said about the graph. Any other data are passed over.

    Raises:
        InvalidInput: names every line at fault.
    """
    problems = Problems()
    scan = _Scan(problems)
    scan.read(body)
    graph = scan.graph
    if graph is None:
        raise problems.fail("lines.1", "The file holds no `graph`.", "empty")
    said = _read_direction(graph, directed, problems)
    about = {
        name: problems.read_about(text, name, f"lines.{graph.line}.{name}")
        for name, text in scan.name_data(graph, "graph").items()
        if name in ABOUT
    }
    check_vertex_count(problems, len(scan.nodes), f"lines.{graph.line}")
    positions: dict[str, int] = {}
    vertices = [_read_vertex(scan, index, positions) for index in range(len(scan.nodes))]
    edges = EdgeList(problems, directed=said)
    for edge in scan.edges:
        _take_edge(scan, edge, positions, edges)
    problems.refuse()
    return CouplingGraph(nodes=vertices, edges=edges.links, directed=said, about=about)


def write_graphml(graph: CouplingGraph) -> bytes:
    """Write a graph as GraphML, UTF-8; nodes are called n0, n1, ... A character that XML lacks becomes U+FFFD."""
    return ("\n".join(_write_lines(graph)) + "\n").encode()


class _Scan:
    """One pass over the file: its keys, its graph, its nodes and its edges."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.keys: dict[str, _Element] = {}
        self.graph: _Element | None = None
        self.nodes: list[_Element] = []
        self.edges: list[_Element] = []
        self._open: list[tuple[str, _Element | None]] = []
        self._text: list[str] | None = None
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.XmlDeclHandler = self._check_declaration
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._take_text

    @property
    def line(self) -> int:
        """The line that is being read."""
        return int(self._parser.CurrentLineNumber)

    def read(self, body: bytes) -> None:
        """Read the whole file.

        Raises:
            InvalidInput: it is not well-formed, or holds what is refused at once.
        """
        if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise self.problems.fail("lines.1", "GraphML is read as UTF-8, not as UTF-16.", "encoding")
        try:
            self._parser.Parse(body, True)
        except expat.ExpatError as error:
            words = expat.ErrorString(error.code)
            raise self.problems.fail(
                f"lines.{error.lineno}", f"This is not well-formed XML: {words}.", "xml"
            ) from error

    def name_data(self, element: _Element, kind: str) -> dict[str, str]:
        """The data of an element by `attr.name`, with the defaults of the keys of its kind."""
        named = {}
        for identity, key in self.keys.items():
            text = element.data.get(identity, key.data.get("default"))
            if text is not None and key.attributes.get("for", "all") in (kind, "all"):
                named[key.attributes.get("attr.name", identity)] = text
        return named

    def _check_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise self.problems.fail("lines.1", f"GraphML is read as UTF-8, not as {show(encoding)}.", "encoding")

    def _refuse_doctype(self, *_: Any) -> None:
        raise self.problems.fail(f"lines.{self.line}", "A document type is not taken, nor are its entities.", "doctype")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if len(self._open) == MAX_DEPTH:
            raise self.problems.fail(f"lines.{self.line}", f"Elements are nested more than {MAX_DEPTH} deep.", "depth")
        parent, owner = self._open[-1] if self._open else ("", None)
        if not self._open and local != "graphml":
            raise self.problems.fail(f"lines.{self.line}", f"`graphml` is needed, not {show(local)}.", "root")
        if local in REFUSED and parent in ("graph", "node", "graphml"):
            self.problems.add(f"lines.{self.line}", f"{REFUSED[local].capitalize()} are not taken.", "unsupported")
        self._open.append((local, self._take(local, parent, owner, attributes)))

    def _take(self, local: str, parent: str, owner: _Element | None, attributes: dict[str, str]) -> _Element | None:
        """Note what begins here; the element that it belongs to, None where it does not matter."""
        element = _Element(self.line, attributes)
        if (parent, local) == ("graphml", "key"):
            if len(self.keys) == MAX_KEYS:
                raise self.problems.fail(f"lines.{self.line}", f"At most {MAX_KEYS} keys are possible.", "size")
            self.keys[attributes.get("id", "")] = element
        elif local == "graph" and parent in ("graphml", "node", "edge"):
            if self.graph is not None:
                self.problems.add(
                    f"lines.{self.line}", "One graph is taken, none inside it or beside it.", "unsupported"
                )
                return None
            self.graph = element
        elif (parent, local) == ("graph", "node") and owner is self.graph:
            self.nodes.append(element)
        elif (parent, local) == ("graph", "edge") and owner is self.graph:
            if len(self.edges) == MAX_EDGES:
                raise self.problems.fail(f"lines.{self.line}", f"At most {MAX_EDGES} edges are possible.", "size")
            self.edges.append(element)
        elif owner is not None and ((local == "data" and parent != "key") or (parent, local) == ("key", "default")):
            self._text = []
            key = attributes.get("key", "")
            if local == "data" and key not in self.keys:
                self.problems.add(f"lines.{self.line}", f"There is no key {show(key)}.", "no_key")
            return _Element(self.line, {"key": "default" if local == "default" else key}, owner.data)
        else:
            return None
        return element

    def _take_text(self, text: str) -> None:
        if self._text is not None and self._open[-1][0] in ("data", "default"):
            self._text.append(text)

    def _end(self, name: str) -> None:
        local, element = self._open.pop()
        if local in ("data", "default") and element is not None and self._text is not None:
            element.data[element.attributes["key"]] = "".join(self._text)
            self._text = None


def _read_direction(graph: _Element, directed: bool | None, problems: Problems) -> bool:
    place = f"lines.{graph.line}.edgedefault"
    words = graph.attributes.get("edgedefault")
    if words not in ("directed", "undirected"):
        problems.add(place, "Either directed or undirected is needed.", "missing")
        return bool(directed)
    return settle_direction(problems, place, words == "directed", directed)


def _read_vertex(scan: _Scan, index: int, positions: dict[str, int]) -> Vertex:
    node, problems = scan.nodes[index], scan.problems
    place = f"lines.{node.line}"
    identity = node.attributes.get("id")
    if identity is None:
        problems.add(place, "A node needs an id.", "missing")
    elif positions.setdefault(identity, index) != index:
        problems.add(place, f"There is a node {show(identity)} already.", "twice")
    named = scan.name_data(node, "node")
    own = "" if identity is None or OWN_ID.fullmatch(identity) else identity
    label = problems.read_label(named.get("label", named.get("name", own)), f"{place}.label")
    layer = named.get("layer", "0").strip()
    if not WHOLE.fullmatch(layer):
        problems.add(f"{place}.layer", f"{show(layer)} is no layer; layers count from 0.", "range")
        layer = "0"
    numbers = {name: problems.read_number(named[name], f"{place}.{name}") for name in VERTEX_NUMBERS if name in named}
    return Vertex(label=label, layer=int(layer), **numbers)


def _take_edge(scan: _Scan, edge: _Element, positions: dict[str, int], edges: EdgeList) -> None:
    problems, place = scan.problems, f"lines.{edge.line}"
    own = edge.attributes.get("directed")
    if own is not None and (own == "true") != edges.directed:
        problems.add(f"{place}.directed", "All edges of a graph are directed, or none is.", "direction")
    ends = []
    for end, name in (("src", "source"), ("dst", "target")):
        identity = edge.attributes.get(name)
        if identity not in positions:
            words = "is missing" if identity is None else f"{show(identity)} is no node"
            problems.add(f"{place}.{end}", f"The {name} {words}.", "no_vertex")
        ends.append(positions.get(identity or ""))
    named = scan.name_data(edge, "edge")
    values = [
        problems.read_number(named[name], f"{place}.{name}") if name in named else default
        for name, default in LINK_VALUES.items()
    ]
    if None not in ends and None not in values:
        edges.add(place, *ends, *values)  # type: ignore[arg-type]


def _write_lines(graph: CouplingGraph) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<graphml xmlns="{NAMESPACE}">'
    for name in ABOUT:
        yield f'  <key id="{name}" for="graph" attr.name="{name}" attr.type="string"/>'
    for name, kind in (("label", "string"), ("layer", "int"), *((name, "double") for name in VERTEX_NUMBERS)):
        yield f'  <key id="{name}" for="node" attr.name="{name}" attr.type="{kind}"/>'
    for name in LINK_VALUES:
        yield f'  <key id="{name}" for="edge" attr.name="{name}" attr.type="double"/>'
    yield f'  <graph edgedefault="{"directed" if graph.directed else "undirected"}">'
    for name, text in graph.about.items():
        yield f"    {_write_data(name, text)}"
    for index, node in enumerate(graph.nodes):
        values = {"label": node.label, "layer": node.layer or None}
        values |= {name: getattr(node, name) for name in VERTEX_NUMBERS}
        yield f'    <node id="n{index}">{_write_values(values)}</node>'
    for link in graph.edges:
        values = {name: getattr(link, name) for name in LINK_VALUES}
        yield f'    <edge source="n{link.src}" target="n{link.dst}">{_write_values(values)}</edge>'
    yield "  </graph>"
    yield "</graphml>"


def _write_values(values: dict[str, Any]) -> str:
    """The data of an element; what is None or empty is left out."""
    return "".join(_write_data(name, value) for name, value in values.items() if value is not None and value != "")


def _write_data(key: str, value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    kept = UNPRINTABLE.sub(lambda match: match[0] if match[0] in "\n\t" else "\ufffd", text)
    return f'<data key="{key}">{escape(kept)}</data>'
