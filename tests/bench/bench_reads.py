"""Reads over 20 million samples through the API, each against the best plain SQL on the same tables.

1,000 series (50 metrics of 20 components), one day, closed: rolled up, with the index by series. Answers pass the whole
site with row security, in one process without a network; the SQL is asked as the superuser, past row security.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.bench.harness import Case, Installation, main

ROWS = int(os.environ.get("BENCH_READS_ROWS", "20000000"))
METRICS, COMPONENTS = 50, 20
START = datetime(2026, 1, 10, tzinfo=UTC)
END = START + timedelta(days=1)
LEAF = "validation.metric_samples_y2026m01"
REPEATS = 5
FILL = f"""
    INSERT INTO {LEAF} (run_id, series_id, recorded_at, value)
    SELECT %(run)s, series, %(start)s::timestamptz + at * %(step)s::interval + series * interval '1 microsecond',
           sin(at * 0.01 + series) + random()
    FROM generate_series(0, %(points)s - 1) at, generate_series(%(first)s::bigint, %(last)s::bigint) series
"""
ROLL_UP = """
    INSERT INTO validation.metric_rollups (run_id, series_id, width_s, bucket, n, v_min, v_max, v_sum)
    SELECT run_id, series_id, 60, date_bin('1 minute', recorded_at, '1970-01-01 00:00:00+00'), count(*), min(value),
           max(value), sum(value::numeric)
    FROM validation.metric_samples GROUP BY 1, 2, 4
"""
LATEST = """
    INSERT INTO validation.metric_latest
    SELECT DISTINCT ON (run_id, series_id) run_id, series_id, recorded_at, value
    FROM validation.metric_samples WHERE recorded_at >= %s ORDER BY run_id, series_id, recorded_at DESC
"""


def fill(installation: Installation) -> int:
    """The day, closed; the id of its run."""
    from core.db.identity import SYSTEM, acting_as
    from core.db.partitions import ensure_partitions
    from core.services.runs import start_run
    from validation.models import MetricSeries

    ensure_partitions(now=START, ahead=0, table="metric_samples")
    with acting_as(SYSTEM):
        run = start_run(name="reads", started_at=START)
        series = MetricSeries.objects.bulk_create(
            MetricSeries(run=run, metric_name=f"metric_{metric}", component=f"component_{component}", tags={})
            for metric in range(METRICS)
            for component in range(COMPONENTS)
        )
    points = ROWS // len(series)
    with psycopg.connect(installation.admin_url, autocommit=True) as connection:
        connection.execute("SET work_mem = '256MB'")
        connection.execute(
            FILL,
            {
                "run": run.pk,
                "start": START,
                "points": points,
                "step": timedelta(days=1) / points,
                "first": series[0].pk,
                "last": series[-1].pk,
            },
        )
        connection.execute(ROLL_UP)
        connection.execute(LATEST, [END - timedelta(minutes=10)])
        connection.execute(f"CREATE INDEX ON {LEAF} (series_id, recorded_at)")
        connection.execute("VACUUM ANALYZE validation.metric_samples")
        connection.execute("VACUUM ANALYZE validation.metric_rollups")
        connection.execute("VACUUM ANALYZE validation.metric_latest")
    return run.pk


class Asking:
    """The same questions to the API and to the database, in ms."""

    def __init__(self, installation: Installation, run: int) -> None:
        from django.test import Client
        from django.utils import timezone

        from accounts.models import User
        from accounts.services.sessions import open_session
        from core.db.identity import SYSTEM, acting_as

        with acting_as(SYSTEM):
            user = User.objects.create_superuser("bench", "bench@example.org", None)
            token = open_session(user=user, address=None, user_agent="bench", now=timezone.now()).access
        self.client = Client(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {token}")
        self.run = run
        self.connection = psycopg.connect(installation.admin_url, autocommit=True)
        self.connection.execute("SELECT set_config('search_path', 'validation, public', false)")

    def api(self, path: str, **query: Any) -> Callable[[], float]:
        """The API, to the last octet of the answer."""

        def ask() -> None:
            answer = self.client.get(f"/api/v1/{path}", {"run": self.run, **query})
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if answer.status_code != 200:
                raise RuntimeError(content.decode()[:500])

        return lambda: time_ms(ask)

    def sql(self, statement: str, **parameters: Any) -> Callable[[], float]:
        """Rows as the text of COPY: Python values would cost more than the server does."""
        asked = {"run": self.run, "start": START, "end": END, **parameters}

        def ask() -> None:
            with self.connection.cursor().copy(f"COPY ({statement}) TO STDOUT", asked) as copy:
                for _ in copy:
                    pass

        return lambda: time_ms(ask)

    def series_of(self, metric: str, component: str | None = None) -> list[int]:
        """The ids of the series of a metric."""
        found = self.connection.execute(
            "SELECT id FROM metric_series WHERE metric_name = %s AND (%s::text IS NULL OR component = %s)",
            [metric, component, component],
        )
        return [series for (series,) in found]


def time_ms(ask: Callable[[], None]) -> float:
    """The least of a few, ms: what else the machine does is not what is asked for."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begun))
    return min(times)


def list_cases(installation: Installation) -> list[Case]:
    """The four questions, and a day as minute means against the same from the samples."""
    ask = Asking(installation, fill(installation))
    metric, component = "metric_7", "component_3"
    all_of, one = ask.series_of(metric), ask.series_of(metric, component)
    hour = {"from": "2026-01-10T12:00:00Z", "to": "2026-01-10T13:00:00Z"}
    day = {"from": "2026-01-10T00:00:00Z", "to": "2026-01-11T00:00:00Z", "points": 1440}
    raw_hour = """
        SELECT series_id, recorded_at, value FROM metric_samples
        WHERE run_id = %(run)s AND series_id = ANY (%(series)s)
          AND recorded_at >= %(since)s AND recorded_at < %(until)s"""
    means = """
        SELECT series_id, bucket, n, v_min, v_max, (v_sum / n)::float8 FROM metric_rollups
        WHERE run_id = %(run)s AND series_id = ANY (%(series)s) AND width_s = 60
          AND bucket >= %(start)s AND bucket < %(end)s"""
    from_samples = """
        SELECT series_id, date_bin('1 minute', recorded_at, '1970-01-01 00:00:00+00'), count(*), min(value), max(value),
               avg(value)
        FROM metric_samples WHERE run_id = %(run)s AND series_id = ANY (%(series)s)
          AND recorded_at >= %(start)s AND recorded_at < %(end)s GROUP BY 1, 2"""
    latest = "SELECT series_id, recorded_at, value FROM metric_latest WHERE run_id = %(run)s"
    series, minutes = "series/", ask.api("series/", metric=metric, **day)
    pairs = {
        "an hour of one metric": (
            ask.api(series, metric=metric, raw="true", **hour),
            ask.sql(raw_hour, series=all_of, since=hour["from"], until=hour["to"]),
        ),
        "a day of one series": (ask.api(series, metric=metric, component=component, **day), ask.sql(means, series=one)),
        "minute means of a day": (minutes, ask.sql(means, series=all_of)),
        "latest of 1,000 series": (ask.api("series/latest/"), ask.sql(latest)),
    }
    return [
        *(Case(name, "ms", ours, yardstick, at_most=1.3) for name, (ours, yardstick) in pairs.items()),
        Case("minute means of a day, of rollups and of samples in SQL", "ms", ask.sql(means, series=all_of),
             ask.sql(from_samples, series=all_of), at_most=1 / 30),
        Case("minute means of a day, through the API and of samples in SQL", "ms", minutes,
             ask.sql(from_samples, series=all_of)),
    ]  # fmt: skip


if __name__ == "__main__":
    main("reads", list_cases)
