"""`manage.py maintenance`, on a database of this module's own: most of it cannot run in a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from procrastinate.contrib.django import app

from cognitive.models import ComplexityRecord
from core.db import maintenance
from core.db.scratch import migrated_database
from core.db.summaries import SUMMARIES
from core.management.base import FindingsError
from tests import server
from tests.factories.core import RunFactory

NOW = datetime(2031, 3, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def scratch(django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), migrated_database(server.admin_url(), template=server.template_name()) as alias:
        execute(alias, "SET client_min_messages = error")
        yield alias


@pytest.fixture
def owner(scratch: str) -> Iterator[str]:
    """The scratch database behind the alias `owner`."""
    mirrored = connections["owner"]
    connections["owner"] = connections[scratch]
    yield scratch
    connections["owner"] = mirrored


@pytest.fixture
def table(scratch: str) -> Iterator[str]:
    """A table that autovacuum leaves alone, with duplicates in `k`."""
    execute(scratch, "CREATE TABLE nfcs_core.things (id bigint, k int) WITH (autovacuum_enabled = false)")
    execute(scratch, "INSERT INTO nfcs_core.things SELECT i, i %% 5000 FROM generate_series(1, 10000) i")
    yield "things"
    execute(scratch, "DROP TABLE nfcs_core.things")


@pytest.fixture
def parent(scratch: str) -> Iterator[str]:
    """A partitioned table with rows in two partitions."""
    execute(scratch, "CREATE TABLE nfcs_core.frames (ts timestamptz, r float8) PARTITION BY RANGE (ts)")
    for year in (2030, 2031):
        execute(
            scratch,
            f"CREATE TABLE nfcs_core.frames_y{year} PARTITION OF nfcs_core.frames "
            f"FOR VALUES FROM ('{year}-01-01Z') TO ('{year + 1}-01-01Z') WITH (autovacuum_enabled = false)",
        )
    execute(
        scratch,
        "INSERT INTO nfcs_core.frames SELECT timestamptz '2030-06-01Z' + i * interval '1 hour', 0.5 "
        "FROM generate_series(1, 8000) i",
    )
    yield "frames"
    execute(scratch, "DROP TABLE nfcs_core.frames")


def execute(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [])
        cursor.execute("SELECT pg_stat_force_next_flush()")


def ask(alias: str, statement: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    with suppress(FindingsError):
        call_command("maintenance", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def read_rows(alias: str, relation: str) -> float:
    return ask(alias, f"SELECT reltuples FROM pg_class WHERE oid = 'nfcs_core.{relation}'::regclass")


def break_index(alias: str, name: str = "things_k_uq") -> None:
    """An index whose concurrent build failed, on duplicates in `k`."""
    url = server.TEST_SERVER.url(server.OWNER, alias)
    with closing(psycopg.connect(url, autocommit=True)) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON nfcs_core.things (k)")


def run_job(name: str) -> None:
    app.tasks[name].func(timestamp=0)


def is_valid(alias: str, name: str) -> bool:
    return ask(alias, f"SELECT indisvalid FROM pg_index WHERE indexrelid = 'nfcs_core.{name}'::regclass")


def test_analyze_refreshes_the_whole_of_a_partitioned_table(
    owner: str, parent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {table["name"]: table for table in call(capsys, "analyze", "--dry-run")}
    assert found["frames"] | {"schema": "nfcs_core"} == found["frames"]
    assert (found["frames"]["is_partitioned"], found["frames"]["rows"], found["frames"]["modified_rows"]) == (
        True,
        0,
        8000,
    )
    assert not found.keys() & {"frames_y2030", "frames_y2031"}, "analyzing the whole analyzes them"
    assert read_rows(owner, parent) == -1
    assert "frames" in {table["name"] for table in call(capsys, "analyze")}
    assert [read_rows(owner, name) for name in ("frames", "frames_y2030", "frames_y2031")] == [8000, 5135, 2865]
    assert call(capsys, "analyze") == []


def test_the_whole_is_stale_when_only_its_partitions_were_analyzed(owner: str, parent: str) -> None:
    execute(owner, "ANALYZE nfcs_core.frames_y2030, nfcs_core.frames_y2031")
    (stale,) = (table for table in maintenance.analyze_tables() if table.name.startswith(parent))
    assert (stale.name, stale.modified_rows) == (parent, 8000)
    assert read_rows(owner, parent) == 8000


def test_the_share_decides_what_is_stale(owner: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    execute(owner, "ANALYZE nfcs_core.things")
    execute(owner, "UPDATE nfcs_core.things SET k = k WHERE id <= 2000")
    assert "things" not in {found["name"] for found in call(capsys, "analyze", "--share", "0.25", "--dry-run")}
    assert "things" in {found["name"] for found in call(capsys, "analyze", "--share", "0.15", "--dry-run")}


def test_an_invalid_index_is_found_and_repaired(owner: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    break_index(owner)
    execute(owner, "DELETE FROM nfcs_core.things WHERE id > 5000")
    expected = {"schema": "nfcs_core", "name": "things_k_uq", "table": "things", "action": "rebuild", "problem": ""}
    assert call(capsys, "reindex", "--dry-run")["repairs"] == [expected]
    assert not is_valid(owner, "things_k_uq")
    assert call(capsys, "reindex")["repairs"] == [expected]
    assert is_valid(owner, "things_k_uq")
    assert call(capsys, "reindex")["repairs"] == []


def test_a_rebuild_that_fails_says_why_and_leaves_nothing_over(
    owner: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    break_index(owner)
    failed, dropped = call(capsys, "reindex")["repairs"]
    assert (failed["name"], failed["action"]) == ("things_k_uq", "rebuild")
    assert "could not create unique index" in failed["problem"]
    assert (dropped["name"], dropped["action"], dropped["problem"]) == ("things_k_uq_ccnew", "drop", "")
    assert ask(owner, "SELECT count(*) FROM pg_index WHERE indrelid = 'nfcs_core.things'::regclass") == 1


def test_an_index_that_somebody_works_on_is_left_alone(
    owner: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    break_index(owner)
    execute(owner, "DELETE FROM nfcs_core.things WHERE id > 5000")
    with closing(psycopg.connect(server.TEST_SERVER.url(server.OWNER, owner))) as other:
        other.execute("LOCK TABLE nfcs_core.things IN SHARE UPDATE EXCLUSIVE MODE")
        (repair,) = call(capsys, "reindex")["repairs"]
    assert repair["problem"] == "its table is being maintained by somebody else"
    assert not is_valid(owner, "things_k_uq")


def test_an_index_that_lacks_a_partition_is_for_a_person(owner: str, parent: str) -> None:
    execute(owner, "CREATE INDEX frames_r_idx ON ONLY nfcs_core.frames (r)")
    (repair,) = maintenance.repair_indexes()
    assert (repair.name, repair.action) == ("frames_r_idx", "look")
    assert repair.problem == "a partition has no valid index attached to it"


def test_nothing_is_rebuilt_in_a_transaction(owner: str) -> None:
    with transaction.atomic(using=owner), pytest.raises(TransactionManagementError, match="within a transaction"):
        maintenance.repair_indexes()


def test_the_size_that_a_new_index_needs_is_estimated_well(owner: str, table: str) -> None:
    execute(owner, "CREATE UNIQUE INDEX things_id_k_uq ON nfcs_core.things (id, k)")
    execute(owner, "CREATE UNIQUE INDEX things_text_uq ON nfcs_core.things ((id::text || '-oscillator'))")
    execute(owner, "ANALYZE nfcs_core.things")
    found = {i.name: i for i in maintenance.list_bloated_indexes(share=-1, min_bytes=-(2**40)) if i.table == table}
    assert found.keys() == {"things_id_k_uq", "things_text_uq"}
    for index in found.values():
        assert index.needed_bytes == pytest.approx(index.bytes, rel=0.05), index


def test_row_security_hides_the_width_of_text_alone(owner: str, table: str) -> None:
    execute(owner, "ALTER TABLE nfcs_core.things ADD label text DEFAULT 'oscillator'")
    execute(owner, "CREATE INDEX things_id_idx ON nfcs_core.things (id)")
    execute(owner, "CREATE INDEX things_label_idx ON nfcs_core.things (label, id)")
    execute(owner, "ANALYZE nfcs_core.things")

    def list_estimated() -> set[str]:
        found = maintenance.list_bloated_indexes(share=-1, min_bytes=-(2**40))
        return {index.name for index in found if index.table == table}

    assert list_estimated() == {"things_id_idx", "things_label_idx"}
    execute(owner, "ALTER TABLE nfcs_core.things ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert list_estimated() == {"things_id_idx"}


def test_a_bloated_index_is_found_and_rebuilt_when_asked(
    owner: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(owner, "CREATE UNIQUE INDEX things_id_uq ON nfcs_core.things (id)")
    execute(owner, "DELETE FROM nfcs_core.things WHERE id %% 10 <> 0")
    execute(owner, "VACUUM ANALYZE nfcs_core.things")
    assert call(capsys, "reindex")["bloated"] == [], "too small to matter"
    (bloated,) = call(capsys, "reindex", "--min-bloat", "65536")["bloated"]
    assert (bloated["name"], bloated["rebuilt"]) == ("things_id_uq", False)
    would = call(capsys, "reindex", "--min-bloat", "65536", "--bloated", "--dry-run")["bloated"]
    assert would == [bloated]
    (rebuilt,) = call(capsys, "reindex", "--min-bloat", "65536", "--bloated")["bloated"]
    assert rebuilt == {**bloated, "rebuilt": True}
    assert ask(owner, "SELECT pg_relation_size('nfcs_core.things_id_uq')") == bloated["needed_bytes"]
    assert call(capsys, "reindex", "--min-bloat", "65536")["bloated"] == []


def test_brin_indexes_of_closed_partitions_are_summarised(owner: str) -> None:
    for month in (2, 3):
        execute(owner, f"SELECT nfcs_core.create_monthly_partition('metric_samples', '2031-0{month}-01')")
    execute(
        owner,
        "INSERT INTO validation.metric_samples (run_id, series_id, recorded_at, value)"
        " SELECT 1, 1, day, 0.5 FROM generate_series(timestamptz '2031-02-27Z', '2031-03-02Z', '1 day') day",
    )
    (would,) = maintenance.summarise_closed_partitions(now=NOW, dry_run=True)
    execute(owner, f"SELECT brin_desummarize_range('validation.{would.name}', 0)")
    (closed,) = maintenance.summarise_closed_partitions(now=NOW)
    assert (would.table, would.summarised_ranges) == ("metric_samples_y2031m02", None)
    assert (closed.table, closed.summarised_ranges) == ("metric_samples_y2031m02", 1)
    assert [index.summarised_ranges for index in maintenance.summarise_closed_partitions(now=NOW)] == [0]


def test_advice_names_a_table_with_many_dead_rows(owner: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    execute(owner, "DELETE FROM nfcs_core.things WHERE id > 6000")
    states = {state["name"]: state for state in call(capsys, "advise")["tables"]}
    assert (states["things"]["live_rows"], states["things"]["dead_rows"]) == (6000, 4000)
    assert states["things"]["reasons"] == ["4000 of 10000 rows are dead (40%), vacuumed: never"]
    assert states["things"]["statement"] == 'VACUUM (ANALYZE) "nfcs_core"."things"'
    assert states["runs"]["statement"] == ""
    age = ask(owner, "SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'runs'")
    # The server is shared: other tests use up transactions meanwhile.
    assert 0 <= age - states["runs"]["xid_age"] < 1000
    with pytest.raises(FindingsError, match=r"1 of \d+ tables ought to be vacuumed") as findings:
        call_command("maintenance", "advise")
    assert findings.value.returncode == 3
    assert capsys.readouterr().out.startswith('VACUUM (ANALYZE) "nfcs_core"."things"  -- 4000 of 10000 rows are dead')

    execute(owner, states["things"]["statement"])
    call_command("maintenance", "advise")
    assert capsys.readouterr().out.startswith("the oldest table is ")


def test_advice_names_tables_that_are_too_old(owner: str, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    execute(owner, "SELECT pg_current_xact_id()")
    states = {state["name"]: state for state in call(capsys, "advise", "--max-age", "1")["tables"]}
    age = states["things"]["xid_age"]
    assert age >= 1
    assert states["things"]["reasons"][0] == f"{age} transactions old, 1 is the limit and 2147483648 the end"
    assert states["things"]["statement"].startswith("VACUUM (FREEZE")
    ages = [state["xid_age"] for state in states.values()]
    assert ages == sorted(ages, reverse=True)


@pytest.mark.parametrize(
    ("name", "cron"),
    [
        ("nfcs.analyze_tables", "47 * * * *"),
        ("nfcs.repair_indexes", "30 3 * * 0"),
        ("nfcs.advise_vacuum", "30 4 1 * *"),
        ("nfcs.refresh_summaries", "*/10 * * * *"),
        ("nfcs.follow_runs", "* * * * *"),
    ],
)
def test_the_worker_does_it_on_schedule(name: str, cron: str) -> None:
    (periodic,) = (task for task in app.periodic_registry.periodic_tasks.values() if task.task.name == name)
    assert (periodic.cron, periodic.task.lock, periodic.task.queueing_lock) == (cron, name, name)


def test_the_worker_warns_of_what_it_cannot_mend(owner: str, table: str, caplog: pytest.LogCaptureFixture) -> None:
    break_index(owner)
    execute(owner, "DELETE FROM nfcs_core.things WHERE id > 6000")
    run_job("nfcs.analyze_tables")
    assert read_rows(owner, table) == 6000
    run_job("nfcs.repair_indexes")
    run_job("nfcs.advise_vacuum")
    index, vacuum = (record.getMessage() for record in caplog.records if record.name == "nfcs.jobs")
    assert index.startswith("index nfcs_core.things_k_uq is invalid: could not create unique index")
    assert vacuum == (
        'VACUUM (ANALYZE) "nfcs_core"."things" is advised: 4000 of 10000 rows are dead (40%), vacuumed: never'
    )


@pytest.mark.django_db
def test_the_worker_follows_the_runs() -> None:
    run = RunFactory(n_oscillators=3)
    run_job("nfcs.follow_runs")
    assert ComplexityRecord.objects.get().run == run


def test_the_worker_refreshes_the_summaries(owner: str) -> None:
    run_job("nfcs.refresh_summaries")
    with connections[owner].cursor() as cursor:
        cursor.execute("SELECT name FROM summary_refreshes WHERE refreshed_at > now() - interval '1 minute'")
        assert {row[0] for row in cursor.fetchall()} == set(SUMMARIES)


@pytest.mark.parametrize("arguments", [["analyze", "--share", "2"], ["advise", "--dead-share", "-1"]])
def test_a_share_lies_between_0_and_1(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="0 to 1 is possible"):
        call_command("maintenance", *arguments)
