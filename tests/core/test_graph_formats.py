"""Coupling graphs as files: what is written reads back, and every problem names its place."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exceptions import InvalidInput
from core.graph import Link, Vertex, fill_matrix
from core.graph_formats import MOST_PROBLEMS, CouplingGraph, guess_format, read_graph, write_graph

LABELS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=20)
NUMBERS = st.floats(-1e300, 1e300)
SIZES = st.floats(0, 1e300)


@st.composite
def graphs(draw: Any) -> CouplingGraph:
    """Any graph that can be stored."""
    layers = sorted(draw(st.lists(st.integers(0, 3), min_size=1, max_size=8)))
    optional = st.none() | NUMBERS
    nodes = [
        Vertex(
            label=draw(LABELS), x=draw(optional), y=draw(optional), z=draw(optional), omega=draw(optional), layer=layer
        )
        for layer in layers
    ]
    directed = draw(st.booleans())
    pairs = [(i, j) for i in range(len(nodes)) for j in range(len(nodes)) if i != j and (directed or i < j)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    edges = [Link(*ends, draw(SIZES), draw(SIZES), draw(st.floats(-math.pi, math.pi))) for ends in chosen]
    about = draw(st.dictionaries(st.sampled_from(["name", "description", "source", "licence"]), LABELS))
    return CouplingGraph(nodes=nodes, edges=edges, directed=directed, about=about)


@pytest.mark.parametrize("format", ["graphml", "json"])
@given(graph=graphs())
def test_what_is_written_reads_back(format: str, graph: CouplingGraph) -> None:
    assert read_graph(write_graph(graph, format), format) == graph
    assert read_graph(write_graph(graph, format), format, directed=graph.directed) == graph


@given(
    links=st.dictionaries(
        st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda ends: ends[0] < ends[1]),
        st.tuples(SIZES, SIZES, st.floats(-math.pi, math.pi)),
        min_size=1,
    )
)
def test_an_edge_list_is_read_as_it_stands(links: dict[tuple[int, int], tuple[float, float, float]]) -> None:
    lines = [",".join(map(repr, (*ends, *values))) for ends, values in links.items()]
    expected = [Link(*ends, *values) for ends, values in links.items()]
    for header in ([], ["src,dst,weight,delay_s,lag_rad"]):
        graph = read_graph("\n".join([*header, *lines]).encode(), "edges")
        assert graph.edges == expected
        assert len(graph.nodes) == 1 + max(max(ends) for ends in links)


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(SIZES, min_size=n, max_size=n), min_size=n, max_size=n)))
def test_a_matrix_is_the_coupling_matrix(rows: list[list[float]]) -> None:
    weights = np.array(rows)
    np.fill_diagonal(weights, 0)
    for directed, matrix in ((True, weights), (False, np.minimum(weights, weights.T))):
        body = "\n".join(",".join(map(repr, row)) for row in matrix.tolist()).encode()
        graph = read_graph(body, "matrix", directed=directed)
        assert (fill_matrix(len(rows), graph.edges, directed=directed) == matrix).all()


def test_labels_of_an_edge_list_stand_in_the_order_of_their_first_use() -> None:
    graph = read_graph("\ufeffTarget,Source\nFp1,Cz\nCz,Oz\n".encode(), "edges")
    assert [node.label for node in graph.nodes] == ["Cz", "Fp1", "Oz"]
    assert graph.edges == [Link(0, 1), Link(2, 0)]


@pytest.mark.parametrize("body", [b",A,B\nA,0,2\nB,2,0\n", b"A,B\r\n0,2\r\n2,0\r\n", b"id,A,B\nA,0,2.0\nB,2e0,0"])
def test_a_matrix_may_have_labels_above_and_beside(body: bytes) -> None:
    graph = read_graph(body, "matrix")
    assert [node.label for node in graph.nodes] == ["A", "B"]
    assert graph.edges == [Link(0, 1, 2.0)]


def test_the_graphml_of_others_is_read() -> None:
    graph = read_graph(
        b"""<?xml version='1.0' encoding='utf-8'?>
        <g:graphml xmlns:g="http://graphml.graphdrawing.org/xmlns" xmlns:y="urn:other">
        <g:key id="d1" for="edge" attr.name="weight" attr.type="double"><g:default>2</g:default></g:key>
        <g:key id="d2" for="node" attr.name="shape"/>
        <g:graph edgedefault="directed"><g:edge source="Cz" target="7"/>
        <g:node id="Cz"><g:data key="d2"><y:box>inside</y:box></g:data></g:node><g:node id="7"/>
        <g:edge source="7" target="Cz"><g:data key="d1"> 5e-1 </g:data></g:edge></g:graph></g:graphml>""",
        "graphml",
    )
    assert graph.directed
    assert [node.label for node in graph.nodes] == ["Cz", ""]
    assert graph.edges == [Link(0, 1, 2.0), Link(1, 0, 0.5)]


def test_json_may_name_vertices_by_any_id() -> None:
    body = {"nodes": [{"id": 70}, {"id": 12, "label": "b"}], "edges": [{"src": 12, "dst": 70, "weight": 3}]}
    assert read_graph(json.dumps(body).encode(), "json").edges == [Link(1, 0, 3.0)]


def problems(body: bytes, format: str, directed: bool | None = None) -> list[tuple[str, str]]:
    """Place and code of each problem."""
    with pytest.raises(InvalidInput) as caught:
        read_graph(body, format, directed=directed)
    assert caught.value.errors
    return [(error.field, error.code) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [("lines.1", "empty")]),
        (b"src,dst\n", [("lines.1", "empty")]),
        (b"0\n", [("lines.1", "width")]),
        (b"0,1,1,0,0,9\n", [("lines.1", "width")]),
        (b"0,1\n\n0,2,3\n1,2\n", [("lines.3", "width")]),
        (
            b"0,1,nan\n0,2,1e999\n0,3,-inf\n0,4,1_0\n0,5,\xd9\xa1\n",
            [(f"lines.{n}.weight", "not_finite") for n in range(1, 6)],
        ),
        (b"0,1,-1\n0,2,1,-1\n0,3,1,0,3.2\n", [("lines.1.weight", "range"), ("lines.2", "width"), ("lines.3", "width")]),
        (
            b"0,1,-1,0,0\n0,2,1,-1,0\n0,3,1,0,3.2\n",
            [("lines.1.weight", "range"), ("lines.2.delay_s", "range"), ("lines.3.lag_rad", "range")],
        ),
        (b"0,99999999999999999999\n", [("lines.1.dst", "range")]),
        (b"0,4096\n-1,2\n", [("lines.1.dst", "range"), ("lines.2.src", "range")]),
        (b"0,1\n1,1O\n", [("lines.2.dst", "no_vertex")]),
        (b"a,b\nb,\n", [("lines.2.dst", "no_vertex")]),
        (b"a,b\nb,a\n", [("lines.2", "twice")]),
        (b"a,a\n", [("lines.1.dst", "loop")]),
        (b"a,b\n\nb,\x00c\n", [("lines.3.dst", "characters")]),
        (b"a," + b"b" * 101, [("lines.1.dst", "max_length")]),
        (b"a,b\nc,\xff\n", [("lines.2", "encoding")]),
        ("a,b".encode("utf-16"), [("lines.1", "encoding")]),
        (b"src,weight,mass\n1,2,3\n", [("lines.1", "missing"), ("lines.1", "unknown")]),
        (b"src,dst,to\n1,2,3\n", [("lines.1", "twice")]),
        (b'a,b\na,"b\nc\n', [("lines.3", "csv")]),
        (b"a," + b"b" * 200_000, [("lines.1", "csv")]),
    ],
)
def test_edge_lists_name_every_line_at_fault(body: bytes, expected: list[tuple[str, str]]) -> None:
    assert sorted(problems(body, "edges")) == sorted(expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\n\n", [("lines.1", "empty")]),
        (b"A,B\n", [("lines.1", "empty")]),
        (b"0,1,2\n1,0,3\n", [("lines.2", "square")]),
        (b"0,1\n1\n", [("lines.2", "width")]),
        (b"0,1\n2,0\n", [("lines.2.0", "symmetry")]),
        (b"1,0\n0,0\n", [("lines.1.0", "loop")]),
        (b"0,-1\n-1,0\n", [("lines.2.0", "range")]),
        (b"0,nan\n1e999,0\n", [("lines.1.1", "not_finite"), ("lines.2.0", "not_finite")]),
        (b",A,B\nA,0,1\nC,1,0\n", [("lines.3", "label")]),
        (b"A,B,C\n0,1\n1,0\n1,1\n", [("lines.1", "width")]),
        (b",A\x00\nA\x00,0\n", [("lines.1.0", "characters")]),
        (b",".join([b"0"] * 5000), [("lines.1", "size")]),
    ],
)
def test_matrices_name_every_line_at_fault(body: bytes, expected: list[tuple[str, str]]) -> None:
    assert problems(body, "matrix") == expected


def wrap(inside: str, keys: str = '<key id="w" for="edge" attr.name="weight"/>') -> bytes:
    """GraphML of two nodes and what else stands inside the graph, from line 4 on."""
    nodes = '<node id="n0"/><node id="n1"/>'
    return f'<graphml>{keys}\n<graph edgedefault="undirected">\n{nodes}\n{inside}</graph></graphml>'.encode()


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><graphml>&b;</graphml>'
EDGE = '<edge source="n0" target="n1"/>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [("lines.1", "xml")]),
        (LAUGHS.encode(), [("lines.1", "doctype")]),
        (b'<!DOCTYPE g SYSTEM "file:///etc/passwd"><graphml/>', [("lines.1", "doctype")]),
        (b"<graphml>&b;</graphml>", [("lines.1", "xml")]),
        (b"<graphml>\n\x00</graphml>", [("lines.2", "xml")]),
        (b"<graphml>" * 1000, [("lines.1", "depth")]),
        (b"<svg/>", [("lines.1", "root")]),
        (b"<graphml/>", [("lines.1", "empty")]),
        (b'<graphml><graph edgedefault="directed"/></graphml>', [("lines.1", "size")]),
        (b"<graphml><graph><node id='a'/></graph></graphml>", [("lines.1.edgedefault", "missing")]),
        (b"<?xml version='1.0' encoding='latin-1'?><graphml/>", [("lines.1", "encoding")]),
        ("<?xml version='1.0'?><graphml/>".encode("utf-16"), [("lines.1", "encoding")]),
        ("<graphml>\u00e9</graphml>".encode("latin-1"), [("lines.1", "xml")]),
        (wrap(f"{EDGE}\n{EDGE}"), [("lines.5", "twice")]),
        (wrap('<edge source="n0" target="n0"/>'), [("lines.4.dst", "loop")]),
        (wrap('<edge source="n9"/>'), [("lines.4.src", "no_vertex"), ("lines.4.dst", "no_vertex")]),
        (wrap('<edge source="n0" target="n1"><data key="w">nan</data></edge>'), [("lines.4.weight", "not_finite")]),
        (wrap('<edge source="n0" target="n1"><data key="w">-1</data></edge>'), [("lines.4.weight", "range")]),
        (wrap('<edge source="n0" target="n1"><data key="v">1</data></edge>'), [("lines.4", "no_key")]),
        (wrap('<edge source="n0" target="n1" directed="true"/>'), [("lines.4.directed", "direction")]),
        (wrap('<node id="n1"/><node/>'), [("lines.4", "twice"), ("lines.4", "missing")]),
        (wrap('<node id="a"><graph/></node>'), [("lines.4", "unsupported")]),
        (wrap("<hyperedge/>"), [("lines.4", "unsupported")]),
        (
            wrap('<node id="a"><data key="l">-1</data></node>', '<key id="l" attr.name="layer"/>'),
            [("lines.4.layer", "range")],
        ),
        (
            wrap('<node id="a"><data key="l">\x85</data></node>', '<key id="l" attr.name="label"/>'),
            [("lines.4.label", "characters")],
        ),
        (wrap("", '<key id="a"/>' + "".join(f'<key id="k{n}"/>' for n in range(100))), [("lines.1", "size")]),
    ],
)
def test_graphml_names_every_line_at_fault(body: bytes, expected: list[tuple[str, str]]) -> None:
    assert problems(body, "graphml") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[]", [("document", "type")]),
        ("{", [("document", "json")]),
        ("[" * 1000, [("document", "json")]),
        ('{"nodes": [], "edges": []}', [("nodes", "size")]),
        ('{"nodes": 1, "edges": []}', [("nodes", "type")]),
        ('{"nodes": [{}], "edges": [], "directed": 1}', [("directed", "type")]),
        ('{"nodes": [{}], "edges": [], "mass": 1}', [("mass", "unknown")]),
        ('{"nodes": [{}], "edges": [], "name": 1}', [("name", "type")]),
        ('{"nodes": [{}], "edges": [], "weight_unit": "' + "m" * 21 + '"}', [("weight_unit", "max_length")]),
        (
            '{"nodes": [{"x": "1"}, 1, {"id": 0}], "edges": []}',
            [("nodes.0.x", "not_finite"), ("nodes.1", "type"), ("nodes.2.id", "twice")],
        ),
        (
            '{"nodes": [{"label": 5}, {"layer": true}], "edges": []}',
            [("nodes.0.label", "type"), ("nodes.1.layer", "type")],
        ),
        ('{"nodes": [{"x": 1e999}], "edges": []}', [("nodes.0.x", "json")]),
        ('{"nodes": [{"label": "\\u0000"}], "edges": []}', [("nodes.0.label", "json")]),
        (
            '{"nodes": [{}, {}], "edges": [{"src": 0, "dst": 10000000000000000000000}, {"src": 0}, 5]}',
            [("edges.0.dst", "no_vertex"), ("edges.1.dst", "type"), ("edges.2", "type")],
        ),
        ('{"nodes": [{}, {}], "edges": [{"src": 0, "dst": 1}, {"src": 1, "dst": 0}]}', [("edges.1", "twice")]),
        ('{"nodes": [{}, {}], "edges": [{"src": 0, "dst": 1, "weight": -1}]}', [("edges.0.weight", "range")]),
        (
            '{"nodes": [{}, {}], "edges": [{"src": 0, "dst": 1, "weight": 1' + "0" * 400 + "}]}",
            [("edges.0.weight", "json")],
        ),
    ],
)
def test_json_names_every_value_at_fault(body: str, expected: list[tuple[str, str]]) -> None:
    assert problems(body.encode(), "json") == expected


def test_the_hundredth_problem_ends_the_reading() -> None:
    found = problems(b"0,1\n" + b"0\n" * 500, "edges")
    assert len(found) == MOST_PROBLEMS
    assert found[-1] == ("lines.101", "width")


@pytest.mark.parametrize("format", ["graphml", "json"])
def test_a_file_of_the_other_direction_is_refused(format: str) -> None:
    body = write_graph(CouplingGraph(nodes=[Vertex()], edges=[], directed=True), format)
    assert [code for _, code in problems(body, format, directed=False)] == ["direction"]


def test_graphml_holds_what_a_label_should_not() -> None:
    body = write_graph(CouplingGraph(nodes=[Vertex(label="a\x01<\x85")], edges=[]), "graphml")
    assert read_graph(body, "graphml").nodes == [Vertex(label="a\ufffd<\ufffd")]


def test_unknown_formats_are_refused() -> None:
    assert problems(b"", "gexf") == [("format", "unknown")]
    with pytest.raises(InvalidInput):
        write_graph(CouplingGraph(nodes=[Vertex()], edges=[]), "edges")


def test_the_end_of_a_name_stands_for_a_format() -> None:
    names = ["a.csv", "a.b.GraphML", "x.xml", "x.json", "json", "a.txt"]
    assert [guess_format(name) for name in names] == ["edges", "graphml", "graphml", "json", None, None]
