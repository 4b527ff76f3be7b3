"""API keys: made once, kept as a hash, ended for good."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DataError, IntegrityError, connection, transaction

from accounts.models import ApiKey, ApiKeyUse
from accounts.services import change_api_key, create_api_key, revoke_api_key, rotate_api_key
from core.exceptions import Conflict, InvalidInput
from tests.factories.accounts import AdminFactory, PartnerFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _roles(db: None) -> None:
    call_command("loaddata", "roles", verbosity=0)


def make_key(**fields: Any) -> ApiKey:
    usual = {"owner": UserFactory(), "name": "simulator", "scopes": ["core.add_run", "core.view_run"]}
    with transaction.atomic():
        return create_api_key(**usual | fields)[0]


def test_only_the_hash_of_the_secret_is_kept() -> None:
    key, text = create_api_key(owner=UserFactory(), name="simulator", scopes=["core.add_run"])
    start, prefix, secret = text.split("_", 2)
    assert (start, prefix) == ("nfcs", key.prefix)
    assert len(secret) == 43
    assert bytes(key.secret_hash) == hashlib.sha256(secret.encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(k)::text FROM api_keys k WHERE id = %s", [key.pk])
        assert secret not in cursor.fetchone()[0]


def test_two_keys_are_never_the_same() -> None:
    owner = UserFactory()
    texts = {create_api_key(owner=owner, name="x", scopes=[])[1] for _ in range(50)}
    assert len(texts) == 50


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"scopes": ["core.view_run", "core.dream"]}, "scopes.1", "core.dream"),
        ({"scopes": [""]}, "scopes.0", "no permission"),
        ({"scopes": ["core.change_run"]}, "scopes.0", "core.change_run"),
        ({"rate_limit_per_min": 0}, "rate_limit_per_min", "1 to"),
        ({"burst": -1}, "burst", "1 to"),
        ({"rate_limit_per_min": 1_000_001}, "rate_limit_per_min", "1 to"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at", "ended"),
        ({"allowed_networks": ["everywhere"]}, "allowed_networks.0", "everywhere"),
        ({"allowed_networks": ["192.0.2.0/24", "192.0.2.0/40"]}, "allowed_networks.1", "192.0.2.0/40"),
        ({"allowed_networks": ["192.0.2.1/24"]}, "allowed_networks.0", "host bits"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_by_field(fields: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_key(**fields, now=NOW)
    assert [error.field for error in refused.value.errors] == [field]
    assert words in refused.value.errors[0].detail
    assert not ApiKey.objects.exists()


def test_nobody_makes_a_key_that_can_do_more_than_himself() -> None:
    with pytest.raises(InvalidInput) as refused:
        make_key(owner=AdminFactory(), actor=UserFactory(), scopes=["core.view_run", "core.change_run"])
    assert [error.field for error in refused.value.errors] == ["scopes.1"]


def test_the_scopes_of_a_partners_key_lie_in_what_is_agreed() -> None:
    partner = PartnerFactory(allowed_scopes=["core.view_run"])
    with pytest.raises(InvalidInput) as refused:
        make_key(partner=partner)
    assert "core.add_run" in refused.value.errors[0].detail
    key = make_key(partner=partner, scopes=["core.view_run"])
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(scopes=["core.view_run", "core.add_run"])
    assert error.value.__cause__.diag.constraint_name == "api_keys_partner_scopes"
    with pytest.raises(Conflict):
        make_key(partner=PartnerFactory(status="closed", allowed_scopes=["core.view_run"]), scopes=["core.view_run"])


def test_networks_are_kept_in_their_canonical_form() -> None:
    key = make_key(allowed_networks=["2001:DB8::/32", "192.0.2.9", "192.0.2.9/32"])
    assert key.allowed_networks == ["2001:db8::/32", "192.0.2.9/32"]
    changed = change_api_key(key=key, name="other", allowed_networks=[], rate_limit_per_min=7, burst=3)
    again = ApiKey.objects.get(pk=key.pk)
    assert (again.name, again.allowed_networks, again.rate_limit_per_min, again.burst) == ("other", [], 7, 3)
    with pytest.raises(InvalidInput):
        change_api_key(key=changed, burst=0)
    with pytest.raises(TypeError):
        change_api_key(key=changed, scopes=["core.change_run"])


@pytest.mark.parametrize("network", ["everywhere", "192.0.2.0/40", "192.0.2.1/24"])
def test_what_is_no_network_is_refused_by_the_database(network: str) -> None:
    key = make_key()
    with pytest.raises(DataError), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(allowed_networks=[network])


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"prefix": "UPPER123"}, "api_keys_identity_fixed"),
        ({"secret_hash": bytes(32)}, "api_keys_identity_fixed"),
        ({"previous_secret_hash": bytes(32), "previous_until": NOW, "rotated_at": NOW}, "api_keys_identity_fixed"),
        ({"rotated_at": NOW}, "api_keys_identity_fixed"),
        ({"owner_id": -1}, "api_keys_identity_fixed"),
    ],
)
def test_the_identity_of_a_key_is_fixed(values: dict, constraint: str) -> None:
    key = make_key()
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(**values)
    assert error.value.__cause__.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("values", "constraint"),
    [({"prefix": "UPPER123"}, "api_keys_prefix_ck"), ({"secret_hash": b"x"}, "api_keys_secret_hash_ck")],
)
def test_a_row_written_by_hand_is_checked_too(values: dict, constraint: str) -> None:
    usual = {"owner": UserFactory(), "name": "x", "prefix": "abcdefgh", "secret_hash": bytes(32)}
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ApiKey.objects.create(**usual | values)
    assert error.value.__cause__.diag.constraint_name == constraint


def test_revocation_is_final() -> None:
    key = revoke_api_key(key=make_key(), now=NOW)
    with pytest.raises(Conflict):
        revoke_api_key(key=key, now=NOW + timedelta(days=1))
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=None)
    assert error.value.__cause__.diag.constraint_name == "api_keys_revoked_final"


def test_a_rotation_keeps_the_secret_before_for_a_grace_of_a_day_at_most() -> None:
    key = make_key()
    rotated, text = rotate_api_key(key=key, grace_minutes=1440, now=NOW)
    assert bytes(rotated.previous_secret_hash or b"") == bytes(key.secret_hash)
    assert bytes(rotated.secret_hash) == hashlib.sha256(text[14:].encode()).digest()
    assert rotated.previous_until == NOW + timedelta(days=1)
    for minutes in (-1, 1441):
        with pytest.raises(InvalidInput):
            rotate_api_key(key=key, grace_minutes=minutes, now=NOW)
    for values, constraint in (
        ({"previous_until": NOW + timedelta(days=2)}, "api_keys_identity_fixed"),
        ({"previous_secret_hash": bytes(32)}, "api_keys_identity_fixed"),
        ({"rotated_at": None}, "api_keys_identity_fixed"),
    ):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            ApiKey.objects.filter(pk=key.pk).update(**values)
        assert error.value.__cause__.diag.constraint_name == constraint
    ApiKey.objects.filter(pk=key.pk).update(previous_until=NOW)
    revoke_api_key(key=key, now=NOW)
    with pytest.raises(Conflict):
        rotate_api_key(key=key, now=NOW)


def test_keys_go_with_their_owner() -> None:
    owner = UserFactory()
    key = make_key(owner=owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_mgmt.note_key_use_v1(%s, '192.0.2.1', 'used')", [key.pk])
    assert ApiKeyUse.objects.count() == 1
    owner.delete()
    assert not ApiKey.objects.exists()
    assert not ApiKeyUse.objects.exists()


@pytest.mark.parametrize("column", ["rate_limit_per_min", "burst"])
@pytest.mark.parametrize("value", [0, 1_000_001])
def test_the_database_bounds_the_limits_too(column: str, value: int) -> None:
    key, _ = create_api_key(owner=AdminFactory(), name="x", scopes=[])
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(**{column: value})
    assert error.value.__cause__.diag.constraint_name == f"api_keys_{'rate_limit' if 'rate' in column else 'burst'}_ck"
