"""Reads of the dashboard; each is bounded in time or in rows, whatever the size of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.constants import PARTITIONED_TABLES, SYSTEM_RUN_UUID
from core.db.sql import fetch_all
from core.field import decode_frame
from core.field_codec import decode as decode_packed_frame
from core.models import FieldState, Run
from kuramoto.models import OscillatorState, SynchronizationEvent

FloatArray = NDArray[np.float64]

PULSE_RUNS = 8
"""Runs going on that the first page lists."""
PULSE_ROWS = 10_000
"""Rows of a minute beyond which they are not counted."""
PULSE_STEPS = 60


@dataclass(frozen=True)
class Window:
    """A span of time on whole seconds, `to_at` excluded."""

    from_at: datetime
    to_at: datetime

    @property
    def seconds(self) -> float:
        """Its length, s."""
        return (self.to_at - self.from_at).total_seconds()


@dataclass(frozen=True)
class Buckets:
    """Telemetry of a run in buckets of time; a bucket without rows is left out.

    Attributes:
        times_s: middles of the buckets, seconds since 1970, (m,).
        width_s: width of a bucket.
        columns: by name, such as `r_mean`, float64 (m,), NaN where nothing is known.
        is_sampled: whether a bucket held more rows than were read.
    """

    times_s: FloatArray
    width_s: float
    columns: Mapping[str, FloatArray]
    is_sampled: bool

    def __getitem__(self, name: str) -> FloatArray:
        return self.columns[name]

    def has(self, name: str) -> bool:
        """Whether a column holds any value."""
        return bool(np.isfinite(self.columns[name]).any()) if name in self.columns else False


def find_run(run_id: int | None) -> Run | None:
    """The run of that id, or without one the newest that goes on, or the newest of all; None where there is none."""
    runs = Run.objects.select_related("network", "owner").defer("natural_frequencies")
    if run_id is not None:
        return runs.filter(pk=run_id).first()
    runs = runs.exclude(run_uuid=SYSTEM_RUN_UUID).order_by("-started_at", "-id")
    return runs.ongoing().first() or runs.first()


def get_run_span(run_id: int) -> tuple[datetime, datetime] | None:
    """The first and the last time of a run's telemetry, None without any."""
    (row,) = fetch_all("nfcs", "get_run_span", {"run": run_id})
    return None if row["first_at"] is None else (row["first_at"], row["last_at"])


def list_run_pulses(now: datetime, span: timedelta) -> list[dict[str, Any]]:
    """The newest runs that go on, at most 8, each with what it sent last and `r_trace`, r over `span` in 60 steps."""
    parameters = {
        "now": now,
        "since": now - span,
        "step": span / PULSE_STEPS,
        "runs": PULSE_RUNS,
        "most": PULSE_ROWS,
        "system_run": SYSTEM_RUN_UUID,
    }
    return fetch_all("nfcs", "list_run_pulses", parameters)


def list_oscillator_buckets(run_id: int, window: Window, *, width_s: float, most: int) -> Buckets:
    """r, Ha and K of a run: `r_low`, `r_mean`, `r_high`, `ha_...` and `k_mean`; `most` rows a bucket are read."""
    return _read_buckets("list_oscillator_buckets", run_id, window, width_s, most)


def list_field_buckets(run_id: int, window: Window, *, width_s: float, most: int) -> Buckets:
    """`coherence_...`, `energy_...`, `defects_...` and `ha_...` of a run; `most` rows a bucket are read."""
    return _read_buckets("list_field_buckets", run_id, window, width_s, most)


def _read_buckets(query: str, run_id: int, window: Window, width_s: float, most: int) -> Buckets:
    parameters = {
        "run": run_id,
        "from_at": window.from_at,
        "to_at": window.to_at,
        "width": timedelta(seconds=width_s),
        "most": most,
    }
    rows = fetch_all("nfcs", query, parameters)
    names = rows[0].keys() if rows else ()
    columns = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in names}
    from_s = columns.pop("from_s", np.zeros(0))
    counts = columns.pop("n", np.zeros(0))
    return Buckets(from_s + width_s / 2, width_s, columns, bool((counts >= most).any()))


def get_newest_oscillators(run_id: int, *, with_phases: bool = False) -> OscillatorState | None:
    """The newest oscillator state of a run, its phases only where they are asked for."""
    columns = ["timestamp", "sync_parameter", "mean_phase", "coupling_strength", "ha", "ha_defect", "ha_forecast"]
    columns += ["ha_drift", *(["phases"] if with_phases else [])]
    return OscillatorState.objects.for_run(run_id).newest_first().only(*columns).first()


def get_newest_field(run_id: int) -> FieldState | None:
    """The newest field state of a run, without its frame."""
    return FieldState.objects.for_run(run_id).newest_first().defer("frame", "frame_sha256").first()


def get_newest_frame(run_id: int, window: Window) -> FieldState | None:
    """The newest field state in the window whose field was kept; the frame itself is not read."""
    rows = FieldState.objects.for_run(run_id).within(window.from_at, window.to_at).filter(frame__isnull=False)
    return rows.newest_first().only("timestamp", "resolution", "ndim", "run_id").first()


def read_frame(run_id: int, at: datetime, field_id: int) -> NDArray[np.complex64] | None:
    """The field of one row, thinned to at most 511 points a side; 1-D fields as a single row. None where none is."""
    rows = fetch_all("nfcs", "get_frame", {"run": run_id, "at": at, "id": field_id})
    if not rows:
        return None
    row = rows[0]
    n, step = row["resolution"], row["step"]
    if row["frame_encoding"] is not None:
        values = decode_packed_frame(bytes(row["payload"]))
        return values[::step, ::step] if values.ndim == 2 else values[np.newaxis, ::step]
    shape = (1, n) if row["ndim"] == 1 else (-(-n // step), n)
    return np.asarray(decode_frame(bytes(row["payload"]), shape))[:, ::step]


def list_newest_events(run_id: int, most: int) -> list[SynchronizationEvent]:
    """The newest events of a run, oldest first."""
    return list(SynchronizationEvent.objects.for_run(run_id).latest_first()[:most])[::-1]


def list_partition_health() -> list[dict[str, Any]]:
    """For each time-partitioned table its partitions, until when they are ready, and rows by estimate."""
    return fetch_all("nfcs", "list_partition_health", {"tables": list(PARTITIONED_TABLES)})


def get_server_health() -> dict[str, Any]:
    """Version, size, start and connections of the database server."""
    (row,) = fetch_all("nfcs", "get_server_health")
    return row
