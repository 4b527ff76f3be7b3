"""Networks in the database: imported whole, held by constraints, shipped as a fixture."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from core.exceptions import InvalidInput
from core.graph import Link, Vertex, find_largest_eigenvalue, hash_graph
from core.models import RealityEdge, RealityNetwork, RealityNode
from core.selectors import coupling_matrix, lag_matrix, list_links, list_networks
from core.services.networks import describe_network, import_network
from tests.constitutional.database import execute, violated
from tests.factories.core import make_network

pytestmark = pytest.mark.django_db


def test_an_imported_network_comes_back_as_the_matrix_it_was() -> None:
    nodes = [Vertex(label="a", omega=1.0), Vertex(label="b"), Vertex(label="c", layer=1)]
    edges = [Link(0, 1, 0.5, 0.01, 0.1), Link(2, 0, 2.0)]
    network = import_network(name="two layers", nodes=nodes, edges=edges, directed=True)
    assert coupling_matrix(network).tolist() == [[0, 0, 2.0], [0.5, 0, 0], [0, 0, 0]]
    assert lag_matrix(network)[1, 0] == 0.1
    assert (network.n_nodes, network.n_layers) == (3, 2)
    places = network.nodes.order_by("layer", "node_index").values_list("layer", "node_index", "label")
    assert list(places) == [(0, 0, "a"), (0, 1, "b"), (1, 0, "c")]
    assert network.graph_sha256 == hash_graph(3, list_links(network), directed=True)
    assert list_networks().get(pk=network.pk).n_edges == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nodes": []}, "nodes"),
        ({"nodes": [Vertex()] * 5000}, "nodes"),
        ({"nodes": [Vertex(x=math.nan), Vertex()]}, "nodes.0.x"),
        ({"nodes": [Vertex(), Vertex(omega=math.inf)]}, "nodes.1.omega"),
        ({"nodes": [Vertex(layer=1), Vertex(layer=0)]}, "nodes.1.layer"),
        ({"nodes": [Vertex(layer=2), Vertex(layer=2)]}, "nodes.0.layer"),
        ({"edges": [Link(0, 2)]}, "edges.0.dst"),
        ({"edges": [Link(-1, 0)]}, "edges.0.src"),
        ({"edges": [Link(1, 1)]}, "edges.0.dst"),
        ({"edges": [Link(0, 1), Link(1, 0)]}, "edges.1"),
        ({"edges": [Link(0, 1, weight=-1.0)]}, "edges.0.weight"),
        ({"edges": [Link(0, 1, weight=math.nan)]}, "edges.0.weight"),
        ({"edges": [Link(0, 1, delay_s=math.inf)]}, "edges.0.delay_s"),
        ({"edges": [Link(0, 1, lag_rad=3.15)]}, "edges.0.lag_rad"),
    ],
)
def test_a_graph_that_makes_no_sense_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    graph = {"nodes": [Vertex(), Vertex()], "edges": [Link(0, 1)]} | change
    with pytest.raises(InvalidInput) as error:
        import_network(name="bad", **graph)
    assert field in [wrong.field for wrong in error.value.errors]
    assert not RealityNetwork.objects.filter(name="bad").exists()


def test_a_directed_network_may_couple_both_ways() -> None:
    network = import_network(name="pair", nodes=[Vertex()] * 2, edges=[Link(0, 1), Link(1, 0, 3.0)], directed=True)
    assert coupling_matrix(network).tolist() == [[0, 3.0], [1.0, 0]]


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"n_nodes": 0}, "reality_networks_n_nodes_ck"),
        ({"n_layers": 0}, "reality_networks_n_layers_ck"),
        ({"status": "asleep"}, "reality_networks_status_ck"),
        ({"status": "merged"}, "reality_networks_target_ck"),
        ({"name": "taken"}, "reality_networks_name_key"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(fields: dict[str, Any], constraint: str) -> None:
    make_network("taken")
    values = {"name": "other", "n_nodes": 1} | fields
    assert violated(lambda: RealityNetwork.objects.create(**values)).startswith(constraint[:-3])


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("weight", -1.0, "reality_edges_weight_ck"),
        ("weight", math.nan, "reality_edges_weight_ck"),
        ("weight", math.inf, "reality_edges_weight_ck"),
        ("delay_s", -0.1, "reality_edges_delay_ck"),
        ("lag_rad", 3.2, "reality_edges_lag_ck"),
        ("lag_rad", math.nan, "reality_edges_lag_ck"),
    ],
)
def test_an_edge_that_makes_no_sense_is_refused(column: str, value: float, constraint: str) -> None:
    edge = make_network().edges.first()
    assert (
        violated(lambda: execute(f"UPDATE reality_edges SET {column} = %s WHERE id = %s", value, edge.pk)) == constraint
    )


def test_edges_stay_inside_their_network_join_two_vertices_and_stand_once() -> None:
    network, other = make_network(), make_network()
    a, b, c = network.nodes.order_by("node_index")[:3]
    stranger = other.nodes.first()
    add = lambda src, dst: lambda: RealityEdge.objects.create(network=network, src=src, dst=dst)  # noqa: E731
    assert violated(add(a, stranger)) == "reality_edges_inside"
    assert violated(add(a, a)) == "reality_edges_no_loop_ck"
    assert violated(add(a, b)) == "reality_edges_ends_uq"
    assert violated(add(b, a)) == "reality_edges_ends_uq"
    add(c, a)()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"node_index": 0}, "reality_nodes_place_uq"),
        ({"node_index": -1}, "reality_nodes_index_ck"),
        ({"node_index": 9, "z": math.nan}, "reality_nodes_finite_ck"),
    ],
)
def test_a_vertex_that_makes_no_sense_is_refused(fields: dict[str, Any], constraint: str) -> None:
    network = make_network()
    assert violated(lambda: RealityNode.objects.create(network=network, **fields)) == constraint


def test_merged_and_collapsed_networks_stay_so() -> None:
    network, target = make_network(), make_network()
    describe_network(network=network, status="dormant")
    describe_network(network=network, status="merged", target=target)
    change = lambda: describe_network(network=network, status="active", target=None)  # noqa: E731
    assert violated(change) == "reality_networks_status_terminal"


def test_the_fixture_is_the_graph_that_its_row_describes() -> None:
    call_command("loaddata", "biosemi64", verbosity=0)
    network = RealityNetwork.objects.get(name="biosemi64")
    weights = coupling_matrix(network)
    assert weights.shape == (64, 64)
    assert network.edges.count() == 211
    degrees = weights.sum(axis=0)
    assert (degrees.min(), degrees.max()) == (3, 8)
    assert network.lambda_max == pytest.approx(7.241, abs=5e-4)
    assert network.lambda_max == pytest.approx(find_largest_eigenvalue(weights), rel=1e-12)
    assert network.graph_sha256 == hash_graph(64, list_links(network), directed=False)
    connectivity = np.linalg.eigvalsh(np.diag(degrees) - weights)[1]
    assert connectivity == pytest.approx(0.456, abs=5e-4)
    places = np.array(network.nodes.values_list("x", "y", "z"))
    assert np.linalg.norm(places, axis=1) == pytest.approx(np.full(64, 95.0), abs=0.01)
    assert "BSD-3-Clause" in network.licence


def test_loading_the_fixture_twice_changes_no_id_and_adds_nothing() -> None:
    call_command("loaddata", "biosemi64", verbosity=0)
    before = list(RealityEdge.objects.order_by("pk").values_list("pk", "src", "dst"))
    call_command("loaddata", "biosemi64", verbosity=0)
    assert list(RealityEdge.objects.order_by("pk").values_list("pk", "src", "dst")) == before
    assert RealityNode.objects.count() == 64


def test_dumped_networks_name_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    make_network("dumped")
    call_command(
        "dumpdata",
        "core.realitynetwork",
        "core.realitynode",
        "core.realityedge",
        natural_foreign=True,
        natural_primary=True,
    )
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows] == [
        "core.realitynetwork",
        *["core.realitynode"] * 5,
        *["core.realityedge"] * 5,
    ]
    assert not any("pk" in row for row in rows)
    assert rows[-1]["fields"]["src"] == ["dumped", 0, 4]


def test_reading_a_network_takes_two_queries(django_assert_num_queries: Any) -> None:
    network = make_network()
    with django_assert_num_queries(2):
        coupling_matrix(network)
