"""Compaction beside writers, killed in between, and what the planner makes of its readers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from core.archive.restoring import restore_archive
from core.exceptions import Conflict
from core.services.retention import archive_partitions
from tests import server
from tests.schema.conftest import ask, ensure, execute
from validation.services.compaction import CompactedDay, compact_samples

NOW = datetime(2024, 6, 3, tzinfo=UTC)
LEAF = "metric_samples_y2024m05"
POINTS = "SELECT run_id, series_id, recorded_at, value::text FROM metric_points ORDER BY 1, 2, 3, 4"


@pytest.fixture
def filled(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The owner of a scratch database with samples of three series on three days of May 2024, gone afterwards."""
    empty = (
        "DELETE FROM metric_samples; DELETE FROM metric_days; DELETE FROM metric_rollups;"
        "DELETE FROM metric_latest; DELETE FROM metric_rollup_log"
    )
    owner.execute(empty)
    owner.execute("SELECT create_monthly_partition('metric_samples', '2024-05-01')")
    owner.execute(
        "INSERT INTO metric_samples SELECT 1, 1 + i % 3, '2024-05-10+00'::timestamptz + i * interval '8.6 s', sin(i)"
        " FROM generate_series(0, 29999) i"
    )
    yield owner
    owner.execute(empty)


def compact(alias: str) -> list[CompactedDay]:
    return compact_samples(now=NOW, older_than=timedelta(0), using=alias)


def test_the_space_is_given_back(scratch: str, filled: psycopg.Connection) -> None:
    filled.execute(f"CREATE INDEX compacted_series ON {LEAF} (series_id, recorded_at)")
    filled.execute(f"INSERT INTO {LEAF} SELECT 1, 9, '2024-05-12+00', i FROM generate_series(1, 30000) i")
    before = filled.execute(POINTS).fetchall()
    moved = compact(scratch)
    assert [(day.rows, day.problem) for day in moved] == [(10047, ""), (10047, ""), (39906, "")]
    assert filled.execute(POINTS).fetchall() == before
    sizes = f"SELECT pg_relation_size('{LEAF}'), pg_indexes_size('{LEAF}') < 100000"
    assert filled.execute(sizes).fetchone() == (0, True)
    filled.execute("DROP INDEX compacted_series")


def test_who_is_killed_has_moved_nothing(scratch: str, filled: psycopg.Connection) -> None:
    before = filled.execute(POINTS).fetchall()
    outcome: list[object] = []

    def work() -> None:
        try:
            outcome.extend(compact(scratch))
        finally:
            connections[scratch].close()

    with psycopg.connect(server.admin_url(filled.info.dbname), autocommit=True) as admin:
        admin.execute("BEGIN")
        # What follows the move in its transaction waits here.
        admin.execute("SELECT FROM nfcs_core.audit_lanes FOR UPDATE")
        worker = threading.Thread(target=work)
        worker.start()
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND pid <> pg_backend_pid()"
        )
        found = None
        for _ in range(600):
            admin.execute("SELECT pg_stat_clear_snapshot()")
            if found := admin.execute(waiting).fetchone():
                break
            time.sleep(0.05)
        assert found
        admin.execute("SELECT pg_terminate_backend(%s)", found)
        admin.execute("ROLLBACK")
        worker.join()
    assert any(getattr(day, "problem", "") for day in outcome)
    assert filled.execute(POINTS).fetchall() == before
    compact(scratch)
    assert filled.execute(f"SELECT count(*) FROM {LEAF}").fetchone() == (0,)
    assert filled.execute(POINTS).fetchall() == before


def test_beside_late_writers(scratch: str, filled: psycopg.Connection) -> None:
    """Nothing is lost and nothing doubled, and rollups are those of all samples."""
    url = server.TEST_SERVER.url(server.OWNER, scratch)
    written: list[int] = []
    stop = threading.Event()

    def write() -> None:
        chance = random.Random(5)
        with psycopg.connect(url, autocommit=True) as writer:
            while not stop.is_set():
                writer.execute(
                    "INSERT INTO metric_samples SELECT 1, 1 + i %% 3, %s::timestamptz + i * interval '11 s', i"
                    " FROM generate_series(1, 50) i",
                    [datetime(2024, 5, 10, tzinfo=UTC) + timedelta(seconds=chance.uniform(0, 2 * 86_400))],
                )
                writer.execute("SELECT validation.refresh_rollups_v1(30)")
                written.append(50)

    worker = threading.Thread(target=write)
    worker.start()
    try:
        rounds = 0
        while rounds < 6 or len(written) < 20:
            assert [day.problem for day in compact(scratch) if day.problem] == []
            rounds += 1
    finally:
        stop.set()
        worker.join()
    assert filled.execute("SELECT count(*) FROM metric_points").fetchone() == (30_000 + sum(written),)
    while filled.execute("SELECT validation.refresh_rollups_v1(1000)").fetchone() != (0,):
        pass
    differing = filled.execute(
        "SELECT count(*) FROM (SELECT series_id, date_bin('1 minute', recorded_at, '1970-01-01+00') AS bucket,"
        " count(*), min(value), max(value), sum(value::numeric) FROM metric_points GROUP BY 1, 2"
        " EXCEPT SELECT series_id, bucket, n, v_min, v_max, v_sum FROM metric_rollups WHERE width_s = 60) s"
    )
    assert differing.fetchone() == (0,)


def test_bounds_reach_the_keys_and_other_months_are_left_alone(rolled_back: str) -> None:
    for month in (4, 5, 6):
        for table in ("metric_samples", "metric_days"):
            ensure(rolled_back, f"{table}_y2024m{month:02d}", f"2024-{month:02d}-01", f"2024-{month + 1:02d}-01", table)
    execute(rolled_back, "SET LOCAL enable_seqscan = off")
    plan = "\n".join(
        line
        for (line,) in ask(
            rolled_back,
            "EXPLAIN SELECT * FROM validation.metric_points_v1('2024-05-03 12:00+00', '2024-05-03 13:00+00')"
            " WHERE run_id = 1 AND series_id = 2",
        )
    )
    assert "metric_points_v1" not in plan
    assert "metric_days_y2024m05_pkey" in plan
    condition = next(line for line in plan.splitlines() if "Index Cond" in line and "day" in line)
    assert "run_id = 1" in condition
    assert "series_id = 2" in condition
    assert not {"metric_days_y2024m04", "metric_days_y2024m06", "metric_samples_y2024m06"} & set(plan.split())


def test_an_archive_from_before_does_not_come_back_beside_the_arrays(rolled_back: str, tmp_path: Path) -> None:
    execute(rolled_back, "SELECT create_monthly_partition('metric_samples', '2024-05-01')")
    execute(rolled_back, "INSERT INTO metric_samples SELECT 1, i, '2024-05-10+00', i FROM generate_series(1, 9) i")
    (written,) = archive_partitions([LEAF], now=NOW, root=tmp_path, using=rolled_back)
    assert [day.rows for day in compact(rolled_back)] == [9]
    with pytest.raises(Conflict, match="metric_days holds rows of metric_samples_y2024m05 already"):
        restore_archive(Path(written.directory), using=rolled_back)
    assert restore_archive(Path(written.directory), into="beside", using=rolled_back).rows == 9


def test_the_way_down_brings_the_samples_back(scratch: str, filled: psycopg.Connection) -> None:
    before = filled.execute(POINTS).fetchall()
    compact(scratch)
    filled.execute("INSERT INTO metric_samples VALUES (1, 1, '2024-05-10 01:00+00', 5)")
    call_command("migrate", "validation", "0006", database=scratch, verbosity=0)
    assert filled.execute("SELECT count(*) FROM metric_samples").fetchone() == (len(before) + 1,)
    assert filled.execute("SELECT count(*) FROM system_metrics").fetchone() == (0,)
    call_command("migrate", "validation", database=scratch, verbosity=0)
    assert len(filled.execute(POINTS).fetchall()) == len(before) + 1
