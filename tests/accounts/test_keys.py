"""API keys: made once, kept as a hash, ended for good."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from accounts.models import ApiKey
from accounts.services import create_api_key, revoke_api_key
from core.exceptions import Conflict
from tests.factories.accounts import AdminFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)


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
    ("fields", "constraint"),
    [
        ({"scopes": ["core.dream"]}, "api_keys_scopes_known"),
        ({"scopes": [""]}, "api_keys_scopes_known"),
        ({"rate_limit_per_min": 0}, "api_keys_rate_limit_ck"),
        ({"burst": -1}, "api_keys_burst_ck"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "api_keys_expires_ck"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_by_name(fields: dict, constraint: str) -> None:
    with pytest.raises(IntegrityError) as error:
        make_key(**fields)
    assert error.value.__cause__.diag.constraint_name == constraint


@pytest.mark.parametrize("network", ["everywhere", "192.0.2.0/40", "192.0.2.1/24"])
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(DataError):
        make_key(allowed_networks=[network])


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"prefix": "UPPER123"}, "api_keys_identity_fixed"),
        ({"secret_hash": bytes(32)}, "api_keys_identity_fixed"),
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


def test_keys_go_with_their_owner() -> None:
    owner = AdminFactory()
    make_key(owner=owner)
    owner.delete()
    assert not ApiKey.objects.exists()
