"""Octets a sample of a closed day with its indexes, as samples and compacted; and what compaction and reading cost.

A day of a sample a second of each series, with times that jitter and random values.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg

from tests.bench.harness import Case, Installation, main

SERIES = 30
SAMPLES = 86_400
DAY = datetime(2024, 5, 10, tzinfo=UTC)
NOW = datetime(2024, 6, 3, tzinfo=UTC)
SIZE = "SELECT pg_total_relation_size(%s)"


class Day:
    """One closed day, as samples or compacted."""

    def __init__(self, installation: Installation) -> None:
        self.connection = psycopg.connect(installation.owner_url, autocommit=True)
        self.connection.execute("SELECT set_config('nfcs.user_id', '0', false)")
        for table in ("metric_samples", "metric_days"):
            self.connection.execute("SELECT nfcs_core.create_monthly_partition(%s, '2024-05-01')", [table])

    def fill(self) -> None:
        """The samples anew, with the indexes of a closed partition and nothing compacted."""
        from core.db.closing import close_partitions
        from core.db.identity import SYSTEM, on_behalf_of

        self.connection.execute("DELETE FROM validation.metric_days; DELETE FROM validation.metric_samples")
        self.connection.execute("VACUUM FULL validation.metric_days_y2024m05")
        self.connection.execute("VACUUM FULL validation.metric_samples_y2024m05")
        self.connection.execute(
            "INSERT INTO validation.metric_samples"
            " SELECT 1, s, %s::timestamptz + i * interval '1 second' + random() * interval '0.9 second', random()"
            " FROM generate_series(0, %s - 1) i, generate_series(1, %s) s",
            [DAY, SAMPLES, SERIES],
        )
        self.connection.execute("DELETE FROM validation.metric_rollup_log")
        with on_behalf_of(SYSTEM):
            close_partitions(now=NOW, table="metric_samples")
        self.connection.execute("VACUUM (ANALYZE) validation.metric_samples_y2024m05")

    def compact(self) -> float:
        """Samples/s, the space given back included."""
        from validation.services.compaction import compact_samples

        started = time.perf_counter()
        (day,) = compact_samples(now=NOW, older_than=timedelta(0))
        taken = time.perf_counter() - started
        assert (day.rows, day.problem) == (SERIES * SAMPLES, "")
        self.connection.execute("ANALYZE validation.metric_days")
        return day.rows / taken

    def measure_size(self, leaf: str) -> float:
        """Octets a sample, indexes and TOAST included."""
        row = self.connection.execute(SIZE, [f"validation.{leaf}"]).fetchone()
        assert row
        return float(row[0]) / (SERIES * SAMPLES)

    def read(self) -> float:
        """The day of one series, by minute, ms."""
        started = time.perf_counter()
        rows = self.connection.execute(
            "SELECT date_bin('1 minute', recorded_at, '1970-01-01+00') AS at, count(*), min(value), max(value)"
            " FROM validation.metric_points_v1(%s, %s) WHERE run_id = 1 AND series_id = 7 GROUP BY 1",
            [DAY, DAY + timedelta(days=1)],
        ).fetchall()
        assert sum(row[1] for row in rows) == SAMPLES
        return (time.perf_counter() - started) * 1000


def list_cases(installation: Installation) -> list[Case]:
    """In this order: the later ones stand on what the earlier ones left."""
    day = Day(installation)
    figures: dict[str, float] = {}

    def fill_and_size() -> float:
        day.fill()
        figures["read"] = day.read()
        return day.measure_size("metric_samples_y2024m05")

    def compacted_size() -> float:
        return day.measure_size("metric_days_y2024m05") + day.measure_size("metric_samples_y2024m05")

    return [
        Case("octets a sample, as samples", "octets", fill_and_size),
        Case("compaction", "samples/s", day.compact, prepare=day.fill),
        Case("octets a sample, compacted", "octets", compacted_size, at_most=20),
        Case("a day of a series, compacted against samples", "ms", day.read, lambda: figures["read"]),
    ]


if __name__ == "__main__":
    main("disk of a closed day", list_cases)
