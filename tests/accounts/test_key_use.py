"""Programs sign in with keys: which work, what they may do, and what is kept of their use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.models import ApiKey, ApiKeyUse, User
from accounts.services import change_partner, change_partner_status, create_api_key, revoke_api_key, rotate_api_key
from accounts.services.key_use import _seen
from core.models import AuditEntry
from tests.factories.accounts import AdminFactory, OperatorFactory, PartnerFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

RUNS = "/api/v1/runs/"
NOT_VALID = "The API key is not valid."


@pytest.fixture(autouse=True)
def _roles(db: None) -> None:
    call_command("loaddata", "roles", verbosity=0)
    _seen.clear()


def make_key(owner: User | None = None, **fields: Any) -> tuple[ApiKey, str]:
    return create_api_key(**{"owner": owner or UserFactory(), "name": "rig", "scopes": ["core.view_run"]} | fields)


def call(text: str, path: str = RUNS, method: str = "get", body: Any = None, **extra: Any) -> Any:
    return getattr(APIClient(), method)(path, body, HTTP_AUTHORIZATION=f"Api-Key {text}", **extra)


def alter(key: ApiKey, **values: Any) -> None:
    ApiKey.objects.filter(pk=key.pk).update(**values)


def entries(key: ApiKey) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(table_name="user_mgmt.api_keys", row_key=str(key.pk), action="execute")
    return [json.loads(bytes(row.payload)) for row in rows.order_by("id")]


def test_a_key_signs_its_owner_in_within_its_scopes() -> None:
    owner = UserFactory()
    _, text = make_key(owner, scopes=["core.view_run", "core.add_run"])
    made = call(text, method="post", body={"name": "by key", "kind": "live"})
    assert made.status_code == 201
    assert made.json()["owner"] == owner.pk
    assert call(text).status_code == 200
    assert call(text, "/api/v1/fields/").status_code == 403
    assert call(text, "/api/v1/api-keys/").status_code == 403
    assert call(text, "/api/v1/").status_code == 200


@pytest.mark.parametrize("text", ["", "x", "nfcs_", "nfcs_abcdefgh_short", "nfcs_ABCDEFGH_" + "x" * 43, "é" * 60])
def test_what_is_no_key_is_refused(text: str) -> None:
    answer = call(text.encode().decode("latin-1"))
    assert answer.status_code == 401
    assert answer.json()["detail"] == NOT_VALID
    assert answer["WWW-Authenticate"] == 'Bearer realm="nfcs"'


def test_a_wrong_secret_and_an_unknown_prefix_are_told_alike() -> None:
    key, text = make_key()
    wrong, unknown = call(f"{text[:14]}{'x' * 43}"), call(f"nfcs_{'0' * 8}_{text[14:]}")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert [entry["details"]["outcome"] for entry in entries(key)] == ["wrong_secret"]
    assert text[14:] not in json.dumps(entries(key))


def test_a_key_ends_when_it_is_revoked_or_expires_or_its_owner_goes() -> None:
    key, text = make_key()
    assert call(text).status_code == 200
    alter(key, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert call(text).status_code == 200
    alter(key, created_at=datetime(2020, 1, 1, tzinfo=UTC), expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert call(text).json()["detail"] == "The API key has expired."
    alter(key, expires_at=None)
    User.objects.filter(pk=key.owner_id).update(is_active=False)
    assert call(text).json()["detail"] == "The owner of the API key is not active."
    User.objects.filter(pk=key.owner_id).update(is_active=True)
    assert call(text).status_code == 200
    revoke_api_key(key=key, now=datetime.now(UTC))
    refused = call(text)
    assert (refused.status_code, refused.json()["detail"]) == (401, "The API key was revoked.")
    assert [entry["details"]["outcome"] for entry in entries(key)] == ["used", "expired", "owner", "revoked"]


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["192.0.2.0/24"], "192.0.2.7", 200),
        (["192.0.2.0/24"], "192.0.3.7", 401),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", 200),
        (["192.0.2.0/24"], "2001:db8::1", 401),
        (["192.0.2.0/24", "2001:db8::/32"], "2001:db8::1", 200),
        (["2001:db8::/32"], "2001:db9::1", 401),
        (["192.0.2.0/24"], "", 401),
        (["0.0.0.0/0", "::/0"], "", 401),
        ([], "", 200),
        ([], "203.0.113.9", 200),
    ],
)
def test_a_key_works_from_its_networks_alone(networks: list[str], address: str, status: int) -> None:
    _, text = make_key(allowed_networks=networks)
    assert call(text, REMOTE_ADDR=address).status_code == status


def test_what_a_proxy_forwards_counts_only_behind_one() -> None:
    _, text = make_key(allowed_networks=["192.0.2.0/24"])
    spoofed = {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    assert call(text, **spoofed).status_code == 401
    with override_settings(BEHIND_PROXY=True):
        assert call(text, **spoofed).status_code == 200
        assert call(text, REMOTE_ADDR="192.0.2.7").status_code == 401
        behind = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7, 203.0.113.9"}
        assert call(text, **behind).status_code == 401


def test_a_rotated_key_has_a_new_secret_and_the_old_one_a_grace() -> None:
    key, first = make_key()
    _, second = rotate_api_key(key=key, now=datetime.now(UTC))
    assert (call(first).status_code, call(second).status_code) == (401, 200)
    _, third = rotate_api_key(key=key, grace_minutes=10, now=datetime.now(UTC))
    assert [call(text).status_code for text in (first, second, third)] == [401, 200, 200]
    _, fourth = rotate_api_key(key=key, now=datetime.now(UTC) - timedelta(minutes=1))
    assert [call(text).status_code for text in (second, third, fourth)] == [401, 401, 200]


def test_the_time_of_use_is_kept_once_a_minute_and_is_no_change() -> None:
    key, text = make_key()
    before = ApiKey.objects.get(pk=key.pk)
    assert before.last_used_at is None
    call(text)
    used = ApiKey.objects.get(pk=key.pk)
    assert used.last_used_at is not None
    assert used.updated_at == before.updated_at
    call(text)
    assert ApiKey.objects.get(pk=key.pk).last_used_at == used.last_used_at
    earlier = used.last_used_at - timedelta(seconds=61)
    alter(key, last_used_at=earlier)
    call(text)
    assert ApiKey.objects.get(pk=key.pk).last_used_at > earlier
    changes = AuditEntry.objects.filter(table_name="user_mgmt.api_keys", row_key=str(key.pk), action="update")
    assert not changes.exists()


def test_the_first_use_of_a_day_from_an_address_is_audited() -> None:
    key, text = make_key()
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        call(text, REMOTE_ADDR=address)
    _seen.clear()  # as another process would
    call(text, REMOTE_ADDR="192.0.2.1")
    assert [entry["event"] for entry in entries(key)] == ["api_key.used"] * 2
    assert [entry["details"]["address"] for entry in entries(key)] == ["192.0.2.1", "192.0.2.2"]
    actors = AuditEntry.objects.filter(row_key=str(key.pk), action="execute").values_list("actor_id", flat=True)
    assert set(actors) == {key.owner_id}


def test_refusals_are_audited_up_to_a_bound() -> None:
    key, text = make_key(allowed_networks=["192.0.2.0/24"])
    for number in range(210):
        assert call(text, REMOTE_ADDR=f"203.0.113.{number}").status_code == 401
    assert call(text, REMOTE_ADDR="192.0.2.1").status_code == 200
    assert ApiKeyUse.objects.filter(key=key, outcome="network").count() == 200
    assert [entry["event"] for entry in entries(key)] == ["api_key.refused"] * 200 + ["api_key.used"]


def test_the_audit_names_the_owner_as_actor_of_what_a_key_writes() -> None:
    owner = UserFactory()
    _, text = make_key(owner, scopes=["core.view_run", "core.add_run"])
    run = call(text, method="post", body={"name": "x"}).json()
    entry = AuditEntry.objects.get(table_name="nfcs_core.runs", row_key=str(run["id"]), action="create")
    assert entry.actor_id == owner.pk


def test_a_key_does_not_open_the_admin_and_wins_over_a_session() -> None:
    admin, owner = AdminFactory(), UserFactory()
    _, text = make_key(admin, scopes=["core.view_run", "accounts.view_user"])
    answer = Client().get("/admin/", HTTP_AUTHORIZATION=f"Api-Key {text}")
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]
    signed_in = Client()
    signed_in.force_login(admin)
    _, small = make_key(owner, scopes=["core.view_run"])
    assert signed_in.get("/api/v1/config/", HTTP_AUTHORIZATION=f"Api-Key {small}").status_code == 403
    assert signed_in.get("/api/v1/config/").status_code == 200


def test_a_superusers_key_manages_keys_only_with_the_scope() -> None:
    admin = AdminFactory()
    foreign, _ = make_key()
    _, viewing = make_key(admin, scopes=["accounts.view_apikey", "accounts.add_apikey"])
    listed = call(viewing, "/api/v1/api-keys/").json()["results"]
    assert {row["owner"] for row in listed} == {admin.pk}
    assert call(viewing, f"/api/v1/api-keys/{foreign.pk}/").status_code == 404
    beyond = call(viewing, "/api/v1/api-keys/", "post", {"name": "x", "scopes": ["core.view_run"]})
    assert beyond.status_code == 400
    assert beyond.json()["errors"][0]["field"] == "scopes.0"
    within = call(viewing, "/api/v1/api-keys/", "post", {"name": "x", "scopes": ["accounts.view_apikey"]})
    assert within.status_code == 201
    _, managing = make_key(admin, scopes=["accounts.view_apikey", "accounts.manage_apikey"])
    assert call(managing, f"/api/v1/api-keys/{foreign.pk}/").status_code == 200


SCOPES = ["core.view_run", "core.view_fieldstate", "validation.view_metricsample"]


@pytest.fixture
def partners_key() -> tuple[Any, str]:
    partner = PartnerFactory(allowed_scopes=SCOPES, data_classes=["runs", "fields"], owner=OperatorFactory())
    return partner, make_key(OperatorFactory(), scopes=SCOPES, partner=partner)[1]


def test_a_partners_key_works_while_the_partner_is_active(partners_key: Any) -> None:
    partner, text = partners_key
    statuses = []
    for status in ("active", "suspended", "active", "closed"):
        statuses.append(call(text).status_code)
        change_partner_status(partner=partner, status=status)
    assert [*statuses, call(text).status_code] == [401, 200, 401, 200, 401]


def test_a_partners_key_sees_its_classes_of_data_and_narrowing_takes_effect_at_once(partners_key: Any) -> None:
    partner, text = partners_key
    change_partner_status(partner=partner, status="active")
    RunFactory()

    def ask() -> list[int]:
        return [call(text, f"/api/v1/{name}/").status_code for name in ("runs", "fields", "metrics")]

    assert ask() == [200, 200, 403]
    change_partner(partner_id=partner.pk, data_classes=["metrics", "fields"])
    assert ask() == [403, 200, 200]
    change_partner(partner_id=partner.pk, allowed_scopes=["validation.view_metricsample"])
    assert ask() == [403, 403, 200]
    assert ApiKey.objects.get(partner=partner).scopes == sorted(SCOPES)


def test_a_partners_key_never_manages_users_or_keys() -> None:
    scopes = ["accounts.view_user", "accounts.add_apikey", "accounts.view_apikey", "core.view_run"]
    partner = PartnerFactory(allowed_scopes=scopes, data_classes=["runs"])
    _, text = make_key(AdminFactory(), scopes=scopes, partner=partner)
    change_partner_status(partner=partner, status="active")
    assert call(text).status_code == 200
    assert call(text, "/api/v1/api-keys/").status_code == 403
    assert call(text, "/api/v1/api-keys/", "post", {"name": "x", "scopes": []}).status_code == 403


def test_a_role_that_changes_takes_its_permissions_from_the_key() -> None:
    operator = OperatorFactory()
    _, text = make_key(operator, scopes=["core.view_run", "core.change_run"])
    run = RunFactory()
    assert call(text, f"{RUNS}{run.pk}/", "patch", {"name": "x"}).status_code == 200
    operator.role = Role.USER
    operator.save()
    # Refused, or not seen at all.
    assert call(text, f"{RUNS}{run.pk}/", "patch", {"name": "y"}).status_code in (403, 404)


def test_the_functions_that_see_past_row_security_are_the_runtime_roles_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, coalesce(array_to_string(p.proacl, ' '), '=X') FROM pg_proc p "
            "WHERE p.proname IN ('find_api_key_v1', 'note_key_use_v1', 'take_request_v1', 'forget_rate_limits_v1')"
        )
        rights = dict(cursor.fetchall())
    assert len(rights) == 4
    for name, right in rights.items():
        assert "nfcs_app=X" in right, name
        assert not right.startswith("=X"), name
        assert " =X" not in right, name
