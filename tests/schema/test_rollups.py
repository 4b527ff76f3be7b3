"""Rollups: what the samples say, at any moment, whoever writes meanwhile and whoever is killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connections

from core.db.prepare import APP_ROLE
from core.db.sql import named_queries
from tests import server
from tests.schema.conftest import ask, execute

AT = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
RAW = """
SELECT run_id, series_id, date_bin(make_interval(secs => w), recorded_at, '1970-01-01 00:00:00+00') AS bucket, w,
       count(*), min(value), max(value), sum(value::numeric)
FROM metric_samples, unnest(ARRAY[60, 3600, 86400]) AS w
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4, 3
"""
ROLLED = """
SELECT run_id, series_id, bucket, width_s, n, v_min, v_max, v_sum FROM metric_rollups ORDER BY 1, 2, 4, 3
"""


@pytest.fixture
def emptied(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The owner of a scratch database without samples and rollups before and after."""
    empty = "DELETE FROM metric_samples; DELETE FROM metric_rollups; DELETE FROM metric_rollup_log"
    owner.execute(empty)
    yield owner
    owner.execute(empty)


def insert(alias: str, *samples: tuple[int, float, float]) -> None:
    """Samples as (series, seconds after AT, value)."""
    for series, after, value in samples:
        execute(
            alias,
            "INSERT INTO metric_samples VALUES (1, %s, %s, %s)",
            series,
            AT + timedelta(seconds=after),
            value,
        )


def refresh(alias: str, most: int = 50_000) -> int:
    return ask(alias, "SELECT validation.refresh_rollups_v1(%s)", most)[0][0]


def test_minutes_hours_and_days(rolled_back: str) -> None:
    insert(
        rolled_back, (1, 0, 0.1), (1, 1, 0.2), (1, 59, -0.3), (1, 60, 5), (1, 3600, 7), (2, 0, 1e300), (2, 1, 1e-300)
    )
    assert refresh(rolled_back) == 7
    assert ask(rolled_back, ROLLED) == ask(rolled_back, RAW)
    assert refresh(rolled_back) == 0
    first = ask(rolled_back, "SELECT n, v_sum::text FROM metric_rollups WHERE series_id = 1 ORDER BY width_s, bucket")
    # 0.1 + 0.2 - 0.3 is nothing, as no sum of binary numbers says.
    assert first[0] == (3, "0.0")


def test_late_samples_are_rolled_up(rolled_back: str) -> None:
    insert(rolled_back, (1, 0, 1.0), (1, 4000, 2.0))
    refresh(rolled_back)
    insert(rolled_back, (1, 30, -9.5), (1, -86400, 4.0))
    assert ask(rolled_back, ROLLED) != ask(rolled_back, RAW)
    refresh(rolled_back)
    assert ask(rolled_back, ROLLED) == ask(rolled_back, RAW)


def test_the_sum_does_not_depend_on_the_order(rolled_back: str) -> None:
    values = [random.Random(7).uniform(-1e6, 1e6) for _ in range(200)]
    for series, order in ((1, values), (2, list(reversed(values)))):
        for value in order:
            insert(rolled_back, (series, values.index(value), value))
        refresh(rolled_back, 7)
    while refresh(rolled_back, 7):
        pass
    sums = dict(ask(rolled_back, "SELECT series_id, v_sum FROM metric_rollups WHERE width_s = 86400 AND n > 100"))
    assert not sums or len(set(sums.values())) == 1
    assert ask(rolled_back, ROLLED) == ask(rolled_back, RAW)


def test_the_log_is_taken_in_portions(rolled_back: str) -> None:
    insert(rolled_back, *((1, 60 * i, i) for i in range(10)))
    assert [refresh(rolled_back, 4) for _ in range(4)] == [4, 4, 2, 0]
    assert ask(rolled_back, ROLLED) == ask(rolled_back, RAW)


def test_a_copy_and_an_insert_through_the_view_are_noted(rolled_back: str) -> None:
    # Row security refuses COPY to everybody but superusers.
    execute(rolled_back, "SET LOCAL ROLE NONE")
    with connections[rolled_back].cursor() as cursor, cursor.copy("COPY metric_samples FROM STDIN") as copy:
        copy.write(f"1\t1\t{AT.isoformat()}\t2.5\n1\t1\t{AT.isoformat()}\t3.5\n")
    execute(rolled_back, "INSERT INTO system_metrics (metric_name, metric_value, component) VALUES ('m', 1, 'c')")
    assert refresh(rolled_back) == 2
    assert ask(rolled_back, ROLLED) == ask(rolled_back, RAW)


def test_what_a_dropped_partition_held_stays_known(rolled_back: str) -> None:
    execute(rolled_back, "SELECT create_monthly_partition('metric_samples', '2026-01-01')")
    insert(rolled_back, (1, 0, 1.0), (1, 1, 3.0))
    refresh(rolled_back)
    before = ask(rolled_back, ROLLED)
    execute(rolled_back, "ALTER TABLE metric_samples DETACH PARTITION metric_samples_y2026m01")
    insert(rolled_back, (1, 2, 100.0))
    refresh(rolled_back)
    assert ask(rolled_back, ROLLED) == before


def test_the_runtime_role_refreshes_and_changes_nothing_by_itself(scratch: str, emptied: psycopg.Connection) -> None:
    url = server.TEST_SERVER.url(APP_ROLE, scratch)
    with psycopg.connect(url, autocommit=True, options="-c nfcs.user_id=0") as runtime:
        runtime.execute("INSERT INTO metric_samples VALUES (1, 1, %s, 1)", [AT])
        assert runtime.execute("SELECT validation.refresh_rollups_v1()").fetchone() == (1,)
        for statement in (
            "INSERT INTO metric_rollup_log VALUES (1, 1, now())",
            "DELETE FROM metric_rollup_log",
            "UPDATE metric_rollups SET n = 2",
            "DELETE FROM metric_rollups",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                runtime.execute(statement)


STEPS = (
    ("list_rollups", timedelta(minutes=1), 60),
    ("sum_rollups", timedelta(minutes=5), 60),
    ("sum_rollups", timedelta(hours=2), 3600),
    ("sum_rollups", timedelta(days=1), 86400),
)


def read(connection: psycopg.Connection, name: str, step: timedelta, width: int | None) -> list[tuple]:
    parameters = {
        "run_id": 1,
        "series": [1, 2, 3],
        "since": datetime(2026, 1, 1, tzinfo=UTC),
        "until": datetime(2026, 1, 11, tzinfo=UTC),
        "step": step,
        "width_s": width,
        "width": timedelta(seconds=width or 0),
    }
    queries = named_queries("validation", "rollups")
    statement = queries[name] if width is None else queries["rollups"] + queries[name]
    return sorted(connection.execute(statement, parameters).fetchall())


def test_answers_are_those_of_the_samples_while_writers_and_workers_go_on(
    scratch: str, emptied: psycopg.Connection
) -> None:
    """Late writers, a worker that is killed again and again, and a reader that compares within one snapshot."""
    stop = threading.Event()
    errors: list[BaseException] = []
    written = [0, 0]
    url = server.TEST_SERVER.url(server.OWNER, scratch)

    def write(writer: int) -> None:
        chance = random.Random(writer)
        try:
            with psycopg.connect(url) as connection:
                while not stop.is_set():
                    connection.execute(
                        "INSERT INTO metric_samples"
                        " SELECT 1, 1 + i %% 3, %s::timestamptz + i * interval '7.3 s', %s * i"
                        " FROM generate_series(1, 40) i",
                        [AT - timedelta(seconds=chance.uniform(0, 3 * 86400)), chance.uniform(-1, 1)],
                    )
                    time.sleep(chance.uniform(0, 0.02))
                    if chance.random() < 0.2:
                        connection.rollback()
                    else:
                        connection.commit()
                        written[writer] += 40
        except psycopg.Error as error:
            errors.append(error)

    def work() -> None:
        try:
            while not stop.is_set():
                try:
                    with psycopg.connect(url) as connection:
                        worker.append(connection.info.backend_pid)
                        while not stop.is_set():
                            connection.execute("SELECT validation.refresh_rollups_v1(25)")
                            time.sleep(0.005)
                            connection.commit()
                except psycopg.OperationalError:
                    kills.append(1)
        except psycopg.Error as error:
            errors.append(error)

    worker: list[int] = []
    kills: list[int] = []
    threads = [threading.Thread(target=write, args=[writer]) for writer in range(2)]
    threads.append(threading.Thread(target=work))
    for thread in threads:
        thread.start()
    compared = 0
    try:
        with psycopg.connect(url) as reader:
            while (min(written) < 800 or len(kills) < 5) and not errors:
                reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                for name, step, width in STEPS:
                    expected = read(reader, "read_samples", step, None)
                    assert read(reader, name, step, width) == expected
                    compared += len(expected)
                reader.rollback()
                if worker:
                    emptied.execute("SELECT pg_terminate_backend(%s)", [worker.pop()])
                    worker.clear()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert compared > 100
    while emptied.execute("SELECT validation.refresh_rollups_v1(1000)").fetchone() != (0,):
        pass
    assert emptied.execute("SELECT count(*) FROM metric_samples").fetchone() == (sum(written),)
    assert emptied.execute(ROLLED).fetchall() == emptied.execute(RAW).fetchall()
