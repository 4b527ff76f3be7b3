"""Retention: nothing by default, whole partitions past their limit, and only what an archive is proven of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError

from core.archive.manifest import read_manifest
from core.db import locking
from core.db.partitions import list_partitions
from core.exceptions import InvalidInput
from core.models import AuditCheckpoint
from core.services.audit_checkpoints import read_row
from core.services.retention import (
    CONFIG_KEY,
    archive_partitions,
    drop_expired_partitions,
    read_policies,
    restore_partition,
)
from tests import server
from tests.factories.partitions import PARTITIONS, fill_tables
from tests.schema.conftest import ask, execute

END = datetime(2024, 6, 1, tzinfo=UTC)
"""Of the span of the monthly partitions that the tests fill."""


@pytest.fixture
def filled(rolled_back: str, tmp_path: Path, settings: Any) -> str:
    settings.ARCHIVE_DIR = tmp_path
    fill_tables(rolled_back)
    return rolled_back


def set_policies(alias: str, **policies: Any) -> None:
    execute(
        alias,
        "INSERT INTO nfcs_core.system_config (config_key, config_value, config_type, environment)"
        " VALUES (%s, %s, 'object', 'production') ON CONFLICT (config_key, environment)"
        " DO UPDATE SET config_value = excluded.config_value",
        CONFIG_KEY,
        json.dumps(policies),
    )


def names(alias: str, table: str) -> set[str]:
    return {partition.name for partition in list_partitions(table, using=alias)}


def test_without_a_policy_everything_stays(filled: str) -> None:
    assert drop_expired_partitions(now=END + timedelta(days=40_000), using=filled) == []


def test_a_partition_goes_when_its_whole_span_is_past_the_limit(filled: str) -> None:
    set_policies(filled, metric_samples={"keep_days": 30, "archive": False})
    limit = END + timedelta(days=30)
    assert drop_expired_partitions(now=limit - timedelta(microseconds=1), using=filled) == []
    others = {table: names(filled, table) for table in PARTITIONS if table != "metric_samples"}

    dropped = drop_expired_partitions(now=limit, using=filled)

    assert [(one.partition, one.rows, one.archive, one.problem) for one in dropped] == [
        ("metric_samples_y2024m05", 342, None, "")
    ]
    assert names(filled, "metric_samples") == {"metric_samples_default"}
    assert ask(filled, "SELECT to_regclass('metric_samples_y2024m05')") == [(None,)]
    assert {table: names(filled, table) for table in others} == others


def test_default_is_never_dropped(filled: str) -> None:
    execute(filled, "INSERT INTO metric_samples SELECT run_id, 1, '2001-01-01+00', 1 FROM metric_samples LIMIT 1")
    set_policies(filled, metric_samples={"keep_days": 1, "archive": False})
    drop_expired_partitions(now=END + timedelta(days=9999), using=filled)
    assert names(filled, "metric_samples") == {"metric_samples_default"}
    assert ask(filled, "SELECT count(*) FROM metric_samples") == [(1,)]


@pytest.mark.parametrize("table", PARTITIONS)
def test_an_archive_is_written_and_proven_before_a_partition_goes(filled: str, tmp_path: Path, table: str) -> None:
    rows = ask(filled, f"SELECT count(*) FROM {PARTITIONS[table]}")[0][0]
    set_policies(filled, **{table: {"keep_days": 2557, "archive": True}})
    execute(filled, "SET CONSTRAINTS ALL IMMEDIATE")
    dropped = drop_expired_partitions(now=END + timedelta(days=2557), using=filled)
    assert [(one.rows, one.problem) for one in dropped] == [(rows, "")]
    sealed = AuditCheckpoint.objects.using(filled).latest("number")
    spans = read_row(sealed).content["retained"]
    assert [(span["table"], span["partition"]) for span in spans] == [(table, PARTITIONS[table])]
    directory = tmp_path / table / PARTITIONS[table]
    assert dropped[0].archive == str(directory)
    assert names(filled, table) == {f"{table}_default"}
    assert restore_partition(directory, using=filled).rows == rows
    events = ask(
        filled,
        "SELECT convert_from(payload, 'UTF8') FROM golden_dag_audit WHERE row_key = %s ORDER BY id",
        PARTITIONS[table],
    )
    assert [json.loads(payload)["event"] for (payload,) in events] == [
        "partition.archived",
        "partition.dropped",
        "partition.restored",
    ]


def test_a_damaged_archive_keeps_the_partition(filled: str, tmp_path: Path) -> None:
    archive_partitions(["metric_samples_y2024m05"], now=END, using=filled)
    path = next(tmp_path.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    set_policies(filled, metric_samples={"keep_days": 1, "archive": True})
    dropped = drop_expired_partitions(now=END + timedelta(days=1), using=filled)
    assert f"{path.name} is not what was archived" in dropped[0].problem
    assert "metric_samples_y2024m05" in names(filled, "metric_samples")


def test_rows_that_came_after_the_archive_keep_the_partition(filled: str) -> None:
    archive_partitions(["metric_samples_y2024m05"], now=END, using=filled)
    execute(filled, "INSERT INTO metric_samples SELECT run_id, 1, recorded_at, 7 FROM metric_samples LIMIT 1")
    set_policies(filled, metric_samples={"keep_days": 1, "archive": True})
    late = END + timedelta(days=1)
    assert "is not what was archived" in drop_expired_partitions(now=late, using=filled)[0].problem
    archive_partitions(["metric_samples_y2024m05"], now=END, using=filled)
    assert drop_expired_partitions(now=late, using=filled)[0].problem == ""


def test_what_is_due_is_archived_without_naming_it(filled: str, tmp_path: Path) -> None:
    set_policies(
        filled,
        nfcs_fields={"keep_days": 1, "archive": True},
        metric_samples={"keep_days": 1, "archive": False},
        kuramoto_oscillators={"keep_days": 100, "archive": True},
    )
    written = archive_partitions([], now=END + timedelta(days=1), using=filled)
    assert [one.partition for one in written] == ["nfcs_fields_y2024m05"]
    assert read_manifest(tmp_path / "nfcs_fields" / "nfcs_fields_y2024m05").rows == 41


def test_entries_that_are_not_what_was_linked_stay(filled: str) -> None:
    execute(filled, "SET CONSTRAINTS ALL IMMEDIATE")
    execute(filled, "ALTER TABLE golden_dag_audit DISABLE TRIGGER USER")
    execute(filled, "UPDATE golden_dag_audit_y2024m05 SET row_key = 'forged' WHERE row_key = '7'")
    set_policies(filled, golden_dag_audit={"keep_days": 2557, "archive": True})
    dropped = drop_expired_partitions(now=END + timedelta(days=2557), using=filled)
    assert "is not what was linked" in dropped[0].problem
    assert "golden_dag_audit_y2024m05" in names(filled, "golden_dag_audit")


def test_a_dry_run_drops_nothing(filled: str, tmp_path: Path) -> None:
    set_policies(filled, metric_samples={"keep_days": 1, "archive": True})
    dropped = drop_expired_partitions(now=END + timedelta(days=1), dry_run=True, using=filled)
    assert [one.partition for one in dropped] == ["metric_samples_y2024m05"]
    assert "metric_samples_y2024m05" in names(filled, "metric_samples")
    assert list(tmp_path.iterdir()) == []


def test_a_policy_of_another_table_is_refused(filled: str) -> None:
    set_policies(filled, runs={"keep_days": 1, "archive": True})
    with pytest.raises(InvalidInput) as error:
        read_policies(using=filled)
    assert error.value.errors[0].detail == "runs is none of the time-partitioned tables."


@pytest.mark.parametrize(
    "policy",
    [
        {},
        [],
        {"keep_days": 1},
        {"archive": True},
        {"keep_days": 0, "archive": True},
        {"keep_days": 1.5, "archive": True},
        {"keep_days": "1", "archive": True},
        {"keep_days": 36501, "archive": True},
        {"keep_days": 1, "archive": 1},
        {"keep_days": 1, "archive": None},
        {"keep_days": 1, "archive": True, "keep_weeks": 1},
    ],
)
def test_what_is_no_policy_is_refused_by_the_database(filled: str, policy: Any) -> None:
    with pytest.raises(DatabaseError, match="system_config_known_ck"):
        set_policies(filled, metric_samples=policy)


@pytest.mark.parametrize("policy", [{"keep_days": 2556, "archive": True}, {"keep_days": 2557, "archive": False}])
def test_the_audit_trail_is_kept_for_seven_years_and_archived(filled: str, policy: Any) -> None:
    with pytest.raises(DatabaseError, match="system_config_known_ck"):
        set_policies(filled, golden_dag_audit=policy)


def test_a_table_in_use_keeps_its_partition_for_now(
    scratch: str,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner.execute(
        "SELECT ensure_partition_v1('metric_samples', 'metric_samples_y2003m05', '2003-05-01+00', '2003-06-01+00')"
    )
    set_policies(scratch, metric_samples={"keep_days": 1, "archive": False})
    monkeypatch.setattr(locking, "LOCK_TIMEOUT_MS", 20)
    monkeypatch.setattr(locking.retry_locked, "__kwdefaults__", {"attempts": 2})
    with psycopg.connect(server.TEST_SERVER.url(server.OWNER, scratch)) as reader:
        reader.execute("SELECT count(*) FROM metric_samples")
        dropped = drop_expired_partitions(now=END, using=scratch)
        assert "lock timeout" in dropped[0].problem
        assert "metric_samples_y2003m05" in names(scratch, "metric_samples")
    assert [one.problem for one in drop_expired_partitions(now=END, using=scratch)] == [""]
    assert names(scratch, "metric_samples") == {"metric_samples_default"}
