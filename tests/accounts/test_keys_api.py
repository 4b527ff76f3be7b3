"""`api-keys/` and `partners/`: what each role may do, and what a bad request is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.models import ApiKey, PartnerConfig
from accounts.services import create_api_key
from core.models import AuditEntry
from tests.factories.accounts import PartnerFactory, UserFactory

pytestmark = pytest.mark.django_db

KEYS, PARTNERS = "/api/v1/api-keys/", "/api/v1/partners/"
NEW = {"name": "rig", "scopes": ["core.view_run"]}


@pytest.fixture(autouse=True)
def _roles(db: None) -> None:
    call_command("loaddata", "roles", verbosity=0)


def sign_in(role: Role) -> tuple[APIClient, Any]:
    user = UserFactory(role=role)
    client = APIClient()
    client.force_authenticate(user)
    return client, user


def fields(answer: Any) -> list[str]:
    assert answer.status_code == 400, answer.content
    return [error["field"] for error in answer.json()["errors"]]


def test_a_key_is_made_shown_once_rotated_and_revoked() -> None:
    client, user = sign_in(Role.USER)
    made = client.post(KEYS, NEW | {"allowed_networks": ["192.0.2.1"], "rate_limit_per_min": 90, "burst": 9})
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    body = made.json()
    text = body.pop("key")
    assert text.startswith(f"nfcs_{body['prefix']}_")
    assert (body["owner"], body["state"], body["allowed_networks"]) == (user.pk, "live", ["192.0.2.1/32"])
    address = f"{KEYS}{body['id']}/"
    assert client.get(address).json() == body
    assert client.get(KEYS).json()["results"] == [body]
    assert text[14:] not in client.get(address).content.decode()

    changed = client.patch(address, {"name": "rig 2", "allowed_networks": [], "burst": 5})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["allowed_networks"], changed.json()["burst"]) == ("rig 2", [], 5)
    assert fields(client.patch(address, {"scopes": []})) == ["scopes"]

    rotated = client.post(f"{address}rotate/", {"grace_minutes": 3})
    assert rotated.status_code == 200
    assert rotated["Cache-Control"] == "no-store"
    second = rotated.json()["key"]
    assert second != text
    assert second[:14] == text[:14]
    for key in (text, second):
        assert APIClient().get("/api/v1/runs/", HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 200
    uses = client.get(f"{address}uses/").json()["results"]
    assert [(use["address"], use["outcome"]) for use in uses] == [("127.0.0.1", "used")]

    assert client.post(f"{address}revoke/").json()["state"] == "revoked"
    assert client.post(f"{address}revoke/").status_code == 409
    assert client.post(f"{address}rotate/", {}).status_code == 409
    assert client.patch(address, {"name": "x"}).status_code == 409
    assert client.delete(address).status_code in (403, 405)
    for key in (text, second):
        assert APIClient().get("/api/v1/runs/", HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "scopes"),
        (NEW | {"scopes": ["core.view_run", "core.dream"]}, "scopes.1"),
        (NEW | {"scopes": ["core.change_run"]}, "scopes.0"),
        (NEW | {"scopes": "core.view_run"}, "scopes"),
        (NEW | {"scopes": [1]}, "scopes.0"),
        (NEW | {"scopes": ["core.view_run\u0000"]}, "scopes.0"),
        (NEW | {"name": ""}, "name"),
        (NEW | {"allowed_networks": ["192.0.2.0/24", "192.0.2.1/24"]}, "allowed_networks.1"),
        (NEW | {"allowed_networks": ["fe80::1%eth0"]}, "allowed_networks.0"),
        (NEW | {"rate_limit_per_min": 0}, "rate_limit_per_min"),
        (NEW | {"burst": 2**31}, "burst"),
        (NEW | {"burst": 1_000_001}, "burst"),
        (NEW | {"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        (NEW | {"expires_at": "soon"}, "expires_at"),
        (NEW | {"owner": 2**31 - 1}, "owner"),
        (NEW | {"partner": 2**62}, "partner"),
        (NEW | {"prefix": "abcdefgh"}, "prefix"),
    ],
)
def test_a_key_that_makes_no_sense_names_the_field(body: dict[str, Any], field: str) -> None:
    client, _ = sign_in(Role.USER)
    assert fields(client.post(KEYS, body)) == [field]
    assert not ApiKey.objects.exists()


def test_the_error_names_the_scope_that_is_not_held() -> None:
    client, user = sign_in(Role.USER)
    (error,) = client.post(KEYS, NEW | {"scopes": ["core.change_run"]}).json()["errors"]
    assert error["detail"] == f"{user} does not hold core.change_run."


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.USER, Role.READONLY])
def test_keys_of_others_are_out_of_reach(role: Role) -> None:
    client, user = sign_in(role)
    foreign, _ = create_api_key(owner=UserFactory(), name="x", scopes=[])
    own, _ = create_api_key(owner=user, name="x", scopes=[])
    assert [key["id"] for key in client.get(KEYS).json()["results"]] == [own.pk]
    may = role is not Role.READONLY
    for verb in ("revoke", "rotate"):
        assert client.post(f"{KEYS}{foreign.pk}/{verb}/", {}).status_code == (404 if may else 403)
    assert client.get(f"{KEYS}{foreign.pk}/").status_code == 404
    assert client.get(f"{KEYS}{foreign.pk}/uses/").status_code == 404
    assert client.patch(f"{KEYS}{foreign.pk}/", {"name": "y"}).status_code == (404 if may else 403)
    made = client.post(KEYS, NEW | {"owner": foreign.owner_id})
    assert made.status_code == (400 if may else 403)
    assert client.patch(f"{KEYS}{own.pk}/", {"name": "y"}).status_code == (200 if may else 403)
    assert client.post(KEYS, NEW).status_code == (201 if may else 403)


def test_administrators_manage_everybodys_keys() -> None:
    client, _ = sign_in(Role.ADMIN)
    user = UserFactory()
    made = client.post(KEYS, NEW | {"owner": user.pk})
    assert made.status_code == 201
    assert made.json()["owner"] == user.pk
    assert fields(client.post(KEYS, NEW | {"owner": user.pk, "scopes": ["core.change_run"]})) == ["scopes.0"]
    assert client.post(f"{KEYS}{made.json()['id']}/revoke/").status_code == 200
    listed = client.get(KEYS, {"owner": user.pk, "revoked": "true"}).json()["results"]
    assert [key["id"] for key in listed] == [made.json()["id"]]
    assert APIClient().get(KEYS).status_code == 401


def test_a_partner_goes_through_its_states() -> None:
    client, user = sign_in(Role.ADMIN)
    agreed = {"allowed_scopes": ["core.view_run"], "data_classes": ["runs"], "licences": ["CC0"], "retention_days": 30}
    made = client.post(PARTNERS, {"partner": "Acme", "endpoint": "https://example.org/hook"} | agreed)
    assert made.status_code == 201
    body = made.json()
    assert (body["status"], body["owner"]) == ("draft", user.pk)
    assert {name: body[name] for name in agreed} == agreed
    address = f"{PARTNERS}{body['id']}/"
    assert client.get(address).json() == body
    refused = client.post(f"{address}suspend/")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "Acme is draft, which leads to active or closed; not to suspended."
    for verb, status in (("activate", "active"), ("suspend", "suspended"), ("activate", "active")):
        assert client.post(f"{address}{verb}/").json()["status"] == status
    assert client.delete(address).status_code == 409
    key = client.post(KEYS, NEW | {"partner": body["id"]})
    assert key.status_code == 201
    assert [row["id"] for row in client.get(KEYS, {"partner": body["id"]}).json()["results"]] == [key.json()["id"]]
    assert fields(client.post(KEYS, NEW | {"partner": body["id"], "scopes": ["core.add_run"]})) == ["scopes.0"]
    assert client.patch(address, {"retention_days": None}).json()["retention_days"] is None
    assert client.post(f"{address}close/").json()["status"] == "closed"
    assert client.patch(address, {"retention_days": 1}).status_code == 409
    assert client.post(f"{address}activate/").json()["detail"].startswith("Acme is closed, which is the end")
    assert client.post(KEYS, NEW | {"partner": body["id"]}).status_code == 409
    draft = PartnerFactory()
    assert client.delete(f"{PARTNERS}{draft.pk}/").status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "partner"),
        ({"partner": "x", "data_classes": ["dreams"]}, "data_classes"),
        ({"partner": "x", "allowed_scopes": ["core.dream"]}, "allowed_scopes"),
        ({"partner": "x", "status": "active"}, "status"),
        ({"partner": "x", "endpoint": "http://example.org"}, "endpoint"),
        ({"partner": "x", "endpoint": "nowhere"}, "endpoint"),
        ({"partner": "x", "auth_kind": "hmac"}, "secret_ref"),
        ({"partner": "x", "secret_ref": "S3cret with spaces=="}, "secret_ref"),
        ({"partner": "x", "retention_days": 0}, "retention_days"),
        ({"partner": "ACME"}, "partner"),
        ({"partner": "x", "owner": 2**31 - 1}, "owner"),
    ],
)
def test_a_partner_that_makes_no_sense_names_the_field(body: dict[str, Any], field: str) -> None:
    client, _ = sign_in(Role.ADMIN)
    PartnerFactory(partner="Acme")
    assert fields(client.post(PARTNERS, body)) == [field]
    assert PartnerConfig.objects.count() == 1


def test_who_may_do_what_with_partners() -> None:
    partner = PartnerFactory()
    for role in (Role.USER, Role.READONLY):
        client, _ = sign_in(role)
        assert client.get(PARTNERS).status_code == 403
        assert client.post(PARTNERS, {"partner": "x"}).status_code == 403
        assert client.post(f"{PARTNERS}{partner.pk}/activate/").status_code == 403
    operator, _ = sign_in(Role.OPERATOR)
    mine = operator.post(PARTNERS, {"partner": "mine"})
    assert mine.status_code == 201
    assert operator.post(f"{PARTNERS}{mine.json()['id']}/activate/").status_code == 200
    assert operator.delete(f"{PARTNERS}{mine.json()['id']}/").status_code == 403
    client, _ = sign_in(Role.USER)
    assert fields(client.post(KEYS, NEW | {"partner": mine.json()["id"]})) == ["partner"]


def test_no_secret_and_no_hash_reaches_the_audit() -> None:
    client, _ = sign_in(Role.USER)
    body = client.post(KEYS, NEW).json()
    key = ApiKey.objects.get(pk=body["id"])
    old = bytes(key.secret_hash).hex()
    client.post(f"{KEYS}{key.pk}/rotate/", {"grace_minutes": 10})
    new = bytes(ApiKey.objects.get(pk=key.pk).secret_hash).hex()
    entries = AuditEntry.objects.filter(table_name="user_mgmt.api_keys", row_key=str(key.pk)).order_by("id")
    payloads = [bytes(entry.payload).decode() for entry in entries]
    assert [entry.action for entry in entries] == ["create", "update"]
    for payload in payloads:
        assert old not in payload
        assert new not in payload
        assert body["key"][14:] not in payload
    assert '"secret_hash"' in payloads[1].partition("changed_secrets")[2]
