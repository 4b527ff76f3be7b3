"""`neurons/` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.choices import Role
from core.models import NeuronEvent, QuantumNeuron
from core.services.runs import share_run
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory, act, make_network, make_neuron

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/neurons/"
NEW = {"name": "q0", "t1_s": 3e-5, "t2_s": 2e-5}


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


def faults(response: Any, status: int = 400) -> list[str]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    return [error["field"] for error in response.json()["errors"]]


def test_a_neuron_is_made_calibrated_and_changed_by_events(admin_api: APIClient) -> None:
    network = make_network()
    node = network.nodes.first()
    made = admin_api.post(ADDRESS, NEW | {"node": node.pk, "delta": 0.5, "neuron_type": "memory"})
    assert made.status_code == 201, made.content
    neuron = made.json()
    assert (neuron["network"], neuron["state"], neuron["p1"], neuron["event_seq"]) == (network.pk, "collapsed", 0.0, 1)
    address = f"{ADDRESS}{neuron['id']}/"
    turned = admin_api.post(f"{address}events/", {"event": "gate", "parameters": {"gate": "h"}})
    assert turned.status_code == 201, turned.content
    event = turned.json()
    assert (event["seq"], event["from_state"], event["to_state"]) == (2, "collapsed", "superposition")
    assert (event["c_before"], event["c_after"], event["parameters"]) == (0.0, pytest.approx(1.0), {"gate": "h"})
    tuned = admin_api.patch(address, {"t1_s": 5e-5, "name": "q1"})
    assert (tuned.json()["t1_s"], tuned.json()["last_event"], tuned.json()["state"]) == (
        5e-5,
        "calibrate",
        "superposition",
    )
    measured = admin_api.post(f"{address}events/", {"event": "measure", "seed": 5}).json()
    assert measured["outcome"] in (0, 1)
    assert measured["actor_id"] is not None
    shown = admin_api.get(address).json()
    assert (shown["last_outcome"], shown["measurement_count"], shown["state"]) == (measured["outcome"], 1, "collapsed")


def test_a_neuron_is_not_deleted(admin_api: APIClient) -> None:
    assert admin_api.delete(f"{ADDRESS}{make_neuron().pk}/").status_code == 405


def test_the_history_pages_and_filters(admin_api: APIClient) -> None:
    neuron = make_neuron()
    for gate in ("h", "z", "s", "t"):
        act(neuron, "gate", gate=gate)
    make_neuron()
    address = f"{ADDRESS}{neuron.pk}/history/"
    first = admin_api.get(address, {"limit": 3}).json()
    assert [row["seq"] for row in first["results"]] == [5, 4, 3]
    second = admin_api.get(first["next"]).json()
    assert ([row["seq"] for row in second["results"]], second["next"]) == ([2, 1], None)
    assert [row["seq"] for row in admin_api.get(address, {"event": "prepare"}).json()["results"]] == [1]
    assert admin_api.get(address, {"until": "2026-01-05T12:00:00Z"}).json()["results"] == []
    assert len(admin_api.get(address, {"since": "2026-01-05T12:00:00Z"}).json()["results"]) == 5
    assert faults(admin_api.get(address, {"state": "coherent"})) == ["state"]
    assert faults(admin_api.get(address, {"event": "dream"})) == ["event"]
    assert faults(admin_api.get(address, {"since": "now"})) == ["since"]
    assert admin_api.get(f"{ADDRESS}99999/history/").status_code == 404


def test_neurons_are_listed_by_run_network_state_and_type(admin_api: APIClient) -> None:
    run, network = RunFactory(), make_network()
    mine, placed = make_neuron(run=run), make_neuron(network=network, neuron_type="input")
    act(mine, "gate", gate="h")
    for query, neuron in (
        ({"run": run.pk}, mine),
        ({"state": "superposition"}, mine),
        ({"network": network.pk}, placed),
        ({"neuron_type": "input"}, placed),
    ):
        assert [row["id"] for row in admin_api.get(ADDRESS, query).json()["results"]] == [neuron.pk]
    assert faults(admin_api.get(ADDRESS, {"colour": "red"})) == ["colour"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"t1_s": 0}, "t1_s"),
        ({"t1_s": "1"}, "t1_s"),
        ({"t1_s": True}, "t1_s"),
        ({"t1_s": None}, "t1_s"),
        ({"t1_s": 10**400}, "t1_s"),
        ({"t2_s": 7e-5}, "t2_s"),
        ({"p_eq": 1.5}, "p_eq"),
        ({"delta": -1}, "delta"),
        ({"v_th_mv": -80}, "v_th_mv"),
        ({"tau_m_ms": 0}, "tau_m_ms"),
        ({"r_mohm": 0}, "r_mohm"),
        ({"refractory_ms": -1}, "refractory_ms"),
        ({"spike_rate_hz": -1}, "spike_rate_hz"),
        ({"layer_index": -1}, "layer_index"),
        ({"layer_index": 2**31}, "layer_index"),
        ({"layer_index": 1.5}, "layer_index"),
        ({"neuron_type": "dream"}, "neuron_type"),
        ({"network": 10**30}, "network"),
        ({"network": 99999}, "network"),
        ({"node": "1"}, "node"),
        ({"run": 99999}, "run"),
        ({"state": "coherent"}, "state"),
        ({"bloch_x": 1.0}, "bloch_x"),
        ({"measurement_count": 3}, "measurement_count"),
        ({"last_event": "gate"}, "last_event"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_a_neuron_names_the_field(admin_api: APIClient, change: dict[str, Any], field: str) -> None:
    assert faults(admin_api.post(ADDRESS, NEW | change)) == [field]
    neuron = make_neuron(t1_s=3e-5, t2_s=2e-5)
    assert faults(admin_api.patch(f"{ADDRESS}{neuron.pk}/", change)) == [field]
    assert QuantumNeuron.objects.count() == 1


def test_a_vertex_of_another_network_and_a_change_of_run_name_the_field(admin_api: APIClient) -> None:
    ring, other = make_network("ring"), make_network("other")
    body = NEW | {"network": ring.pk, "node": other.nodes.first().pk}
    assert faults(admin_api.post(ADDRESS, body)) == ["node"]
    neuron = make_neuron()
    assert faults(admin_api.patch(f"{ADDRESS}{neuron.pk}/", {"run": RunFactory().pk})) == ["run"]
    placed = admin_api.patch(f"{ADDRESS}{neuron.pk}/", {"node": ring.nodes.first().pk})
    assert placed.json()["network"] == ring.pk
    assert faults(admin_api.patch(f"{ADDRESS}{neuron.pk}/", {"network": None})) == ["network"]
    assert faults(admin_api.patch(f"{ADDRESS}{neuron.pk}/", {"network": other.pk})) == ["node"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "event"),
        ({"event": "dream"}, "event"),
        ({"event": "disentangle"}, "event"),
        ({"event": "calibrate"}, "event"),
        ({"event": ["gate"]}, "event"),
        ({"event": None}, "event"),
        ({"event": "measure", "parameters": []}, "parameters"),
        ({"event": "measure", "parameters": None}, "parameters"),
        ({"event": "measure", "parameters": {"draw": 0.5}}, "parameters.draw"),
        ({"event": "measure", "seed": -1}, "seed"),
        ({"event": "measure", "seed": 2**63}, "seed"),
        ({"event": "measure", "seed": "7"}, "seed"),
        ({"event": "measure", "colour": "red"}, "colour"),
        ({"event": "prepare", "parameters": {"bloch": [0, 0]}}, "parameters.bloch"),
        ({"event": "prepare", "parameters": {"bloch": [0, 0, 1.1]}}, "parameters.bloch"),
        ({"event": "prepare", "parameters": {"bloch": [1e200, 0, 0]}}, "parameters.bloch"),
        ({"event": "prepare", "parameters": {"bloch": [0, 0, "1"]}}, "parameters.bloch"),
        ({"event": "prepare", "parameters": {"bloch": [0, 0, True]}}, "parameters.bloch"),
        ({"event": "prepare", "parameters": {"bloch": "001"}}, "parameters.bloch"),
        ({"event": "gate", "parameters": {}}, "parameters.gate"),
        ({"event": "gate", "parameters": {"gate": "q"}}, "parameters.gate"),
        ({"event": "gate", "parameters": {"gate": ["h"]}}, "parameters.gate"),
        ({"event": "gate", "parameters": {"gate": {}}}, "parameters.gate"),
        ({"event": "gate", "parameters": {"gate": "h", "angle_rad": 1}}, "parameters.angle_rad"),
        ({"event": "gate", "parameters": {"gate": "rx"}}, "parameters.angle_rad"),
        ({"event": "gate", "parameters": {"gate": "rx", "angle_rad": 1e13}}, "parameters.angle_rad"),
        ({"event": "gate", "parameters": {"gate": "rx", "angle_rad": 10**400}}, "parameters.angle_rad"),
        ({"event": "gate", "parameters": {"gate": "drive", "duration_s": -1}}, "parameters.duration_s"),
        ({"event": "gate", "parameters": {"gate": "drive", "duration_s": 1e300}}, "parameters.duration_s"),
        ({"event": "gate", "parameters": {"gate": "drive", "duration_s": 1, "bias": None}}, "parameters.bias"),
        ({"event": "gate2", "parameters": {"gate": "cnot"}}, "parameters.partner"),
        ({"event": "gate2", "parameters": {"gate": "cz", "partner": 1}}, "parameters.gate"),
        ({"event": "gate2", "parameters": {"gate": "cnot", "partner": 10**30}}, "parameters.partner"),
        ({"event": "gate2", "parameters": {"gate": "cnot", "partner": 99999}}, "parameters.partner"),
        ({"event": "gate2", "parameters": {"gate": "cnot", "partner": "1"}}, "parameters.partner"),
        ({"event": "gate2", "parameters": {"gate": "cnot", "partner": True}}, "parameters.partner"),
        ({"event": "relax", "parameters": {"elapsed_s": -0.1}}, "parameters.elapsed_s"),
        ({"event": "relax", "parameters": {"elapsed_s": 1e300}}, "parameters.elapsed_s"),
        ({"event": "sweep_start", "parameters": {"start_bias": -9, "rate": 0}}, "parameters.rate"),
        ({"event": "sweep_start", "parameters": {"start_bias": 9, "rate": 1}}, "parameters.rate"),
        ({"event": "sweep_start", "parameters": {"start_bias": -1e308, "rate": 1e-308}}, "parameters.rate"),
    ],
)
def test_what_cannot_happen_names_the_parameter(admin_api: APIClient, body: dict[str, Any], field: str) -> None:
    neuron = make_neuron(delta=1.0, omega=1e3)
    assert faults(admin_api.post(f"{ADDRESS}{neuron.pk}/events/", body)) == [field]
    assert NeuronEvent.objects.for_neuron(neuron.pk).count() == 1


def test_text_that_no_column_holds_is_refused(admin_api: APIClient) -> None:
    neuron = make_neuron()
    for body in (b'{"name": "a\\u0000b"}', b'{"t1_s": NaN}', b'{"t1_s": 1e999}', b'{"name": "\\ud800"}', b"[" * 100):
        response = admin_api.generic("PATCH", f"{ADDRESS}{neuron.pk}/", body, content_type="application/json")
        assert response.status_code == 400, response.content
        events = b'{"event": "gate", "parameters": {"gate": ' + body + b"}}"
        response = admin_api.generic("POST", f"{ADDRESS}{neuron.pk}/events/", events, content_type="application/json")
        assert response.status_code == 400, response.content


def test_an_event_that_does_not_lead_on_is_a_conflict_with_from_and_event(admin_api: APIClient) -> None:
    neuron = make_neuron()
    act(neuron, "relax", elapsed_s=1.0)
    response = admin_api.post(f"{ADDRESS}{neuron.pk}/events/", {"event": "gate", "parameters": {"gate": "h"}})
    assert faults(response, 409) == ["from", "event"]
    assert response.json()["code"] == "invalid_transition"
    assert [error["code"] for error in response.json()["errors"]] == ["decoherent", "gate"]
    refused = admin_api.post(f"{ADDRESS}{neuron.pk}/events/", {"event": "sweep_end", "parameters": {"end_bias": 1}})
    assert refused.status_code == 409


def test_who_may_do_what(sign_in: Any) -> None:
    reader, _ = sign_in(Role.READONLY)
    client, user = sign_in(Role.USER)
    operator, _ = sign_in(Role.OPERATOR)
    mine, foreign = RunFactory(owner=user), RunFactory()
    own, other = make_neuron(run=mine), make_neuron(run=foreign)
    loose = make_neuron()
    act(own, "gate", gate="h")

    assert reader.get(f"{ADDRESS}{own.pk}/history/").status_code == 404
    share_run(run=mine, group=Group.objects.get(name="readonly"))
    assert reader.get(f"{ADDRESS}{own.pk}/history/").status_code == 200
    assert reader.post(ADDRESS, NEW).status_code == 403
    assert reader.post(f"{ADDRESS}{own.pk}/events/", {"event": "measure"}).status_code == 403
    assert client.post(ADDRESS, NEW | {"run": mine.pk}).status_code == 201
    assert client.post(ADDRESS, NEW | {"run": foreign.pk}).status_code == 400
    assert operator.post(ADDRESS, NEW | {"run": foreign.pk}).status_code == 201
    for neuron, status in ((own, 200), (other, 404), (loose, 403)):
        assert client.patch(f"{ADDRESS}{neuron.pk}/", {"name": "n"}).status_code == status
    entangle = {"event": "gate2", "parameters": {"gate": "cnot", "partner": other.pk}}
    assert client.post(f"{ADDRESS}{own.pk}/events/", entangle).status_code == 400
    assert operator.post(f"{ADDRESS}{own.pk}/events/", entangle).status_code == 201
    assert APIClient().get(ADDRESS).status_code == 401
