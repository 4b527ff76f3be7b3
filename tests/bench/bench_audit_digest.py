"""What count and digest cost: 100,000 rows stored in one statement, against the same without the audit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from tests.bench.harness import Case, Installation, main

ROWS = 100_000


def list_cases(installation: Installation) -> Sequence[Case]:
    """Samples by the path of the pipeline and by COPY into the table, oscillator rows by the path of the pipeline."""
    from core.db.identity import SYSTEM, acting_as
    from core.models import Run
    from kuramoto.services import OscillatorBatch, record_oscillators
    from validation.services import record_metrics

    start = datetime.now(UTC) - timedelta(hours=1)
    with acting_as(SYSTEM):
        run = Run.objects.create(name="bench", kind="live", started_at=start, n_oscillators=64)
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.arange(ROWS) * np.timedelta64(1000, "us")
    random = np.random.default_rng(1)
    values = random.normal(size=ROWS)

    def record() -> None:
        with acting_as(SYSTEM):
            record_metrics(
                run_id=run.pk,
                names=["m"] * ROWS,
                components=["c"] * ROWS,
                units=[None] * ROWS,
                tags=[None] * ROWS,
                times=times,
                values=values,
            )

    record()
    read, write = (
        "COPY (SELECT * FROM validation.metric_samples) TO STDOUT (FORMAT binary)",
        ("COPY validation.metric_samples FROM STDIN (FORMAT binary)"),
    )
    with psycopg.connect(installation.admin_url) as admin, admin.cursor() as cursor, cursor.copy(read) as copy:
        body = b"".join(bytes(part) for part in copy)

    def copy_samples() -> None:
        with psycopg.connect(installation.admin_url) as admin, admin.cursor() as cursor, cursor.copy(write) as copy:
            copy.write(body)

    def timed(work: Callable[[], Any], table: str, *, audited: bool, rows: int = ROWS) -> float:
        with psycopg.connect(installation.admin_url, autocommit=True) as admin:
            verb = "ENABLE" if audited else "DISABLE"
            for event in ("insert", "update", "delete", "truncate"):
                admin.execute(f"ALTER TABLE {table} {verb} TRIGGER audit_{event}")
        began = time.perf_counter()
        work()
        return rows / (time.perf_counter() - began)

    def case(name: str, work: Callable[[], Any], table: str, rows: int = ROWS, at_least: float | None = 0.8) -> Case:
        return Case(
            name,
            "rows/s",
            lambda: timed(work, table, audited=True, rows=rows),
            lambda: timed(work, table, audited=False, rows=rows),
            at_least=at_least,
        )

    phases = random.uniform(-3, 3, size=(10_000, 64))

    def record_phases() -> None:
        moments = [datetime.now(UTC) + timedelta(microseconds=n) for n in range(len(phases))]
        with acting_as(SYSTEM):
            record_oscillators(
                run=run,
                batch=OscillatorBatch(
                    indices=range(len(phases)),
                    timestamps=moments,
                    phases=phases,
                    coupling_strength=np.full(len(phases), 2.0),
                ),
                defect=np.full(len(phases), np.nan),
            )

    return [
        case("100k samples, as the pipeline stores them", record, "validation.metric_samples"),
        # No path of the project: row security refuses COPY. What a superuser who restores rows pays.
        case("100k samples, COPY into the table", copy_samples, "validation.metric_samples", at_least=None),
        case("10k oscillator rows, as the pipeline", record_phases, "kuramoto.kuramoto_oscillators", len(phases)),
    ]


if __name__ == "__main__":
    main("audit digest", list_cases)
