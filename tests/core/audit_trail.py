"""A short audit trail, and what a superuser may do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection

from core.management.base import FindingsError
from core.models import AuditEntry, AuditLink
from tests import server
from tests.factories.core import RunFactory

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


CONSTRAINTS = (
    ("golden_dag_audit", "golden_dag_audit_payload_ck", "CHECK (payload_sha256 = sha256(payload))"),
    ("audit_links", "audit_links_place_uq", "UNIQUE (lane, sequence)"),
    ("audit_links", "audit_links_pkey", "PRIMARY KEY (entry_id)"),
    ("audit_checkpoints", "audit_checkpoints_sha256_ck", "CHECK (sha256 = sha256(document))"),
)


def as_superuser(*statements: str) -> None:
    """Past triggers and what else is in the way."""
    with psycopg.connect(server.admin_url(connection.settings_dict["NAME"])) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("SET search_path = public, nfcs_core")
        for statement in statements:
            superuser.execute(statement)


@dataclass(frozen=True)
class Trail:
    """Ten entries in lane 0: a checkpoint after the sixth and after the ninth.

    Attributes:
        ids: of the ten.
        kept: files of the two checkpoints.
    """

    ids: list[int]
    kept: list[Path]
    directory: Path

    def tamper(self, statements: str) -> None:
        """Change what nobody may change, around the fourth entry."""
        sequence = AuditLink.objects.get(entry_id=self.ids[3]).sequence
        as_superuser(
            *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _ in CONSTRAINTS),
            statements.format(id=self.ids[3], next=self.ids[4], first=sequence),
        )

    def verify(self, *options: str) -> dict[str, Any]:
        """What the command finds."""
        out = StringIO()
        with suppress(FindingsError):
            call_command("audit", "verify", "--json", "--processes=1", *options, stdout=out)
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


@contextmanager
def lay_trail(tmp_path: Path) -> Iterator[Trail]:
    """A trail that is alone in the audit, and gone afterwards."""
    as_superuser("TRUNCATE golden_dag_audit, audit_links, audit_checkpoints, audit_lanes")
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
    yield Trail(ids, kept, tmp_path)
    as_superuser(
        "TRUNCATE golden_dag_audit, audit_links, audit_checkpoints, audit_lanes",
        *(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}" for table, name, _ in CONSTRAINTS),
        *(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in CONSTRAINTS),
    )
