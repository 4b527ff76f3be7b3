"""Whatever a superuser does to the audit trail is found, by the command and by the verifier of an export."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from core.management.base import FindingsError
from core.models import AuditEntry, AuditLink
from tests import server
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db(transaction=True)

RELINK = """
DO $$
DECLARE
    l record;
    e nfcs_core.golden_dag_audit;
    before bytea;
    entry_hash bytea;
BEGIN
    FOR l IN SELECT * FROM nfcs_core.audit_links WHERE lane = 0 AND sequence >= {first} ORDER BY sequence LOOP
        SELECT * INTO e FROM nfcs_core.golden_dag_audit WHERE id = l.entry_id;
        SELECT link_sha256 INTO before FROM nfcs_core.audit_links WHERE lane = 0 AND sequence = l.sequence - 1;
        before := coalesce(before, decode(repeat('00', 32), 'hex'));
        entry_hash := nfcs_core.audit_entry_sha256_v1(
            e.id, e.ts, e.actor_id, e.database_role, e.action, e.table_name, e.row_key, e.payload_sha256);
        UPDATE nfcs_core.audit_links SET entry_sha256 = entry_hash, previous_sha256 = before,
            link_sha256 = nfcs_core.audit_link_sha256_v1(0::smallint, l.sequence, e.id, e.ts, entry_hash, before)
        WHERE entry_id = l.entry_id RETURNING link_sha256 INTO before;
    END LOOP;
    UPDATE nfcs_core.audit_lanes SET head = before WHERE lane = 0;
END $$;
"""
EDIT = "UPDATE golden_dag_audit SET payload = '{{}}', payload_sha256 = sha256('{{}}') WHERE id = {id};"
CUT = """
DELETE FROM golden_dag_audit WHERE id > {id};
DELETE FROM audit_links WHERE entry_id > {id};
UPDATE audit_lanes SET (sequence, head) = (SELECT sequence, link_sha256 FROM audit_links WHERE entry_id = {id})
WHERE lane = 0;
"""


@dataclass
class Trail:
    """Ten entries in lane 0: a checkpoint after the sixth and after the ninth.

    Attributes:
        kept: files of the two checkpoints.
    """

    ids: list[int]
    kept: list[Path]
    directory: Path
    kinds: set[str] = field(default_factory=set)

    def tamper(self, statements: str) -> None:
        with psycopg.connect(server.admin_url(connection.settings_dict["NAME"])) as superuser:
            superuser.execute("SET session_replication_role = replica; SET search_path = public, nfcs_core")
            superuser.execute("ALTER TABLE nfcs_core.golden_dag_audit DROP CONSTRAINT golden_dag_audit_payload_ck")
            superuser.execute("ALTER TABLE nfcs_core.audit_links DROP CONSTRAINT audit_links_place_uq")
            superuser.execute("ALTER TABLE nfcs_core.audit_links DROP CONSTRAINT audit_links_pkey")
            superuser.execute(statements)

    def restore_constraints(self) -> None:
        with psycopg.connect(server.admin_url(connection.settings_dict["NAME"])) as superuser:
            superuser.execute("TRUNCATE nfcs_core.golden_dag_audit, nfcs_core.audit_links")
            for table, name, definition in (
                ("golden_dag_audit", "golden_dag_audit_payload_ck", "CHECK (payload_sha256 = sha256(payload))"),
                ("audit_links", "audit_links_place_uq", "UNIQUE (lane, sequence)"),
                ("audit_links", "audit_links_pkey", "PRIMARY KEY (entry_id)"),
            ):
                superuser.execute(f"ALTER TABLE nfcs_core.{table} DROP CONSTRAINT IF EXISTS {name}")
                superuser.execute(f"ALTER TABLE nfcs_core.{table} ADD CONSTRAINT {name} {definition}")

    def verify(self, *options: str) -> dict[str, Any]:
        """What the command finds."""
        out = StringIO()
        try:
            call_command("audit", "verify", "--json", "--processes=1", *options, stdout=out)
        except FindingsError as error:
            assert error.returncode == 3
        return json.loads(out.getvalue())

    def verify_export(self, *options: str) -> dict[str, Any]:
        """What the verifier in an export finds, on its own."""
        target = self.directory / "export"
        call_command("audit", "export", str(target), stdout=StringIO())
        done = subprocess.run(
            [sys.executable, "-I", str(target / "verify.py"), str(target), "--json", *options],
            capture_output=True,
            text=True,
            check=False,
        )
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["ok"] else 3), done.stderr
        return report


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    kept = []
    before = set(AuditEntry.objects.values_list("id", flat=True))
    for number in range(1, 11):
        RunFactory()
        if number in (6, 9):
            out = StringIO()
            call_command("audit", "checkpoint", "--json", f"--output={tmp_path}", stdout=out)
            kept.append(Path(json.loads(out.getvalue())["path"]))
    ids = sorted(set(AuditEntry.objects.values_list("id", flat=True)) - before)
    assert len(ids) == 10
    assert set(AuditLink.objects.values_list("lane", flat=True)) == {0}
    made = Trail(ids, kept, tmp_path)
    yield made
    made.restore_constraints()


def test_an_honest_trail_raises_no_alarm(trail: Trail) -> None:
    options = [f"--checkpoint={path}" for path in trail.kept]
    for report in (trail.verify(*options), trail.verify_export(*options)):
        assert (report["findings"], report["first_bad"], report["signatures"]) == ([], None, "verified")
        assert report["entries"] == report["links"] >= 10
    assert trail.verify("--after=2")["links"] < 10
    assert trail.verify("--processes=2")["links"] >= 10


@pytest.mark.parametrize(
    ("statements", "kind", "first"),
    [
        (EDIT, "edited", 3),
        ("UPDATE golden_dag_audit SET payload = '{{}}' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET actor_id = 77 WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET database_role = 'x' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET action = 'read' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET row_key = row_key || '1' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET ts = ts + interval '1 us' WHERE id = {id}", "missing", 3),
        ("UPDATE audit_links SET entry_ts = entry_ts + interval '1 us' WHERE entry_id = {id}", "edited", 3),
        ("DELETE FROM golden_dag_audit WHERE id = {id}", "missing", 3),
        ("DELETE FROM audit_links WHERE entry_id = {id}", "inserted", 3),
        ("DELETE FROM golden_dag_audit WHERE id = {id}; DELETE FROM audit_links WHERE entry_id = {id}", "missing", 4),
        (
            "INSERT INTO golden_dag_audit SELECT (jsonb_populate_record(a, '{{\"id\": 1000000}}')).*"
            " FROM golden_dag_audit a WHERE id = {id}",
            "inserted",
            1_000_000,
        ),
        (
            "UPDATE golden_dag_audit a SET payload = b.payload, payload_sha256 = b.payload_sha256 FROM"
            " golden_dag_audit b WHERE (a.id, b.id) IN (({id}, {next}), ({next}, {id}))",
            "edited",
            3,
        ),
        (
            "UPDATE audit_links SET sequence = CASE entry_id WHEN {id} THEN sequence + 1 ELSE sequence - 1 END"
            " WHERE entry_id IN ({id}, {next})",
            "reordered",
            3,
        ),
        ("INSERT INTO audit_links SELECT * FROM audit_links WHERE entry_id = {id}", "duplicate", 3),
        (EDIT + RELINK, "rewritten", 0),
        (CUT, "cut", None),
        ("UPDATE audit_lanes SET sequence = sequence + 1 WHERE lane = 0", "cut", None),
        ("UPDATE audit_checkpoints SET entries = 1, document = document || ' ' WHERE number = 1", "checkpoint", None),
        ("UPDATE audit_checkpoints SET signature = decode(repeat('ab', 64), 'hex') WHERE number = 2", "signature", None),
        ("DELETE FROM audit_checkpoints WHERE number = 1", "checkpoint", None),
        (
            "UPDATE audit_checkpoints SET public_key = decode(repeat('ab', 32), 'hex') WHERE number = 2",
            "key",
            None,
        ),
    ],
)
def test_tampering_is_found_and_the_first_bad_entry_named(
    trail: Trail, statements: str, kind: str, first: int | None
) -> None:
    constraint = "audit_checkpoints_sha256_ck" in statements or "document" in statements
    if constraint:
        statements = "ALTER TABLE audit_checkpoints DROP CONSTRAINT audit_checkpoints_sha256_ck; " + statements
    sequence = AuditLink.objects.get(entry_id=trail.ids[3]).sequence
    trail.tamper(statements.format(id=trail.ids[3], next=trail.ids[4], first=sequence))
    key = trail.verify()["key_ids"][0]
    reports = [trail.verify(), trail.verify_export(*_pin(trail))]
    if constraint:
        trail.tamper_back()
    for report in reports:
        kinds = {finding["kind"] for finding in report["findings"]}
        assert kind in kinds | ({"checkpoint"} if "cannot be read" in str(report) else set()), report["findings"]
        if first is not None:
            named = {finding["entry"] for finding in report["findings"] if finding["kind"] == kind}
            assert (first if first > 100 else trail.ids[first]) in named or kind == "rewritten", (key, report)


def _pin(trail: Trail) -> list[str]:
    (line, *_) = (json.loads(path.read_text()) for path in trail.kept)
    return [f"--public-key={line['public_key']}"]
