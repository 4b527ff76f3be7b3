"""Partitions made while others read, write and make partitions, each on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import transaction

from core.db import partitions
from core.db.partitions import ensure_partitions, list_partitions
from core.db.prepare import APP_ROLE
from core.exceptions import Conflict
from tests import server
from tests.schema.conftest import ask, ensure, execute


@pytest.fixture
def own_table(owner: psycopg.Connection) -> Iterator[str]:
    """A partitioned table that other connections see."""
    owner.execute(
        f"""CREATE TABLE nfcs_core.busy (at timestamptz NOT NULL, writer integer NOT NULL, n integer NOT NULL)
            PARTITION BY RANGE (at);
            CREATE TABLE nfcs_core.busy_default PARTITION OF nfcs_core.busy DEFAULT;
            CREATE INDEX ON nfcs_core.busy (at);
            GRANT SELECT, INSERT ON nfcs_core.busy TO {APP_ROLE}"""
    )
    yield "busy"
    owner.execute("DROP TABLE nfcs_core.busy")


def test_writers_and_readers_go_on_while_partitions_are_made(
    scratch: str, owner: psycopg.Connection, own_table: str
) -> None:
    stop = threading.Event()
    written: list[int] = []
    errors: list[Exception] = []

    def write(writer: int) -> None:
        count = 0
        try:
            with psycopg.connect(server.TEST_SERVER.url(APP_ROLE, scratch)) as connection:
                while not stop.is_set():
                    connection.execute(
                        "INSERT INTO busy SELECT '2025-01-15+00'::timestamptz + (i %% 8) * interval '1 month', %s, i"
                        " FROM generate_series(1, 16) i",
                        [writer],
                    )
                    connection.execute("SELECT count(*) FROM busy WHERE writer = %s", [writer])
                    connection.commit()
                    count += 16
        except psycopg.Error as error:
            errors.append(error)
        written.append(count)

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(3)]
    for thread in threads:
        thread.start()
    try:
        while not errors and owner.execute("SELECT count(*) FROM nfcs_core.busy_default").fetchone()[0] < 200:
            time.sleep(0.01)
        moved = [
            owner.execute(
                "SELECT moved_rows FROM nfcs_core.ensure_partition_v1('busy', %s, %s, %s)",
                [f"busy_m{month}", f"2025-{month:02d}-01+00", f"2025-{month + 1:02d}-01+00"],
            ).fetchone()[0]
            for month in range(1, 9)
        ]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert min(moved) > 0
    total = owner.execute("SELECT count(*) FROM nfcs_core.busy").fetchone()[0]
    assert total == sum(written)
    assert owner.execute("SELECT count(*) FROM nfcs_core.busy_default").fetchone()[0] == 0


def test_two_creators_at_once_make_one_partition(scratch: str, owner: psycopg.Connection, own_table: str) -> None:
    owner.execute("INSERT INTO busy SELECT '2025-03-05+00', 0, i FROM generate_series(1, 1000) i")
    barrier = threading.Barrier(4)
    results: list[tuple[bool, int] | Exception] = []

    def create() -> None:
        with psycopg.connect(server.TEST_SERVER.url(server.OWNER, scratch)) as connection:
            barrier.wait()
            try:
                row = connection.execute(
                    "SELECT * FROM nfcs_core.ensure_partition_v1('busy', 'busy_m3', '2025-03-01+00', '2025-04-01+00')"
                ).fetchone()
            except psycopg.Error as error:
                row = error
            results.append(row)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, reverse=True) == [(True, 1000), (False, 0), (False, 0), (False, 0)]


def test_a_lock_that_is_held_is_waited_for_and_tried_again(
    scratch: str, owner: psycopg.Connection, own_table: str
) -> None:
    with psycopg.connect(server.TEST_SERVER.url(server.OWNER, scratch)) as holder:
        holder.execute("LOCK TABLE busy IN ROW EXCLUSIVE MODE")
        release = threading.Timer(0.8, holder.rollback)
        release.start()
        row = owner.execute(
            "SELECT made FROM nfcs_core.ensure_partition_v1('busy', 'busy_m3', '2025-03-01+00', '2025-04-01+00')"
        ).fetchone()
        release.join()
    assert row == (True,)


def test_a_lock_that_is_never_released_leaves_nothing_behind(
    scratch: str, owner: psycopg.Connection, own_table: str
) -> None:
    with psycopg.connect(server.TEST_SERVER.url(server.OWNER, scratch)) as holder:
        holder.execute("LOCK TABLE busy IN ROW EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            owner.execute(
                "SELECT nfcs_core.ensure_partition_v1('busy', 'busy_m3', '2025-03-01+00', '2025-04-01+00', 1)"
            )
        assert owner.execute("SELECT to_regclass('busy_m3')").fetchone() == (None,)


def test_a_later_failure_takes_the_partition_and_its_rows_back(scratch: str, own_table: str) -> None:
    execute(scratch, "INSERT INTO busy VALUES ('2025-03-05+00', 0, 1)")
    with transaction.atomic(using=scratch):
        assert ensure(scratch, "busy_m3", "2025-03-01+00", "2025-04-01+00", "busy") == (True, 1)
        transaction.set_rollback(True, using=scratch)
    assert ask(scratch, "SELECT count(*) FROM busy_default") == [(1,)]


def test_a_table_whose_locks_others_hold_does_not_keep_the_rest_from_theirs(
    scratch: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = partitions.ENSURE
    monkeypatch.setattr(partitions, "ENSURE", statement.replace("%s)", "%s, 1)"))
    owner.execute("BEGIN; LOCK TABLE metric_samples IN ROW EXCLUSIVE MODE")
    with pytest.raises(Conflict) as error:
        ensure_partitions(now=datetime(2041, 1, 1, tzinfo=UTC), ahead=0, using=scratch)
    owner.execute("ROLLBACK")
    assert [wrong.field for wrong in error.value.errors] == ["metric_samples_y2041m01"]
    assert "nfcs_fields_y2041m01" in {partition.name for partition in list_partitions("nfcs_fields", using=scratch)}
