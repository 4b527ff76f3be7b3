"""Metric rows over HTTP against one connection's COPY of the same rows into a table of the seed's shape and indexes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import psycopg
import pyarrow as pa

from tests.bench.harness import Case, Installation, main
from tests.bench.web import WebServer, environment_of, post_all, serve, sign_in

ROWS = 200_000
PATH = "/api/v1/metrics/batch/"
AT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
GOALS = {
    10_000: {"JSON rows": 3.0, "NDJSON": 3.0, "grouped by series": 4.0, "Arrow": 4.0},
    1_000: {"JSON rows": 1.5, "NDJSON": 1.5},
}
SEED_TABLE = """
CREATE TABLE seed_metrics (
    id bigserial PRIMARY KEY, metric_name varchar(100) NOT NULL, metric_value decimal(15,6) NOT NULL,
    metric_unit varchar(20), component varchar(50) NOT NULL, tags jsonb,
    recorded_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON seed_metrics (metric_name, component);
CREATE INDEX ON seed_metrics (recorded_at)
"""


def make_rows(run: int, count: int = ROWS) -> list[dict[str, Any]]:
    """Samples of 50 components with 20 metrics each, a point of all of them every 100 ms."""
    values = np.round(np.random.default_rng(1).normal(100, 15, count), 6).tolist()
    rows = []
    for at, value in enumerate(values):
        moment = (AT + timedelta(milliseconds=100 * (at // 1000), microseconds=at % 1000)).isoformat()
        component = at % 1000 // 20
        rows.append(
            {
                "run": run,
                "timestamp": moment.replace("+00:00", "Z"),
                "metric_name": f"metric_{at % 20}",
                "metric_value": value,
                "metric_unit": "ms",
                "component": f"component_{component}",
                "tags": {"host": f"host{component % 10}", "zone": "a"},
            }
        )
    return rows


def cut(rows: Sequence[dict[str, Any]], size: int) -> list[Sequence[dict[str, Any]]]:
    """The rows in batches."""
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def group(rows: Sequence[dict[str, Any]]) -> bytes:
    """A body grouped by series."""
    series: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        head = {name: row[name] for name in ("run", "metric_name", "component", "metric_unit", "tags")}
        key = (row["metric_name"], row["component"])
        one = series.setdefault(key, head | {"times": [], "values": []})
        one["times"].append(row["timestamp"])
        one["values"].append(row["metric_value"])
    return orjson.dumps({"series": list(series.values())})


def to_arrow(rows: Sequence[dict[str, Any]]) -> bytes:
    """An Arrow stream of one record batch."""
    columns = {
        "run": pa.array([row["run"] for row in rows], pa.int64()),
        "timestamp": pa.array([datetime.fromisoformat(row["timestamp"]) for row in rows], pa.timestamp("us", "UTC")),
        "metric_value": pa.array([row["metric_value"] for row in rows]),
        "tags": pa.array([orjson.dumps(row["tags"]).decode() for row in rows]).dictionary_encode(),
    }
    for name in ("metric_name", "component", "metric_unit"):
        columns[name] = pa.array([row[name] for row in rows]).dictionary_encode()
    table = pa.table(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def to_copy(rows: Sequence[dict[str, Any]]) -> bytes:
    """The text of COPY into the seed's table."""
    lines = [
        "\t".join(
            (
                row["metric_name"],
                repr(row["metric_value"]),
                row["metric_unit"],
                row["component"],
                orjson.dumps(row["tags"]).decode(),
                row["timestamp"],
            )
        )
        for row in rows
    ]
    return ("\n".join(lines) + "\n").encode()


def make_yardstick(installation: Installation, batches: Sequence[bytes], count: int) -> Callable[[], float]:
    """COPY of each batch in a transaction of its own, by one connection, rows/s."""
    connection = psycopg.connect(installation.admin_url, autocommit=True)
    connection.execute("DROP TABLE IF EXISTS seed_metrics")
    connection.execute(SEED_TABLE)
    columns = "metric_name, metric_value, metric_unit, component, tags, recorded_at"

    def measure() -> float:
        begun = time.perf_counter()
        for batch in batches:
            with connection.cursor().copy(f"COPY seed_metrics ({columns}) FROM STDIN") as copy:
                copy.write(batch)
        return count / (time.perf_counter() - begun)

    return measure


def make_ours(server: WebServer, bodies: Sequence[bytes], count: int, media_type: str) -> Callable[[], float]:
    """The bodies over HTTP, rows/s."""
    return lambda: count / post_all(server, PATH, bodies, media_type)


def prepare_run(
    installation: Installation, stack: ExitStack, *, n_oscillators: int | None = None
) -> tuple[WebServer, int]:
    """A web server, and the id of a run that its clients write to."""
    from django.core.management import call_command

    from core.db.identity import SYSTEM, acting_as
    from core.services.runs import start_run

    server = stack.enter_context(serve(environment_of(installation)))
    user = sign_in(server)
    call_command("partitions", "ensure", stdout=io.StringIO())
    with acting_as(SYSTEM):
        run = start_run(name="bench", kind="live", owner=user, started_at=AT, n_oscillators=n_oscillators)
    return server, run.pk


def list_senders(
    server: WebServer, batches: Sequence[Sequence[dict[str, Any]]], count: int
) -> dict[str, Callable[[], float]]:
    """By the form of the bodies, what sends the batches and measures rows/s."""
    kinds: dict[str, tuple[Callable[[Sequence[dict[str, Any]]], bytes], str]] = {
        "JSON rows": (orjson.dumps, "application/json"),
        "NDJSON": (lambda batch: b"\n".join(map(orjson.dumps, batch)), "application/x-ndjson"),
        "grouped by series": (group, "application/json"),
        "Arrow": (to_arrow, "application/vnd.apache.arrow.stream"),
    }
    return {
        name: make_ours(server, [encode(batch) for batch in batches], count, media_type)
        for name, (encode, media_type) in kinds.items()
    }


def list_cases(installation: Installation, stack: ExitStack) -> list[Case]:
    """The cases, on one web server."""
    server, run = prepare_run(installation, stack)
    rows = make_rows(run)
    cases = []
    for size, goals in GOALS.items():
        batches = cut(rows, size)
        yardstick = make_yardstick(installation, [to_copy(batch) for batch in batches], len(rows))
        cases += [
            Case(f"metrics, {name}, {size} a batch", "rows/s", send, yardstick, at_least=goals.get(name))
            for name, send in list_senders(server, batches, len(rows)).items()
        ]
    return cases


if __name__ == "__main__":
    with ExitStack() as opened:
        main("ingest of metrics", lambda installation: list_cases(installation, opened))
