"""Keys and partners in the admin."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import ApiKey, PartnerConfig
from accounts.services import create_api_key
from core.models import AuditEntry
from tests.factories.accounts import AdminFactory, OperatorFactory, PartnerFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

KEYS, PARTNERS = "/admin/accounts/apikey/", "/admin/accounts/partnerconfig/"


@pytest.fixture
def page(db: None) -> Client:
    call_command("loaddata", "roles", verbosity=0)
    client = Client()
    client.force_login(AdminFactory())
    return client


def errors(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def test_a_key_is_shown_once_on_a_page_that_nobody_keeps(page: Client) -> None:
    owner = UserFactory()
    form = {"owner": owner.pk, "name": "simulator", "scopes": ["core.add_run"], "rate_limit_per_min": 60, "burst": 6}
    answer = page.post(f"{KEYS}add/", form | {"allowed_networks": "192.0.2.0/24"})
    key = ApiKey.objects.get(owner=owner)
    (secret,) = set(re.findall(rf"nfcs_{key.prefix}_([\w-]{{43}})", answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    assert bytes(key.secret_hash) == hashlib.sha256(secret.encode()).digest()
    assert (key.scopes, key.allowed_networks) == (["core.add_run"], ["192.0.2.0/24"])
    for address in (KEYS, f"{KEYS}{key.pk}/change/", f"{KEYS}{key.pk}/history/"):
        assert secret not in page.get(address).content.decode()
    assert not any(secret in str(cookie) for cookie in page.cookies.values())


def test_a_key_is_rotated_and_its_new_text_shown_once(page: Client) -> None:
    key, old = create_api_key(owner=UserFactory(), name="rig", scopes=["core.view_run"])
    address = f"{KEYS}{key.pk}/rotate/"
    assert "grace_minutes" in page.get(address).content.decode()
    assert f"nfcs_{key.prefix}_" not in page.post(address, {"grace_minutes": 1441}).content.decode()
    answer = page.post(address, {"grace_minutes": 5})
    (text,) = set(re.findall(rf"nfcs_{key.prefix}_[\w-]{{43}}", answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    rotated = ApiKey.objects.get(pk=key.pk)
    assert bytes(rotated.secret_hash) == hashlib.sha256(text[14:].encode()).digest()
    assert bytes(rotated.previous_secret_hash or b"") == hashlib.sha256(old[14:].encode()).digest()


def test_operators_see_and_make_their_own_keys_alone(page: Client) -> None:
    call_command("loaddata", "roles", verbosity=0)
    operator = OperatorFactory()
    mine, _ = create_api_key(owner=operator, name="mine", scopes=[])
    foreign, _ = create_api_key(owner=UserFactory(), name="foreign", scopes=[])
    client = Client()
    client.force_login(operator)
    listed = client.get(KEYS).content.decode()
    assert mine.prefix in listed
    assert foreign.prefix not in listed
    for verb in ("change", "rotate", "revoke"):
        assert client.get(f"{KEYS}{foreign.pk}/{verb}/").status_code in (302, 404)
        assert client.get(f"{KEYS}{mine.pk}/{verb}/").status_code == 200
    form = {"owner": foreign.owner_id, "name": "new", "scopes": ["core.view_run"], "rate_limit_per_min": 9, "burst": 6}
    assert client.post(f"{KEYS}add/", form).status_code == 200
    assert ApiKey.objects.get(name="new").owner == operator
    beyond = client.post(f"{KEYS}add/", form | {"name": "beyond", "scopes": ["core.delete_run"]})
    assert "core.delete_run" in errors(beyond)["scopes"][0]


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
    assert "was revoked at" in page.post(f"{KEYS}{key.pk}/rotate/", {"grace_minutes": 0}, follow=True).content.decode()
    assert page.post(f"{KEYS}{key.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_key_is_revoked_after_a_question(page: Client) -> None:
    key, _ = create_api_key(owner=UserFactory(), name="rig", scopes=[])
    assert page.get(f"{KEYS}{key.pk}/revoke/").status_code == 200
    assert ApiKey.objects.get(pk=key.pk).revoked_at is None
    page.post(f"{KEYS}{key.pk}/revoke/")
    assert ApiKey.objects.get(pk=key.pk).revoked_at is not None


def test_a_key_shows_where_it_was_used(page: Client) -> None:
    key, _ = create_api_key(owner=UserFactory(), name="rig", scopes=["core.view_run"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_mgmt.note_key_use_v1(%s, '192.0.2.77', 'network')", [key.pk])
    for address in (f"{KEYS}{key.pk}/change/", "/admin/accounts/apikeyuse/"):
        assert "192.0.2.77" in page.get(address).content.decode()


def test_partners_move_only_where_they_may(page: Client) -> None:
    partner = PartnerFactory()
    create_api_key(owner=partner.owner, partner=partner, name="their rig", scopes=[])
    address = f"{PARTNERS}{partner.pk}/"
    for status, after in (("suspended", "draft"), ("active", "active"), ("suspended", "suspended")):
        page.post(f"{address}status/{status}/")
        assert PartnerConfig.objects.get().status == after
    text = page.get(f"{address}change/").content.decode()
    assert "Activate" in text
    assert "Suspend<" not in text
    assert "their rig" in text
    assert page.get(f"{address}status/active/").status_code == 405
    assert page.post(f"{address}status/dreaming/").status_code == 404


def test_what_is_agreed_with_a_partner_is_changed_in_its_form(page: Client) -> None:
    partner = PartnerFactory()
    form = {"partner": "Acme", "owner": partner.owner_id, "auth_kind": "none", "licences": "CC0,CC-BY"}
    form |= {"data_classes": ["runs"], "allowed_scopes": ["core.view_run"], "endpoint": "https://example.org/hook"}
    form |= {"api_keys-TOTAL_FORMS": 0, "api_keys-INITIAL_FORMS": 0}
    address = f"{PARTNERS}{partner.pk}/change/"
    assert page.post(address, form).status_code == 302
    changed = PartnerConfig.objects.get()
    assert (changed.partner, changed.licences, changed.data_classes) == ("Acme", ["CC0", "CC-BY"], ["runs"])
    for bad, name in (
        ({"endpoint": "http://example.org"}, "__all__"),
        ({"secret_ref": "S3cret!"}, "secret_ref"),
        ({"data_classes": ["dreams"]}, "data_classes"),
    ):
        assert name in errors(page.post(address, form | bad))
    new = page.post(f"{PARTNERS}add/", form | {"partner": "Other"})
    assert new.status_code == 302
    assert PartnerConfig.objects.get(partner="Other").status == "draft"


def test_whether_a_reference_leads_to_a_secret_is_shown_and_never_the_secret(
    page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = PartnerFactory(auth_kind="bearer", secret_ref="acme.bearer", webhook_key_ref="acme.hook")
    monkeypatch.setenv("NFCS_SECRET_ACME_BEARER", "canary-in-the-mine")
    text = page.get(f"{PARTNERS}{partner.pk}/change/").content.decode()
    assert "icon-yes" in text
    assert "icon-no" in text
    assert "canary-in-the-mine" not in text


def test_the_audit_trail_shows_what_changed(page: Client) -> None:
    run = RunFactory(name="before")
    run.name = "<b>after</b>"
    run.save()
    entry = AuditEntry.objects.filter(table_name="nfcs_core.runs", action="update").get()
    text = page.get(f"/admin/core/auditentry/{entry.pk}/change/").content.decode()
    assert "before" in text
    assert "&lt;b&gt;after&lt;/b&gt;" in text
    assert page.get("/admin/core/auditentry/").status_code == 200
