"""Audit entries are linked into lanes when they are committed, and only then."""

from __future__ import annotations

import hashlib

import pytest
from django.db import IntegrityError, connection, transaction

from core.models import AuditCheckpoint, AuditEntry, AuditLane, AuditLink, RealityNetwork
from core.services.audit import record_event
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db


def commit() -> None:
    """Do what the end of a transaction does to deferred triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_the_entries_of_a_transaction_are_linked_at_its_end_one_after_the_other() -> None:
    commit()
    before = AuditLink.objects.count()
    for _ in range(3):
        RunFactory()
    assert AuditLink.objects.count() == before
    commit()
    links = list(AuditLink.objects.order_by("-entry_id")[:3])
    assert AuditLink.objects.count() == before + 3
    assert {link.lane for link in links} == {links[0].lane}
    third, second, first = links
    assert (first.sequence + 1, second.sequence + 1) == (second.sequence, third.sequence)
    assert bytes(second.previous_sha256) == bytes(first.link_sha256)
    assert bytes(third.previous_sha256) == bytes(second.link_sha256)
    lane = AuditLane.objects.get(lane=third.lane)
    assert (lane.sequence, bytes(lane.head)) == (third.sequence, bytes(third.link_sha256))


def test_a_transaction_stays_in_its_lane() -> None:
    RunFactory()
    commit()
    lane = AuditLink.objects.latest("entry_id").lane
    RunFactory()
    commit()
    assert AuditLink.objects.latest("entry_id").lane == lane


def test_what_was_rolled_back_to_a_savepoint_has_no_link() -> None:
    commit()
    before = set(AuditLink.objects.values_list("entry_id", flat=True))
    with transaction.atomic():
        RunFactory()
        transaction.set_rollback(True)
    with transaction.atomic():
        kept = RunFactory()
    commit()
    (link,) = AuditLink.objects.exclude(entry_id__in=before)
    assert AuditEntry.objects.get(id=link.entry_id).row_key == str(kept.pk)


def test_the_hashes_cover_every_column_and_the_place() -> None:
    made = record_event(event="e", action="read", table_name="t:1\n2", row_key="ü\n3", details={})
    commit()
    entry, link = AuditEntry.objects.get(id=made), AuditLink.objects.get(entry_id=made)
    microseconds = int(entry.ts.timestamp()) * 1_000_000 + entry.ts.microsecond
    role = entry.database_role.encode()
    described = b"nfcs-audit-entry-1\n%d\n%d\n0\n%d:%b\n4:read\n5:t:1\n2\n4:\xc3\xbc\n3\n" % (
        made,
        microseconds,
        len(role),
        role,
    )
    entry_sha256 = hashlib.sha256(described + bytes(entry.payload_sha256)).digest()
    assert bytes(link.entry_sha256) == entry_sha256
    place = b"nfcs-audit-link-1\n%d\n%d\n%d\n%d\n" % (link.lane, link.sequence, made, microseconds)
    digest = hashlib.sha256(place + entry_sha256 + bytes(link.previous_sha256)).digest()
    assert bytes(link.link_sha256) == digest


def test_of_a_few_edges_each_is_told_of_many_the_digest() -> None:
    network = RealityNetwork.objects.create(name="n", n_nodes=3, n_layers=1)
    with connection.cursor() as cursor:
        for first, last in ((0, 3), (3, 150)):
            cursor.execute(
                "INSERT INTO reality_nodes (network_id, layer, node_index, x, y, label)"
                " SELECT %s, 0, n, 0, 0, '' FROM generate_series(%s, %s - 1) n",
                [network.pk, first, last],
            )
        cursor.execute("UPDATE reality_nodes SET x = 1 WHERE network_id = %s AND node_index = 1", [network.pk])
    found = list(AuditEntry.objects.filter(table_name="nfcs_core.reality_nodes").order_by("id"))
    assert [entry.action for entry in found] == ["create"] * 4 + ["update"]
    assert [entry.row_key == "*" for entry in found] == [False] * 3 + [True, False]
    assert b'"rows": 147' in bytes(found[3].payload)
    assert b'"before": {' in bytes(found[4].payload)


@pytest.mark.owner
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "column"), [("audit_links", "lane"), ("audit_checkpoints", "entries"), ("golden_dag_audit", "id")]
)
def test_links_checkpoints_and_entries_are_append_only(statement: str, table: str, column: str) -> None:
    RunFactory()
    commit()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_checkpoints SELECT 1, now(), 'command', 0, 'x', sha256('x'), 's', 'k'"
            " WHERE NOT EXISTS (SELECT FROM audit_checkpoints)"
        )
    assert AuditCheckpoint.objects.exists()
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column, column))
    assert error.value.__cause__.diag.constraint_name == f"{table}_append_only"


def test_a_checkpoint_follows_the_last_one() -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nfcs_core.add_audit_checkpoint_v1(%s, '', '')",
            [b'{"number": 7, "previous": null, "made_at": "2026-01-01T00:00:00Z", "reason": "command", "entries": 0}'],
        )
    assert error.value.__cause__.diag.constraint_name == "audit_checkpoints_follow"


def test_the_runtime_role_writes_no_link() -> None:
    with connection.cursor() as cursor:
        for table in ("audit_lanes", "audit_links", "audit_checkpoints", "golden_dag_audit"):
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                cursor.execute("SELECT has_table_privilege('nfcs_app', %s, %s)", [table, right])
                assert cursor.fetchone() == (False,)
