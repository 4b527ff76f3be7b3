"""Oscillator states and fields over HTTP against one connection's COPY of the bytes that were stored, durable both."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
import psycopg
import pyarrow as pa

from tests.bench.bench_ingest_metrics import AT, prepare_run
from tests.bench.harness import Case, Installation, main
from tests.bench.web import post_all

STATES, STATES_A_BATCH, OSCILLATORS = 20_000, 1_000, 64
FIELDS, FIELDS_A_BATCH, RESOLUTION = 200, 20, 128
ARROW = "application/vnd.apache.arrow.stream"
STATE_COLUMNS = 'run_id, "timestamp", phases, sync_parameter, mean_phase, coupling_strength'
FIELD_COLUMNS = (
    'run_id, "timestamp", field_data, frame, frame_sha256, frame_encoding, resolution, ndim, coherence_level,'
    " energy_state, mean_abs, gradient_energy, quartic_energy, defect_count, defect_density, created_at"
)


def write_arrow(columns: dict[str, Any]) -> bytes:
    """An Arrow stream of one record batch."""
    table = pa.table(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def make_times(first: int, count: int, step_ms: int) -> list[datetime]:
    """Moments, one every so many ms."""
    return [AT + timedelta(milliseconds=step_ms * at) for at in range(first, first + count)]


def make_states(run: int) -> dict[str, list[bytes]]:
    """Batches of random phases, as Arrow and as JSON."""
    phases = np.random.default_rng(1).uniform(-np.pi, np.pi, (STATES, OSCILLATORS))
    bodies: dict[str, list[bytes]] = {"Arrow": [], "JSON": []}
    for first in range(0, STATES, STATES_A_BATCH):
        batch = phases[first : first + STATES_A_BATCH]
        times = make_times(first, len(batch), 100)
        flat = pa.ListArray.from_arrays(np.arange(0, batch.size + 1, OSCILLATORS, dtype=np.int32), batch.ravel())
        columns = {
            "run": pa.array(np.full(len(batch), run)),
            "timestamp": pa.array(times, pa.timestamp("us", "UTC")),
            "phases": flat,
            "coupling_strength": pa.array(np.full(len(batch), 2.0)),
        }
        bodies["Arrow"].append(write_arrow(columns))
        bodies["JSON"].append(
            orjson.dumps(
                [
                    {"run": run, "timestamp": at, "phases": row.tolist(), "coupling_strength": 2.0}
                    for at, row in zip(times, batch, strict=True)
                ]
            )
        )
    return bodies


def make_fields(run: int) -> dict[str, list[bytes]]:
    """Batches of smooth random fields, as Arrow and as JSON with frames in base64."""
    rng = np.random.default_rng(2)
    wave = np.exp(2j * np.pi * np.arange(RESOLUTION) / RESOLUTION)
    bodies: dict[str, list[bytes]] = {"Arrow": [], "JSON": []}
    for first in range(0, FIELDS, FIELDS_A_BATCH):
        noise = rng.normal(size=(FIELDS_A_BATCH, RESOLUTION, RESOLUTION, 2)) @ np.array([0.05, 0.05j])
        frames = [(np.outer(wave, wave) + one).astype(np.complex64).tobytes() for one in noise]
        times = make_times(first, FIELDS_A_BATCH, 1_000)
        columns = {
            "run": pa.array(np.full(FIELDS_A_BATCH, run)),
            "timestamp": pa.array(times, pa.timestamp("us", "UTC")),
            "resolution": pa.array(np.full(FIELDS_A_BATCH, RESOLUTION)),
            "frame": pa.array(frames, pa.binary()),
            "keep_frame": pa.array([True] * FIELDS_A_BATCH),
        }
        bodies["Arrow"].append(write_arrow(columns))
        bodies["JSON"].append(
            orjson.dumps(
                [
                    {
                        "run": run,
                        "timestamp": at,
                        "resolution": RESOLUTION,
                        "frame": base64.b64encode(frame).decode(),
                        "keep_frame": True,
                    }
                    for at, frame in zip(times, frames, strict=True)
                ]
            )
        )
    return bodies


class Copied:
    """The yardstick: a table like the one that is filled, and its rows as the bytes of binary COPY, batch by batch."""

    def __init__(self, installation: Installation, table: str, columns: str, batches: int) -> None:
        self.connection = psycopg.connect(installation.admin_url, autocommit=True)
        self.name = f"public.copied_{table.partition('.')[2]}"
        self.columns = columns
        self.connection.execute(f"CREATE TABLE {self.name} (LIKE {table} INCLUDING ALL)")
        self.count = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[index]
        size = self.count // batches
        self.batches = [self._read(table, size, size * batch) for batch in range(batches)]

    def _read(self, table: str, size: int, first: int) -> bytes:
        query = f'SELECT {self.columns} FROM {table} ORDER BY "timestamp" LIMIT {size} OFFSET {first}'
        with self.connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
            return b"".join(copy)

    def measure(self) -> float:
        """Rows/s of COPY, a transaction a batch."""
        begun = time.perf_counter()
        for batch in self.batches:
            with self.connection.cursor().copy(f"COPY {self.name} ({self.columns}) FROM STDIN (FORMAT binary)") as copy:
                copy.write(batch)
        return self.count / (time.perf_counter() - begun)


def list_cases(installation: Installation, stack: ExitStack) -> list[Case]:
    """The cases, on one web server."""
    server, run = prepare_run(installation, stack, n_oscillators=OSCILLATORS)

    def sender(kind: str, bodies: Sequence[bytes], media_type: str, count: int) -> Callable[[], float]:
        return lambda: count / post_all(server, f"/api/v1/{kind}/batch/", bodies, media_type)

    cases = []
    for kind, table, columns, bodies, count in (
        ("oscillators", "kuramoto.kuramoto_oscillators", STATE_COLUMNS, make_states(run), STATES),
        ("fields", "nfcs_core.nfcs_fields", FIELD_COLUMNS, make_fields(run), FIELDS),
    ):
        ours = {
            "Arrow": sender(kind, bodies["Arrow"], ARROW, count),
            "JSON": sender(kind, bodies["JSON"], "application/json", count),
        }
        ours["Arrow"]()
        copied = Copied(installation, table, columns, len(bodies["Arrow"]))
        cases += [
            Case(f"{kind}, {form}, {count // len(bodies[form])} a batch", "rows/s", send, copied.measure, at_least=0.8)
            for form, send in ours.items()
        ]
    return cases


if __name__ == "__main__":
    with ExitStack() as opened:
        main("ingest of states and fields", lambda installation: list_cases(installation, opened))
