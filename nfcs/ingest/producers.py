"""What the built-in producers write: seconds of a simulation, blocks of an imported signal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from core.field import energy_rate
from core.models import Run
from core.services.fields import FieldSample
from core.telemetry import FloatArray
from kuramoto.constants import EMBEDDING_DIMENSIONS
from kuramoto.services import OscillatorBatch
from nfcs.ingest.outcomes import Outcome
from nfcs.ingest.pipeline import record_run_fields, record_run_metrics, record_run_oscillators
from nfcs.simulation import Second, SimulationSettings

EMBEDDING_EVERY_S = 10


@transaction.atomic
def record_seconds(run: Run, settings: SimulationSettings, seconds: Sequence[Second], *, frame_every_s: int) -> None:
    """Record seconds of a simulation: fields first, so that their defects count in the Ha of the phases."""
    ends = [round(float(second.times_s[-1])) for second in seconds]
    record_run_fields(
        run,
        [
            FieldSample(
                index=index,
                timestamp=run.started_at + timedelta(seconds=float(second.times_s[0])),
                amplitude=second.field,
                length=settings.length,
                descriptor={"c1": second.c1, "c3": second.c3, "dt": settings.field_dt, "scheme": "ETDRK4"},
                keep_frame=(ends[index] - 1) % frame_every_s == 0,
            )
            for index, second in enumerate(seconds)
        ],
    )
    record_run_oscillators(run, _join_oscillators(run, seconds, ends))
    times = [run.started_at + timedelta(seconds=end) for end in ends]
    count = len(seconds)
    record_run_metrics(
        run,
        names=["field.energy_rate"] * count + ["kuramoto.coupling_ratio"] * count,
        components=["field"] * count + ["kuramoto"] * count,
        units=["1"] * (2 * count),
        times=times * 2,
        values=[energy_rate(second.field, settings.length) for second in seconds]
        + [float(second.coupling_strength[-1] / settings.critical_coupling) for second in seconds],
    )


def _join_oscillators(run: Run, seconds: Sequence[Second], ends: Sequence[int]) -> OscillatorBatch:
    """Rows of all seconds; every tenth second ends with an embedding, every second with predictions."""
    times_s = np.concatenate([second.times_s for second in seconds])
    last_rows = np.cumsum([len(second.times_s) for second in seconds]) - 1
    horizons: list[dict[str, float] | None] = [None] * len(times_s)
    embeddings = np.full((len(times_s), EMBEDDING_DIMENSIONS), np.nan, dtype=np.float32)
    for row, end, second in zip(last_rows, ends, seconds, strict=True):
        horizons[row] = second.horizons
        if end % EMBEDDING_EVERY_S == 0:
            embeddings[row] = second.embedding
    return OscillatorBatch(
        indices=range(len(times_s)),
        timestamps=[run.started_at + timedelta(seconds=float(at)) for at in times_s],
        phases=np.concatenate([second.phases for second in seconds]),
        coupling_strength=np.concatenate([second.coupling_strength for second in seconds]),
        embeddings=embeddings,
        horizons=horizons,
    )


def record_signal_block(run: Run, first: int, phases: FloatArray, *, rate_hz: float, every: int) -> Outcome | None:
    """Record every `every`-th sample of a block of phases (m, channels) that begins at sample `first`."""
    kept: NDArray[np.int64] = np.flatnonzero((first + np.arange(len(phases))) % every == 0)
    if kept.size == 0:
        return None
    times: list[datetime] = [run.started_at + timedelta(seconds=int(first + at) / rate_hz) for at in kept]
    return record_run_oscillators(
        run,
        OscillatorBatch(
            indices=(first + kept).tolist(),
            timestamps=times,
            phases=phases[kept],
            coupling_strength=np.full(kept.size, np.nan),
        ),
    )
