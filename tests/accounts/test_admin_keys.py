"""Keys and partners in the admin."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, PartnerConfig
from accounts.services import create_api_key
from core.models import AuditEntry
from tests.factories.accounts import AdminFactory, PartnerFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

KEYS, PARTNERS = "/admin/accounts/apikey/", "/admin/accounts/partnerconfig/"


@pytest.fixture
def page() -> Client:
    client = Client()
    client.force_login(AdminFactory())
    return client


def errors(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def test_a_key_is_shown_once(page: Client) -> None:
    owner = UserFactory()
    form = {"owner": owner.pk, "name": "simulator", "scopes": ["core.add_run"], "rate_limit_per_min": 60, "burst": 6}
    answer = page.post(f"{KEYS}add/", form | {"allowed_networks": "192.0.2.0/24"}, follow=True)
    key = ApiKey.objects.get(owner=owner)
    (secret,) = re.findall(rf"nfcs_{key.prefix}_([\w-]{{43}})", answer.content.decode())
    assert bytes(key.secret_hash) == hashlib.sha256(secret.encode()).digest()
    assert (key.scopes, key.allowed_networks) == (["core.add_run"], ["192.0.2.0/24"])
    for address in (KEYS, f"{KEYS}{key.pk}/change/"):
        assert secret not in page.get(address).content.decode()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"allowed_networks": "everywhere"}, "allowed_networks"),
        ({"allowed_networks": "192.0.2.1/24"}, "allowed_networks"),
        ({"scopes": ["core.dream"]}, "scopes"),
        ({"burst": 0}, "__all__"),
        ({"rate_limit_per_min": 2**31}, "rate_limit_per_min"),
        ({"name": "a\x00b"}, "name"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}, "expires_at"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_at_its_field(page: Client, fields: dict, name: str) -> None:
    form = {"owner": UserFactory().pk, "name": "x", "rate_limit_per_min": 60, "burst": 6}
    answer = page.post(f"{KEYS}add/", form | fields)
    assert answer.status_code == 200
    assert name in errors(answer)
    assert not ApiKey.objects.exists()


def test_keys_are_changed_and_revoked_but_keep_their_owner(page: Client) -> None:
    key, _ = create_api_key(owner=UserFactory(), name="old", scopes=[])
    form = {"owner": UserFactory().pk, "name": "new", "rate_limit_per_min": 60, "burst": 6}
    assert page.post(f"{KEYS}{key.pk}/change/", form).status_code == 302
    again = ApiKey.objects.get(pk=key.pk)
    assert (again.name, again.owner_id, bytes(again.secret_hash)) == ("new", key.owner_id, bytes(key.secret_hash))
    for _ in range(2):
        page.post(KEYS, {"action": "revoke", "_selected_action": [key.pk]}, follow=True)
    assert ApiKey.objects.get(pk=key.pk).revoked_at is not None
    assert page.post(f"{KEYS}{key.pk}/delete/", {"post": "yes"}).status_code == 403


def test_partners_move_only_where_they_may(page: Client) -> None:
    partner = PartnerFactory()
    form = {"partner": partner.partner, "owner": partner.owner_id, "auth_kind": "none"}
    address = f"{PARTNERS}{partner.pk}/change/"
    assert "status" in errors(page.post(address, form | {"status": "suspended"}))
    assert page.post(address, form | {"status": "active", "endpoint": "https://example.org/hook"}).status_code == 302
    assert PartnerConfig.objects.get().status == "active"
    for bad, name in (({"endpoint": "http://example.org"}, "__all__"), ({"secret_ref": "S3cret!"}, "secret_ref")):
        assert name in errors(page.post(address, form | {"status": "active"} | bad))


def test_the_audit_trail_shows_what_changed(page: Client) -> None:
    run = RunFactory(name="before")
    run.name = "<b>after</b>"
    run.save()
    entry = AuditEntry.objects.filter(table_name="nfcs_core.runs", action="update").get()
    text = page.get(f"/admin/core/auditentry/{entry.pk}/change/").content.decode()
    assert "before" in text
    assert "&lt;b&gt;after&lt;/b&gt;" in text
    assert page.get("/admin/core/auditentry/").status_code == 200
