"""`runs/`, `networks/`, `config/` and `fields/` over HTTP."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.choices import Role
from core.models import Run, SystemConfig
from core.selectors import get_frame
from core.services.runs import share_run
from tests.factories.accounts import UserFactory
from tests.factories.core import ConfigFactory, RunFactory, make_field, make_network

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def sign_in() -> Any:
    """A client signed in with a role."""
    call_command("loaddata", "roles", verbosity=0)

    def client_of(role: Role) -> tuple[APIClient, Any]:
        user = UserFactory(role=role)
        client = APIClient()
        client.force_authenticate(user)
        return client, user

    return client_of


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_the_root_names_every_list(api: APIClient) -> None:
    addresses = api.get("/api/v1/").json()
    assert {"runs", "networks", "config", "fields"} <= set(addresses)
    assert addresses["runs"] == "http://testserver/api/v1/runs/"


def test_a_run_is_opened_renamed_and_ended(sign_in: Any) -> None:
    client, user = sign_in(Role.USER)
    network = make_network()
    opened = client.post("/api/v1/runs/", {"name": "mine", "kind": "live", "network": network.pk, "seed": 2**63 - 1})
    assert opened.status_code == 201
    run = opened.json()
    assert (run["owner"], run["n_oscillators"], run["seed"], run["ended_at"]) == (user.pk, 5, 2**63 - 1, None)
    address = f"/api/v1/runs/{run['id']}/"
    assert client.patch(address, {"name": "ours"}).json()["name"] == "ours"
    assert client.post(f"{address}end/", {"ended_at": "2000-01-01T00:00:00Z"}).json()["errors"] == [
        {"field": "ended_at", "detail": "A run does not end before it starts.", "code": "runs_times_ck"}
    ]
    ended = client.post(f"{address}end/")
    assert ended.status_code == 200
    assert ended.json()["ended_at"] is not None
    assert client.post(f"{address}end/").status_code == 409
    assert client.get(address).json()["name"] == "ours"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 1}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "kind": "dream"}, "kind"),
        ({"name": "x", "network": 999_999}, "network"),
        ({"name": "x", "network": True}, "network"),
        ({"name": "x", "seed": 2**63}, "seed"),
        ({"name": "x", "seed": "1"}, "seed"),
        ({"name": "x", "n_oscillators": 0}, "n_oscillators"),
        ({"name": "x", "n_oscillators": 3, "natural_frequencies": [1, 2]}, "natural_frequencies"),
        ({"name": "x", "natural_frequencies": [1, "2"]}, "natural_frequencies.1"),
        ({"name": "x", "natural_frequencies": []}, "n_oscillators"),
        ({"name": "x", "ha_weights": [0.5, 0.5]}, "ha_weights"),
        ({"name": "x", "ha_weights": [0.5, 0.6, 0.2]}, "ha_weights"),
        ({"name": "x", "critical_coupling": -1}, "critical_coupling"),
        ({"name": "x", "defect_density_ref": 0}, "defect_density_ref"),
        ({"name": "x", "parameters": []}, "parameters"),
        ({"name": "x", "started_at": "2026-02-30T00:00:00Z"}, "started_at"),
        ({"name": "x", "owner": 1}, "owner"),
        ({"name": "x", "ended_at": None}, "ended_at"),
    ],
)
def test_a_run_that_makes_no_sense_names_the_field(body: dict[str, Any], field: str, admin_api: APIClient) -> None:
    response = admin_api.post("/api/v1/runs/", body)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not Run.objects.filter(name="x").exists()


def test_poison_in_a_body_names_the_place(admin_api: APIClient) -> None:
    for body, field in (
        (b'{"name": "a\\u0000"}', "name"),
        (b'{"name": "x", "parameters": {"a": [1, {"b\\u0000": 2}]}}', "parameters.a.1.b\\x00"),
        (b'{"name": "x", "parameters": {"a": [1e999]}}', "parameters.a.0"),
        (b'{"name": "x", "parameters": {"a": 1, "a": 2}}', "a"),
        (b'{"name": "x", "seed": ' + b"9" * 5000 + b"}", "seed"),
    ):
        response = admin_api.generic("POST", "/api/v1/runs/", body, content_type="application/json")
        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_run_is_changed_by_its_owner_and_by_operators_alone(sign_in: Any) -> None:
    owner, user = sign_in(Role.USER)
    run = RunFactory(owner=user)
    for role, status in ((Role.USER, 404), (Role.READONLY, 404), (Role.OPERATOR, 200)):
        client, _ = sign_in(role)
        assert client.patch(f"/api/v1/runs/{run.pk}/", {"name": "other"}).status_code == status
        assert client.get(f"/api/v1/runs/{run.pk}/").status_code == status
    for role in (Role.USER, Role.READONLY):
        share_run(run=run, group=Group.objects.get(name=role))
    for role, status in ((Role.USER, 403), (Role.READONLY, 403), (Role.OPERATOR, 200)):
        client, _ = sign_in(role)
        assert client.patch(f"/api/v1/runs/{run.pk}/", {"name": "other"}).status_code == status
        assert client.get(f"/api/v1/runs/{run.pk}/").status_code == 200
    stranger, _ = sign_in(Role.USER)
    assert stranger.post(f"/api/v1/runs/{run.pk}/end/").status_code == 403
    assert owner.post(f"/api/v1/runs/{run.pk}/end/").status_code == 200


def test_runs_are_filtered(admin_api: APIClient) -> None:
    user, network = UserFactory(), make_network()
    first = RunFactory(started_at=NOW, kind="live", owner=user)
    second = RunFactory(started_at=NOW + timedelta(hours=1), network=network, ended_at=NOW + timedelta(hours=2))
    for query, expected in (
        ("", [second.pk, first.pk]),
        ("kind=live", [first.pk]),
        (f"owner={user.pk}", [first.pk]),
        (f"network={network.pk}", [second.pk]),
        ("network=999999", []),
        ("ongoing=true", [first.pk]),
        ("ongoing=false", [second.pk]),
        (f"since={(NOW + timedelta(hours=1)).isoformat().replace('+', '%2B')}", [second.pk]),
        (f"until={(NOW + timedelta(hours=1)).isoformat().replace('+', '%2B')}", [first.pk]),
    ):
        assert ids(admin_api.get(f"/api/v1/runs/?{query}")) == expected, query
    assert "natural_frequencies" not in admin_api.get("/api/v1/runs/").json()["results"][0]


def test_pages_join_without_gap_or_overlap(admin_api: APIClient) -> None:
    runs = [RunFactory(started_at=NOW + timedelta(seconds=number // 3)) for number in range(8)]
    address, read = "/api/v1/runs/?limit=3", []
    while address:
        page = admin_api.get(address)
        read.append(ids(page))
        address = page.json()["next"]
    assert [len(page) for page in read] == [3, 3, 2]
    assert [pk for page in read for pk in page] == [run.pk for run in reversed(runs)]


def test_a_network_is_read_with_its_parts(admin_api: APIClient) -> None:
    network = make_network(n=4)
    answer = admin_api.get(f"/api/v1/networks/{network.pk}/").json()
    assert (answer["n_nodes"], answer["n_edges"], answer["lambda_max"]) == (4, 4, pytest.approx(2.0))
    nodes = admin_api.get(f"/api/v1/networks/{network.pk}/nodes/").json()["results"]
    assert [node["label"] for node in nodes] == ["v0", "v1", "v2", "v3"]
    first = admin_api.get(f"/api/v1/networks/{network.pk}/edges/?limit=3").json()
    rest = admin_api.get(first["next"]).json()
    ends = [(edge["src_index"], edge["dst_index"]) for edge in first["results"] + rest["results"]]
    assert ends == [(0, 1), (1, 2), (2, 3), (3, 0)]
    assert rest["next"] is None
    assert ids(admin_api.get("/api/v1/networks/?status=dormant")) == []
    assert admin_api.get("/api/v1/networks/999999/nodes/").status_code == 404
    assert admin_api.post("/api/v1/networks/", {}).status_code == 405


def test_configuration_is_made_changed_and_remembered(sign_in: Any) -> None:
    client, user = sign_in(Role.OPERATOR)
    body = {"config_key": "test.key", "config_value": {"a": 1}, "config_type": "object"}
    made = client.post("/api/v1/config/", body)
    assert made.status_code == 201
    assert (made.json()["environment"], made.json()["is_active"]) == ("production", True)
    twice = client.post("/api/v1/config/", body)
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (400, "config_key")
    address = f"/api/v1/config/{made.json()['id']}/"
    assert client.patch(address, {"config_value": 1}).json()["errors"][0]["field"] == "config_value"
    assert client.patch(address, {"config_key": "other"}).json()["errors"][0]["field"] == "config_key"
    assert client.patch(address, {"config_value": 1, "config_type": "integer"}).status_code == 200
    history = client.get(f"{address}history/").json()["results"]
    assert [change["new_value"]["value"] for change in history] == [1, {"a": 1}]
    assert {change["actor_id"] for change in history} == {user.pk}
    reader, _ = sign_in(Role.USER)
    assert reader.patch(address, {"is_active": False}).status_code == 403
    assert reader.get(f"{address}history/").status_code == 403


def test_nothing_here_is_deleted(admin_api: APIClient) -> None:
    for address in (f"runs/{RunFactory().pk}/", f"config/{ConfigFactory().pk}/", f"networks/{make_network().pk}/"):
        assert admin_api.delete(f"/api/v1/{address}").status_code == 405
        assert admin_api.put(f"/api/v1/{address}", {}).status_code == 405


def test_whole_numbers_past_64_bits_are_read_as_they_were_written(admin_api: APIClient) -> None:
    config = ConfigFactory(config_value=0)
    SystemConfig.objects.filter(pk=config.pk).update(config_value=10**30)
    for address in ("/api/v1/config/", f"/api/v1/config/{config.pk}/"):
        assert str(10**30).encode() in admin_api.get(address).content


def test_fields_are_listed_without_frames_and_filtered(admin_api: APIClient) -> None:
    with_frame = make_field(at=NOW)
    without = make_field(at=NOW - timedelta(hours=1), keep_frame=False)
    long_ago = make_field(at=NOW - timedelta(days=40), keep_frame=False)
    for query, expected in (
        ("", [with_frame.pk, without.pk]),
        ("has_frame=true", [with_frame.pk]),
        ("has_frame=false", [without.pk]),
        (f"run={with_frame.run_id}", [with_frame.pk]),
        (f"run={long_ago.run_id}", [long_ago.pk]),
        (f"until={NOW.isoformat().replace('+', '%2B')}", [without.pk]),
        ("until=0001-01-05T00:00:00Z", []),
        ("since=0001-01-01T00:00:00Z", [with_frame.pk, without.pk, long_ago.pk]),
        ("run=9223372036854775807", []),
    ):
        assert ids(admin_api.get(f"/api/v1/fields/?{query}")) == expected, query
    row = admin_api.get(f"/api/v1/fields/{with_frame.pk}/").json()
    assert (row["has_frame"], row["resolution"], row["coherence_level"]) == (True, 8, pytest.approx(0, abs=1e-7))
    assert row["timestamp"] == NOW.isoformat().replace("+00:00", "Z")
    assert "frame" not in row
    assert admin_api.get(f"/api/v1/fields/{long_ago.pk}/").status_code == 200


def test_a_frame_comes_as_numpy_json_and_png(admin_api: APIClient) -> None:
    field = make_field(n=8)
    address = f"/api/v1/fields/{field.pk}/frame/"
    expected = get_frame(field.pk, field.timestamp)
    as_numpy = admin_api.get(address, headers={"Accept": "image/png"})
    assert as_numpy.headers["Content-Type"] == "application/x-npy"
    array = np.load(io.BytesIO(as_numpy.content), allow_pickle=False)
    assert array.dtype == np.complex64
    assert np.array_equal(array, expected)
    as_json = admin_api.get(f"{address}?as=json").json()
    assert as_json["shape"] == [8, 8]
    assert np.array_equal(np.array(as_json["real"], dtype=np.float32), expected.real)
    assert np.array_equal(np.array(as_json["imag"], dtype=np.float32), expected.imag)
    as_png = admin_api.get(f"{address}?as=png")
    assert as_png.headers["Content-Type"] == "image/png"
    assert as_png.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(as_png.content[16:20]) == 8
    assert admin_api.get(f"{address}?as=gif").json()["errors"][0]["field"] == "as"


def test_a_state_without_a_frame_has_none_to_show(admin_api: APIClient) -> None:
    field = make_field(keep_frame=False)
    assert admin_api.get(f"/api/v1/fields/{field.pk}/frame/").status_code == 404
    assert admin_api.get("/api/v1/fields/999999/frame/").status_code == 404


@pytest.mark.parametrize("address", ["runs/", "networks/", "config/", "fields/"])
def test_a_list_costs_the_same_queries_for_any_number_of_rows(
    address: str, admin_api: APIClient, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        make_field(run=RunFactory(network=make_network()))
        ConfigFactory()
    with django_assert_max_num_queries(4):  # who asks and the rows, between a savepoint and its release
        assert len(ids(admin_api.get(f"/api/v1/{address}"))) == 3


def test_the_document_of_the_api_is_valid_and_without_warnings(tmp_path: Any) -> None:
    path = tmp_path / "schema.json"
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", file=str(path))
    operations = [
        operation for methods in json.loads(path.read_text())["paths"].values() for operation in methods.values()
    ]
    assert len(operations) > 20
    assert all(operation["summary"] and "4XX" in operation["responses"] for operation in operations)
