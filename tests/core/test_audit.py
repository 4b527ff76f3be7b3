"""The audit trigger: whoever changes a row leaves an entry, and the entry is what was hashed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import create_api_key
from core.db.identity import set_actor
from core.models import AuditEntry, SystemConfig
from tests.factories.accounts import AdminFactory, PartnerFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db


def entries(table: str, key: Any) -> list[tuple[str, dict[str, Any]]]:
    rows = AuditEntry.objects.filter(table_name=table, row_key=str(key)).order_by("id")
    return [(row.action, json.loads(bytes(row.payload))) for row in rows]


def test_making_changing_and_deleting_is_one_entry_each() -> None:
    config = SystemConfig.objects.create(config_key="a.b", config_value=1, config_type="integer")
    SystemConfig.objects.filter(pk=config.pk).update(config_value=2)
    key = config.pk
    config.delete()
    found = entries("nfcs_core.system_config", key)
    assert [action for action, _ in found] == ["create", "update", "delete"]
    assert [(body["before"] or {}).get("config_value") for _, body in found] == [None, 1, 2]
    assert [(body["after"] or {}).get("config_value") for _, body in found] == [1, 2, None]


def test_raw_sql_is_seen_and_an_empty_update_is_not() -> None:
    run = RunFactory(name="before")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs SET name = 'after' WHERE id = %s", [run.pk])
        cursor.execute("UPDATE runs SET name = 'after' WHERE id = %s", [run.pk])
    assert [action for action, _ in entries("nfcs_core.runs", run.pk)] == ["create", "update"]


def test_the_digest_is_of_the_stored_bytes() -> None:
    run = RunFactory(name="Grüße")
    entry = AuditEntry.objects.get(table_name="nfcs_core.runs", row_key=str(run.pk))
    assert bytes(entry.payload_sha256) == hashlib.sha256(bytes(entry.payload)).digest()
    assert json.loads(bytes(entry.payload))["after"]["name"] == "Grüße"


def test_the_actor_of_the_transaction_is_named() -> None:
    user = AdminFactory()
    set_actor(user.pk)
    run = RunFactory()
    assert AuditEntry.objects.get(table_name="nfcs_core.runs", row_key=str(run.pk)).actor_id == user.pk


def test_hashes_of_secrets_stay_out() -> None:
    user = UserFactory()
    key, text = create_api_key(owner=user, name="x", scopes=[])
    user.set_password("another")
    user.save()
    assert "secret_hash" not in entries("user_mgmt.api_keys", key.pk)[0][1]["after"]
    made, changed = entries("user_mgmt.users", user.pk)
    assert "password_hash" not in made[1]["after"]
    assert changed[1]["changed_secrets"] == ["password_hash"]
    assert user.password not in str(entries("user_mgmt.users", user.pk))
    assert text not in str(entries("user_mgmt.api_keys", key.pk))


def test_partners_are_audited() -> None:
    partner = PartnerFactory()
    assert entries("user_mgmt.partner_configs", partner.pk)[0][0] == "create"


def test_the_runtime_role_reads_the_trail_and_no_more() -> None:
    with connection.cursor() as cursor:
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            cursor.execute("SELECT has_table_privilege('nfcs_app', 'golden_dag_audit', %s)", [right])
            assert cursor.fetchone() == (False,)


@pytest.mark.owner
@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE golden_dag_audit SET action = 'read'", "golden_dag_audit_append_only"),
        (
            "INSERT INTO golden_dag_audit (database_role, action, table_name, row_key, payload, payload_sha256) "
            "VALUES ('x', 'create', 't', '1', 'a', sha256('b'))",
            "golden_dag_audit_payload_ck",
        ),
        (
            "INSERT INTO golden_dag_audit (database_role, action, table_name, row_key, payload, payload_sha256) "
            "VALUES ('x', 'dream', 't', '1', 'a', sha256('a'))",
            "golden_dag_audit_action_ck",
        ),
    ],
)
def test_the_trail_is_append_only_and_true_to_its_digest(statement: str, constraint: str) -> None:
    RunFactory()
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert error.value.__cause__.diag.constraint_name == constraint
