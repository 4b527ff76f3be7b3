"""Drain and close beside writers; the plan and its alarms."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import OperationalError, connections, transaction
from django.db.transaction import TransactionManagementError

from core.db import closing, locking, partitions
from core.db.closing import ClosingIndex, close_partitions, register_closing_index
from core.db.drift.manifest import find_manifest_drift
from core.db.locking import retry_locked
from core.db.partitions import drain_default, ensure_partitions
from core.db.prepare import APP_ROLE
from core.exceptions import Conflict, InvalidInput
from core.services.partition_plan import plan_partitions
from tests import server
from tests.schema.conftest import ask, execute

NOW = datetime(2024, 7, 15, tzinfo=UTC)
AUDIT = "golden_dag_audit"
"""Of which the templates hold entries of the time when they were made."""
CLOSED = "metric_samples_y2024m05_series"


@contextmanager
def writing(database: str, statement: str, writers: int = 3) -> Iterator[Callable[[], int]]:
    """Writers that repeat a statement on connections of their own; yields how many rows they were told are in."""
    stop = threading.Event()
    written, errors = [0] * writers, []

    def write(writer: int) -> None:
        try:
            url = server.TEST_SERVER.url(APP_ROLE, database)
            with psycopg.connect(url, options="-c nfcs.user_id=0") as connection:
                while not stop.is_set():
                    rows = connection.execute(statement).rowcount
                    connection.commit()
                    written[writer] += rows
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(writers)]
    for thread in threads:
        thread.start()

    def count() -> int:
        assert errors == []
        return sum(written)

    try:
        yield count
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


@pytest.fixture
def emptied(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The owner of a scratch database whose samples and their partitions are gone before and after."""

    def empty() -> None:
        owner.execute("DELETE FROM metric_samples")
        leaves = owner.execute(
            "SELECT partition_name FROM list_partitions_v1('metric_samples') WHERE NOT is_default"
        ).fetchall()
        for (leaf,) in leaves:
            owner.execute(f"DROP TABLE {leaf}")

    empty()
    yield owner
    empty()


def test_default_is_drained_beside_writers_without_an_error(scratch: str, emptied: psycopg.Connection) -> None:
    insert = (
        "INSERT INTO metric_samples SELECT 1, 1, '2024-01-15+00'::timestamptz + (i % 6) * interval '1 month', i"
        " FROM generate_series(1, 60) i"
    )
    with writing(scratch, insert) as count:
        while count() < 2000:
            time.sleep(0.01)
        drained = drain_default(table="metric_samples", using=scratch)
        seen = count()
        while count() < seen + 500:
            time.sleep(0.01)
    assert [span.name for span in drained] == [f"metric_samples_y2024m{month:02d}" for month in range(1, 7)]
    assert all(span.moved_rows >= span.found_rows > 0 for span in drained)
    assert emptied.execute("SELECT count(*) FROM metric_samples").fetchone() == (count(),)
    assert emptied.execute("SELECT count(*) FROM metric_samples_default").fetchone() == (0,)
    assert drain_default(table="metric_samples", using=scratch) == []


def test_each_row_goes_to_the_span_it_belongs_to(rolled_back: str) -> None:
    execute(
        rolled_back,
        "INSERT INTO quantum_neurons (name, neuron_type, layer_index, bloch_x, bloch_y, bloch_z, state, omega, t1_s,"
        " t2_s, p_eq, delta, kappa, v_rest_mv, v_th_mv, tau_m_ms, r_mohm, refractory_ms, v_mv, spike_rate_hz,"
        " measurement_count, event_seq, last_event, last_event_at, last_parameters)"
        " VALUES ('x', 'hidden', 0, 0, 0, 1, 'collapsed', 0, 3, 2, 0, 0, 0, -70, -55, 20, 1, 0, -70, 0, 0, 1,"
        " 'prepare', '2024-12-31 23:00+00', '{}')",
    )
    execute(rolled_back, "SET LOCAL timezone = 'Pacific/Kiritimati'")
    samples = ["1999-12-31 23:59:59.999999+00", "2000-01-01 00:00:00+00", "8999-12-31 23:59:59+00"]
    for sample in samples:
        execute(rolled_back, "INSERT INTO metric_samples VALUES (1, 1, %s, 0)", sample)
    # The links of the audit, which commit would make now.
    execute(rolled_back, "SET CONSTRAINTS ALL IMMEDIATE")
    drained = drain_default(using=rolled_back)
    assert [(span.name, span.from_at, span.to_at, span.moved_rows) for span in drained if span.table != AUDIT] == [
        ("metric_samples_y1999m12", "1999-12-01T00:00:00Z", "2000-01-01T00:00:00Z", 1),
        ("metric_samples_y2000m01", "2000-01-01T00:00:00Z", "2000-02-01T00:00:00Z", 1),
        ("metric_samples_y8999m12", "8999-12-01T00:00:00Z", "9000-01-01T00:00:00Z", 1),
        ("quantum_neuron_history_y2025w01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z", 1),
    ]


def test_a_dry_drain_moves_nothing(rolled_back: str) -> None:
    execute(rolled_back, "INSERT INTO metric_samples VALUES (1, 1, '2024-05-15+00', 0)")
    drained = drain_default(dry_run=True, using=rolled_back)
    assert [(span.name, span.found_rows, span.moved_rows) for span in drained if span.table != AUDIT] == [
        ("metric_samples_y2024m05", 1, 0)
    ]
    assert ask(rolled_back, "SELECT count(*) FROM metric_samples_default") == [(1,)]
    with pytest.raises(InvalidInput):
        drain_default(table="runs", using=rolled_back)


def test_a_span_whose_locks_others_hold_is_named(
    scratch: str,
    emptied: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partitions, "ENSURE", partitions.ENSURE.replace("%s)", "%s, 1)"))
    emptied.execute("INSERT INTO metric_samples VALUES (1, 1, '2024-05-15+00', 0)")
    emptied.execute("BEGIN; LOCK TABLE metric_samples IN ROW EXCLUSIVE MODE")
    with pytest.raises(Conflict) as error:
        drain_default(using=scratch)
    emptied.execute("ROLLBACK")
    assert [wrong.field for wrong in error.value.errors] == ["metric_samples_y2024m05"]


def fill_may(owner: psycopg.Connection) -> None:
    owner.execute("SELECT create_monthly_partition('metric_samples', '2024-05-01')")
    owner.execute("SELECT create_monthly_partition('metric_samples', '2024-07-01')")
    owner.execute("INSERT INTO metric_samples SELECT 1, i, '2024-05-15+00', i FROM generate_series(1, 1000) i")


def test_a_closed_partition_gets_its_index_once(scratch: str, emptied: psycopg.Connection) -> None:
    fill_may(emptied)
    early = datetime(2024, 6, 1, tzinfo=UTC) + closing.CLOSING_DELAY
    assert close_partitions(now=early - timedelta(microseconds=1), table="metric_samples", using=scratch) == []
    would = close_partitions(now=early, table="metric_samples", dry_run=True, using=scratch)
    built = close_partitions(now=early, table="metric_samples", using=scratch)
    again = close_partitions(now=NOW, table="metric_samples", using=scratch)
    assert [(index.name, index.action, index.problem) for index in would + built + again] == [
        (CLOSED, "build", ""),
        (CLOSED, "build", ""),
        (CLOSED, "keep", ""),
    ]
    plan = emptied.execute(
        "EXPLAIN SELECT * FROM metric_samples WHERE series_id = 7 AND recorded_at BETWEEN '2024-05-02+00' AND"
        " '2024-05-20+00'"
    ).fetchall()
    assert CLOSED in str(plan)
    # The index is of that partition alone, and no drift.
    assert emptied.execute("SELECT count(*) FROM pg_class WHERE relname LIKE '%y2024m0__series'").fetchone() == (1,)
    assert [str(finding) for finding in find_manifest_drift(using=scratch)] == []
    emptied.execute("CREATE INDEX metric_samples_y2024m05_stray ON metric_samples_y2024m05 (value)")
    assert "metric_samples_y2024m05_stray" in " ".join(map(str, find_manifest_drift(using=scratch)))


def test_what_a_killed_build_left_is_built_anew(scratch: str, emptied: psycopg.Connection) -> None:
    fill_may(emptied)
    with psycopg.connect(server.admin_url(scratch), autocommit=True) as admin:
        emptied.execute(f"CREATE INDEX {CLOSED} ON metric_samples_y2024m05 (series_id)")
        admin.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [f"validation.{CLOSED}"]
        )
    built = close_partitions(now=NOW, using=scratch)
    assert [(index.name, index.action, index.problem) for index in built] == [(CLOSED, "rebuild", "")]
    valid = emptied.execute(
        "SELECT indisvalid, pg_get_indexdef(indexrelid) LIKE '%%(series_id, recorded_at)' FROM pg_index"
        " WHERE indexrelid = %s::regclass",
        [CLOSED],
    ).fetchone()
    assert valid == (True, True)


def test_one_that_cannot_be_built_does_not_keep_the_others_from_it(
    scratch: str,
    emptied: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill_may(emptied)
    monkeypatch.setattr(closing, "CLOSING_INDEXES", {})
    register_closing_index(ClosingIndex("metric_samples", "bad", "USING hnsw (value)"))
    register_closing_index(ClosingIndex("metric_samples", "good", "USING btree (value)", memory="96MB"))
    built = close_partitions(now=NOW, using=scratch)
    assert [(index.name, bool(index.problem)) for index in built] == [
        ("metric_samples_y2024m05_bad", True),
        ("metric_samples_y2024m05_good", False),
    ]
    assert ask(scratch, "SHOW maintenance_work_mem") != [("96MB",)]
    with pytest.raises(ValueError, match="longer than 12"):
        register_closing_index(ClosingIndex("metric_samples", "x" * 13, "USING btree (value)"))


def test_closing_beside_writers(scratch: str, emptied: psycopg.Connection) -> None:
    fill_may(emptied)
    with writing(scratch, "INSERT INTO metric_samples VALUES (1, 1, '2024-05-16+00', 1)") as count:
        while count() < 100:
            time.sleep(0.01)
        built = close_partitions(now=NOW, using=scratch)
    assert [index.problem for index in built] == [""]


def test_nothing_is_built_within_a_transaction(scratch: str) -> None:
    with transaction.atomic(using=scratch), pytest.raises(TransactionManagementError):
        close_partitions(now=NOW, using=scratch)


def test_the_plan_of_a_healthy_table(rolled_back: str) -> None:
    ensure_partitions(now=NOW, table="metric_samples", using=rolled_back)
    (plan,) = plan_partitions(now=NOW, table="metric_samples", using=rolled_back)
    assert plan.findings == plan.missing == plan.to_build == plan.due == ()
    assert plan.partitions == 4
    assert plan.covered_until == "2024-11-01T00:00:00+00:00"
    assert plan.keep_days is plan.next_due is None


def test_the_plan_raises_its_alarms(rolled_back: str) -> None:
    (bare,) = plan_partitions(now=NOW, ahead=1, table="nfcs_fields", using=rolled_back)
    assert bare.missing == ("nfcs_fields_y2024m07", "nfcs_fields_y2024m08")
    assert [finding.split(":")[0] for finding in bare.findings] == ["no partition holds the rows of now"]

    ensure_partitions(now=NOW, ahead=0, table="metric_samples", using=rolled_back)
    execute(rolled_back, "INSERT INTO metric_samples SELECT 1, 1, '2020-05-15+00', i FROM generate_series(1, 3) i")
    late = NOW + timedelta(days=4)
    (plan,) = plan_partitions(now=late, table="metric_samples", using=rolled_back)
    assert plan.default_rows == 3
    assert [finding.split(":")[0] for finding in plan.findings] == [
        "3 rows lie in DEFAULT",
        "no partitions from 2024-08-01 on",
    ]


def test_the_plan_tells_what_retention_will_drop(rolled_back: str) -> None:
    execute(
        rolled_back,
        "INSERT INTO nfcs_core.system_config (config_key, config_value, config_type, environment) VALUES"
        " ('partitions.retention', '{\"metric_samples\": {\"keep_days\": 10, \"archive\": true}}', 'object',"
        " 'production')",
    )
    for month in ("2024-05-01", "2024-06-01", "2024-07-01"):
        execute(rolled_back, "SELECT create_monthly_partition('metric_samples', %s::date)", month)
    (plan,) = plan_partitions(now=NOW, table="metric_samples", using=rolled_back)
    assert [drop.partition for drop in plan.due] == ["metric_samples_y2024m05", "metric_samples_y2024m06"]
    assert plan.next_due.partition == "metric_samples_y2024m07"
    assert plan.next_due.ends_at == "2024-08-11T00:00:00+00:00"
    assert plan.to_build == ("metric_samples_y2024m05_series", "metric_samples_y2024m06_series")


def test_everybody_may_count_what_lies_in_default_and_no_more(scratch: str, emptied: psycopg.Connection) -> None:
    emptied.execute("INSERT INTO metric_samples SELECT 1, 1, '2020-05-15+00', i FROM generate_series(1, 12) i")
    with psycopg.connect(server.TEST_SERVER.url(APP_ROLE, scratch), autocommit=True) as runtime:
        count = "SELECT nfcs_core.count_default_rows_v1(%s::regclass, %s)"
        assert runtime.execute(count, ["metric_samples", 100]).fetchone() == (12,)
        assert runtime.execute(count, ["metric_samples", 5]).fetchone() == (5,)
        assert runtime.execute(count, ["runs", 5]).fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute("SELECT count(*) FROM metric_samples_default")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute("SELECT nfcs_core.follow_identity_v1('nfcs_fields', 'nfcs_fields_default')")


def test_who_cannot_have_a_lock_tries_again(
    scratch: str,
    emptied: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locking, "LOCK_TIMEOUT_MS", 250)
    tries = []

    def lock() -> str:
        tries.append(1)
        if len(tries) == 3:
            emptied.execute("ROLLBACK")
        with connections[scratch].cursor() as cursor:
            cursor.execute("LOCK TABLE metric_samples IN ACCESS EXCLUSIVE MODE")
        return "locked"

    emptied.execute("BEGIN; LOCK TABLE metric_samples IN ROW EXCLUSIVE MODE")
    assert retry_locked(lock, using=scratch) == "locked"
    assert len(tries) == 3
    emptied.execute("BEGIN; LOCK TABLE metric_samples IN ROW EXCLUSIVE MODE")
    tries[:] = [1, 1, 1]
    with pytest.raises(OperationalError, match="lock timeout"):
        retry_locked(lock, using=scratch, attempts=2)
    emptied.execute("ROLLBACK")
    assert len(tries) == 5
