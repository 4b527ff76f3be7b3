"""Entries about events, and rows of any key, with secrets and large values, in the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.db.identity import set_actor
from core.exceptions import InvalidInput
from core.models import AuditEntry
from core.services.audit import record_event
from tests.factories.accounts import AdminFactory

pytestmark = pytest.mark.django_db


def test_an_event_is_an_entry_with_its_actor() -> None:
    user = AdminFactory()
    set_actor(user.pk)
    made = record_event(
        event="export.made", action="read", table_name="nfcs_core.runs", row_key="*", details={"rows": 3}
    )
    entry = AuditEntry.objects.get(id=made)
    assert (entry.actor_id, entry.action, entry.table_name, entry.row_key) == (user.pk, "read", "nfcs_core.runs", "*")
    assert json.loads(bytes(entry.payload)) == {"event": "export.made", "details": {"rows": 3}}
    assert bytes(entry.payload_sha256) == hashlib.sha256(bytes(entry.payload)).digest()


def test_what_a_stranger_typed_is_stored_and_readable() -> None:
    details = {"user\x00name": "\ud800 a\x00b", "n": [float("nan"), 1e400, 10**30, True], "deep": {"a": ({1},)}}
    made = record_event(
        event="signin.refused", action="execute", table_name="user_mgmt.users", row_key="\x00" * 300, details=details
    )
    entry = AuditEntry.objects.get(id=made)
    assert json.loads(bytes(entry.payload))["details"] == {
        "user�name": "? a�b",
        "n": ["nan", "inf", str(10**30), True],
        "deep": {"a": [[1]]},
    }
    assert len(entry.row_key) == 255


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event": ""}, "event"),
        ({"event": "x" * 101}, "event"),
        ({"action": "dream"}, "action"),
        ({"details": {"x": "y" * 60_000}}, "details"),
    ],
)
def test_an_event_that_is_none_names_its_field(changes: dict[str, Any], field: str) -> None:
    event = {"event": "x", "action": "read", "table_name": "t", "row_key": 1} | changes
    with pytest.raises(InvalidInput) as error:
        record_event(**event)
    assert error.value.errors[0].field == field


@pytest.mark.parametrize("details", ["[1]", '"x"', json.dumps({"x": "y" * 66_000})])
def test_sql_takes_no_other_details(details: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nfcs_core.record_event_v1('e', 'read', 't', '1', %s::jsonb)", [details])
    assert error.value.__cause__.diag.constraint_name == "golden_dag_audit_event"


@pytest.fixture
def table() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE nfcs_core.probes (
                place text, number integer, secret text, seen_at timestamptz, large bytea,
                updated_at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (number, place));
            CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON nfcs_core.probes
                FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v2('*secret', 'seen_at');
            """
        )
        yield "nfcs_core.probes"


def entries(table: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = AuditEntry.objects.filter(table_name=table).order_by("id")
    return [(entry.action, entry.row_key, json.loads(bytes(entry.payload))) for entry in found]


@pytest.mark.owner
def test_keys_of_several_columns_and_secrets(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES ('a', 1, 'hush', '2026-01-01+00')")
        cursor.execute(f"UPDATE {table} SET secret = 'other'")
        cursor.execute(f"UPDATE {table} SET seen_at = '2026-01-02+00', updated_at = clock_timestamp()")
        cursor.execute(f"UPDATE {table} SET secret = 'other'")
        cursor.execute(f"DELETE FROM {table}")
    found = entries(table)
    assert [(action, key) for action, key, _ in found] == [("create", "1,a"), ("update", "1,a"), ("delete", "1,a")]
    assert [body.get("changed_secrets") for *_, body in found] == [["secret"]] * 3
    assert "hush" not in str(found)
    assert "other" not in str(found)
    assert "seen_at" not in str(found)


@pytest.mark.owner
def test_a_large_value_stands_as_its_digest(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES ('a', 1, '', NULL, decode(repeat('ab', 5000), 'hex'))")
    ((_, _, body),) = entries(table)
    text = '"\\\\x' + "ab" * 5000 + '"'
    assert body["after"]["large"] == {"sha256": hashlib.sha256(text.encode()).hexdigest(), "octets": len(text)}
    assert body["after"]["place"] == "a"


@pytest.mark.owner
def test_what_is_written_does_not_follow_the_settings_of_the_session(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD moment timestamptz, ADD number8 double precision")
        for settings in ("SELECT 1", "SET LOCAL timezone = 'Asia/Kathmandu'; SET LOCAL extra_float_digits = -5"):
            cursor.execute(settings)
            cursor.execute(f"INSERT INTO {table} VALUES ('a', 1, '', NULL, NULL, NULL, '2026-01-01+00', 0.1::float8/3)")
            cursor.execute(f"DELETE FROM {table}")
    bodies = [body["after"] for action, _, body in entries(table) if action == "create"]
    assert bodies[0] == bodies[1]
