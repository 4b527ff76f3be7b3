"""What the built-in producers write: seconds of a simulation, blocks of an imported signal."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from core.field import energy_rate
from core.models import Run
from core.services.fields import FieldSample
from core.telemetry import FloatArray
from kuramoto.services import OscillatorBatch
from nfcs.ingest.pipeline import Outcome, record_run_fields, record_run_metrics, record_run_oscillators
from nfcs.simulation import Second, SimulationSettings

EMBEDDING_EVERY_S = 10


@transaction.atomic
def record_second(run: Run, settings: SimulationSettings, second: Second, *, keep_frame: bool) -> Outcome:
    """Record one second of a simulation: field first, so that its defects count in the Ha of the phases."""
    times = [run.started_at + timedelta(seconds=float(at)) for at in second.times_s]
    record_run_fields(
        run,
        [
            FieldSample(
                index=0,
                timestamp=times[0],
                amplitude=second.field,
                length=settings.length,
                descriptor={"c1": settings.c1, "c3": second.c3, "dt": settings.field_dt, "scheme": "ETDRK4"},
                keep_frame=keep_frame,
            )
        ],
    )
    rows = len(times)
    embeddings = None
    if int(second.times_s[-1]) % EMBEDDING_EVERY_S == 0:
        embeddings = np.full((rows, second.embedding.size), np.nan, dtype=np.float32)
        embeddings[-1] = second.embedding
    outcome = record_run_oscillators(
        run,
        OscillatorBatch(
            indices=range(rows),
            timestamps=times,
            phases=second.phases,
            coupling_strength=second.coupling_strength,
            embeddings=embeddings,
            horizons=[None] * (rows - 1) + [second.horizons],
        ),
    )
    record_run_metrics(
        run,
        names=["field.energy_rate", "kuramoto.coupling_ratio"],
        components=["field", "kuramoto"],
        units=["1", "1"],
        times=[times[-1]] * 2,
        values=[
            energy_rate(second.field, settings.length),
            float(second.coupling_strength[-1] / settings.critical_coupling),
        ],
    )
    return outcome


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
