"""Dropping a partition that was sealed leaves the chain provable; dropping one that was not is an alarm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from core.audit_verifier import verify_export
from core.db.partitions import drain_default
from core.exceptions import Conflict, InvalidInput, NotFound
from core.models import AuditEntry
from core.services.audit_checkpoints import make_checkpoint, seal_partition
from core.services.audit_verification import verify_and_record, verify_chain
from core.services.configuration import set_config
from core.services.retention import drop_expired_partitions, restore_partition
from tests import server
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD = "golden_dag_audit_y2020m01"
OLD_SAMPLES = "metric_samples_y2020m01"


def as_superuser(*statements: str) -> None:
    with psycopg.connect(server.admin_url(connection.settings_dict["NAME"])) as superuser:
        superuser.execute("SET search_path = public, nfcs_core, validation")
        for statement in statements:
            superuser.execute(statement)


@pytest.fixture
def old_entries() -> Iterator[None]:
    """Three entries of January 2020 in a partition of their own, and later ones; a checkpoint over all."""
    as_superuser(
        "TRUNCATE golden_dag_audit, audit_links, audit_checkpoints, audit_lanes",
        "SET ROLE nfcs_owner",
        "SELECT create_monthly_partition('golden_dag_audit', '2020-01-01')",
        "SELECT create_monthly_partition('metric_samples', '2020-01-01')",
        "RESET ROLE",
        "INSERT INTO golden_dag_audit (ts, database_role, action, table_name, row_key, payload, payload_sha256)"
        " SELECT '2020-01-10Z', 'x', 'create', 't', n::text, 'x', sha256('x') FROM generate_series(1, 3) n",
    )
    RunFactory()
    make_checkpoint(now=NOW, reason="command")
    yield
    as_superuser(
        "TRUNCATE golden_dag_audit, audit_links, audit_checkpoints, audit_lanes",
        f"DROP TABLE IF EXISTS nfcs_core.{OLD}",
        f"DROP TABLE IF EXISTS validation.{OLD_SAMPLES}",
    )


def test_a_sealed_partition_is_retained_as_links(old_entries: None, tmp_path: Path) -> None:
    sealed = seal_partition(table="golden_dag_audit", partition=OLD, now=NOW)
    assert sealed.content["retained"][0]["rows"] == 3
    assert verify_chain().retained == 0
    as_superuser(f"DROP TABLE nfcs_core.{OLD}")
    report = verify_chain()
    assert (report.findings, report.retained, report.links) == ([], 3, report.entries + 3)
    make_checkpoint(now=NOW + timedelta(hours=1), reason="command")
    out = StringIO()
    call_command("audit", "verify", "--processes=1", stdout=out)
    assert "3 retained as links up to checkpoint 3" in out.getvalue()
    call_command("audit", "export", str(tmp_path / "export"), stdout=StringIO())
    exported = verify_export(tmp_path / "export")
    assert (exported.findings, exported.retained) == ([], 3)


def test_retention_leaves_a_chain_that_holds(old_entries: None, tmp_path: Path, settings: Any) -> None:
    settings.ARCHIVE_DIR = tmp_path
    policy = {"keep_days": 2557, "archive": True}
    set_config(key="partitions.retention", value={"golden_dag_audit": policy, "metric_samples": policy})
    dropped = drop_expired_partitions(now=datetime(2027, 6, 1, tzinfo=UTC))
    assert [(one.partition, one.rows, one.problem) for one in dropped] == [(OLD, 3, ""), (OLD_SAMPLES, 0, "")]
    report = verify_chain()
    assert (report.findings, report.retained) == ([], 3)

    restore_partition(tmp_path / "golden_dag_audit" / OLD)
    report = verify_chain()
    assert (report.findings, report.retained) == ([], 0)


def test_entries_that_are_drained_stay_linked(old_entries: None) -> None:
    moved = [span.moved_rows for span in drain_default(table="golden_dag_audit")]
    assert sum(moved) > 0
    report = verify_chain()
    assert (report.findings, report.links) == ([], report.entries)


@pytest.mark.parametrize(("table", "kinds"), [(OLD, {"missing", "dropped"}), (OLD_SAMPLES, {"dropped"})])
def test_a_partition_dropped_in_silence_is_an_alarm(
    old_entries: None, tmp_path: Path, table: str, kinds: set[str]
) -> None:
    as_superuser(f"DROP TABLE {table}")
    assert {finding.kind for finding in verify_chain().findings} == kinds
    # The next checkpoint no longer names it, and still it shows.
    make_checkpoint(now=NOW + timedelta(hours=1), reason="command")
    assert {finding.kind for finding in verify_chain().findings} == kinds
    call_command("audit", "export", str(tmp_path / "export"), stdout=StringIO())
    assert {finding.kind for finding in verify_export(tmp_path / "export").findings} == kinds


def test_a_sealed_partition_of_telemetry_may_go(old_entries: None) -> None:
    seal_partition(table="metric_samples", partition=OLD_SAMPLES, now=NOW)
    as_superuser(f"DROP TABLE validation.{OLD_SAMPLES}")
    assert verify_chain().findings == []


def test_what_cannot_be_sealed_is_refused(old_entries: None) -> None:
    with pytest.raises(InvalidInput):
        seal_partition(table="runs", partition="x", now=NOW)
    with pytest.raises(NotFound):
        seal_partition(table="golden_dag_audit", partition="x", now=NOW)
    with pytest.raises(Conflict, match="DEFAULT"):
        seal_partition(table="golden_dag_audit", partition="golden_dag_audit_default", now=NOW)
    with pytest.raises(Conflict, match="not over"):
        seal_partition(table="golden_dag_audit", partition=OLD, now=datetime(2020, 1, 15, tzinfo=UTC))
    as_superuser(
        "ALTER TABLE golden_dag_audit DISABLE TRIGGER USER",
        f"UPDATE golden_dag_audit SET row_key = 'forged' WHERE id = (SELECT min(id) FROM {OLD})",
        "ALTER TABLE golden_dag_audit ENABLE TRIGGER USER",
    )
    with pytest.raises(Conflict, match="is not what was linked"):
        seal_partition(table="golden_dag_audit", partition=OLD, now=NOW)


def test_the_background_job_records_what_it_found(old_entries: None) -> None:
    assert verify_and_record(now=NOW, full=True).findings == []
    make_checkpoint(now=NOW + timedelta(hours=1), reason="command")
    assert verify_and_record(now=NOW, full=False).links < verify_chain().links
    entry = AuditEntry.objects.filter(row_key="verification").latest("id")
    assert json.loads(bytes(entry.payload))["details"]["ok"] is True
