"""Coupling graphs imported and exported over HTTP and by command, whole or not at all."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.choices import Role
from core.graph_formats import read_graph, write_graph
from core.models import RealityNetwork, RealityNode
from core.selectors import coupling_matrix, get_graph
from core.services.networks import import_graph_file
from tests.factories.accounts import UserFactory
from tests.factories.core import make_network

pytestmark = pytest.mark.django_db

IMPORT = "/api/v1/networks/import/"
EDGES = b"src,dst,weight\nCz,Fp1,0.5\nFp1,Oz,2\n"


def upload(client: APIClient, body: bytes = EDGES, **fields: str) -> Any:
    """Import as a form does."""
    values = {"file": SimpleUploadedFile("graph.csv", body), "format": "edges", "name": "uploaded"} | fields
    return client.post(IMPORT, values, format="multipart")


def fields_of(response: Any) -> list[str]:
    assert response.status_code == 400, response.content
    return [error["field"] for error in response.json()["errors"]]


def test_an_edge_list_is_uploaded(admin_api: APIClient) -> None:
    response = upload(admin_api, directed="directed", weight_unit="mm", source="a paper", licence="CC0-1.0")
    assert response.status_code == 201, response.content
    row = response.json()
    assert (row["n_nodes"], row["n_edges"], row["directed"], row["weight_unit"]) == (3, 2, True, "mm")
    network = RealityNetwork.objects.get(pk=row["id"])
    assert list(network.nodes.values_list("label", flat=True)) == ["Cz", "Fp1", "Oz"]
    assert coupling_matrix(network).tolist() == [[0, 0, 0], [0.5, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize(
    ("format", "body", "media_type"),
    [
        ("edges", b"0,1\n", "text/csv; charset=utf-8"),
        ("matrix", b"0,1\n1,0\n", "text/csv"),
        ("json", b'{"nodes": [{}, {}], "edges": [{"src": 0, "dst": 1}]}', "application/json"),
        (
            "graphml",
            b'<graphml><graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"/>'
            b"</graph></graphml>",
            "application/graphml+xml",
        ),
    ],
)
def test_the_body_may_be_the_file(admin_api: APIClient, format: str, body: bytes, media_type: str) -> None:
    response = admin_api.post(f"{IMPORT}?format={format}&name=raw&directed=undirected", body, content_type=media_type)
    assert response.status_code == 201, response.content
    assert (response.json()["name"], response.json()["n_edges"], response.json()["lambda_max"]) == ("raw", 1, 1.0)


def test_a_file_at_fault_is_answered_line_by_line_and_stores_nothing(admin_api: APIClient) -> None:
    response = upload(admin_api, b"0,1,1\n1,2,nan\n2,3,-1\n3,9999,1\n")
    assert fields_of(response) == ["lines.2.weight", "lines.3.weight", "lines.4.dst"]
    assert not RealityNetwork.objects.exists()
    assert not RealityNode.objects.exists()


def test_a_name_that_is_taken_stores_nothing(admin_api: APIClient) -> None:
    make_network("uploaded", n=3)
    assert fields_of(upload(admin_api)) == ["name"]
    assert RealityNode.objects.count() == 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"format": "gexf"}, "format"),
        ({"name": ""}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"directed": "1"}, "directed"),
        ({"weight_unit": "u" * 21}, "weight_unit"),
        ({"colour": "red"}, "colour"),
        ({"file": "text"}, "file"),
    ],
)
def test_fields_at_fault_are_named(admin_api: APIClient, fields: dict[str, str], named: str) -> None:
    assert fields_of(upload(admin_api, **fields)) == [named]


def test_requests_that_are_no_import_are_refused(admin_api: APIClient) -> None:
    assert fields_of(admin_api.post(f"{IMPORT}?name=a", b"0,1", content_type="text/csv")) == ["format"]
    assert fields_of(admin_api.post(f"{IMPORT}?format=edges", b"0,1", content_type="text/csv")) == ["name"]
    assert fields_of(admin_api.post(f"{IMPORT}?format=edges&x=1", b"0,1", content_type="text/csv")) == ["x"]
    assert admin_api.post(f"{IMPORT}?format=edges&name=a", b"0,1", content_type="image/png").status_code == 415
    packed = admin_api.post(
        f"{IMPORT}?format=edges&name=a", b"0,1", content_type="text/csv", headers={"content-encoding": "gzip"}
    )
    assert packed.status_code in (400, 415)
    assert admin_api.get(IMPORT).status_code == 405


def test_a_body_too_large_is_refused(admin_api: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20
    assert admin_api.post(f"{IMPORT}?format=edges&name=a", EDGES, content_type="text/csv").status_code == 413


def test_who_may_not_add_networks_may_not_import() -> None:
    call_command("loaddata", "roles", verbosity=0)
    client = APIClient()
    assert upload(client).status_code in (401, 403)
    client.force_authenticate(UserFactory(role=Role.OPERATOR))
    assert upload(client).status_code == 403


@pytest.mark.parametrize("format", ["graphml", "json"])
def test_biosemi64_goes_out_and_comes_back(admin_api: APIClient, format: str) -> None:
    call_command("loaddata", "biosemi64", verbosity=0)
    network = RealityNetwork.objects.get(name="biosemi64")
    response = admin_api.get(f"/api/v1/networks/{network.pk}/graph/?as={format}")
    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="biosemi64.{format}"'
    assert response["Content-Type"].startswith(
        {"graphml": "application/graphml+xml", "json": "application/json"}[format]
    )
    copy = import_graph_file(body=response.content, format=format, name="copy")
    assert (copy.graph_sha256, copy.lambda_max) == (network.graph_sha256, network.lambda_max)
    assert (copy.licence, copy.source, copy.n_nodes) == (network.licence, network.source, 64)
    places = ("label", "x", "y", "z", "omega", "layer", "node_index")
    assert list(copy.nodes.values_list(*places)) == list(network.nodes.values_list(*places))


def test_a_graph_is_json_where_nothing_is_said_and_other_formats_are_refused(admin_api: APIClient) -> None:
    address = f"/api/v1/networks/{make_network('a / b').pk}/graph/"
    response = admin_api.get(address)
    assert len(json.loads(response.content)["edges"]) == 5
    assert response["Content-Disposition"] == 'attachment; filename="a-b.json"'
    assert fields_of(admin_api.get(f"{address}?as=edges")) == ["as"]
    assert fields_of(admin_api.get(f"{address}?color=1")) == ["color"]
    assert admin_api.get("/api/v1/networks/999999/graph/").status_code == 404


def test_graphml_is_well_formed_for_any_reader(admin_api: APIClient) -> None:
    body = admin_api.get(f"/api/v1/networks/{make_network().pk}/graph/?as=graphml").content
    assert len(ElementTree.fromstring(body).findall(".//{*}edge")) == 5  # noqa: S314 - our own file


def test_the_commands_import_and_export(tmp_path: Path) -> None:
    source, target = tmp_path / "graph.csv", tmp_path / "graph.graphml"
    source.write_bytes(EDGES)
    out = io.StringIO()
    call_command("import_network", str(source), name="by command", licence="CC0-1.0", json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["nodes"], answer["edges"]) == (3, 2)
    call_command("export_network", "by command", str(target), stdout=out)
    network = RealityNetwork.objects.get(pk=answer["network"])
    assert read_graph(target.read_bytes(), "graphml") == get_graph(network)
    out = io.StringIO()
    call_command("export_network", "by command", "-", format="json", stdout=out)
    assert out.getvalue().encode() == write_graph(get_graph(network), "json")


def test_the_commands_say_what_is_wrong(tmp_path: Path) -> None:
    source = tmp_path / "graph.csv"
    source.write_bytes(b"0,1\n1,x\n")
    with pytest.raises(CommandError, match=r"lines\.2\.dst"):
        call_command("import_network", str(source), name="wrong")
    source.write_bytes(EDGES)
    make_network("taken")
    with pytest.raises(CommandError, match="name"):
        call_command("import_network", str(source), name="taken")
    with pytest.raises(CommandError, match="format"):
        call_command("import_network", str(tmp_path / "graph"), name="a")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_network", str(tmp_path / "none.csv"), name="a")
    with pytest.raises(CommandError, match="no network"):
        call_command("export_network", "none", str(tmp_path / "a.json"))
    with pytest.raises(CommandError, match="format"):
        call_command("export_network", "taken", str(tmp_path / "a.csv"))
