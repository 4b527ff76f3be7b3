"""Runs whose telemetry reaches up to now, as the dashboard shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from core.models import Run
from kuramoto.services import record_oscillators
from tests.factories.core import RunFactory, make_field
from tests.factories.kuramoto import make_batch


def record_levels(run: Run, levels: list[float], **how: Any) -> None:
    """One oscillator row for each level of r; `how` goes to `make_batch`."""
    record_oscillators(run=run, batch=make_batch(levels, **how), defect=np.full(len(levels), np.nan))


def make_live_run(name: str = "live", rows: int = 40, n: int = 64, **fields: Any) -> Run:
    """A run that sent a row a second until now, and a field."""
    now = timezone.now()
    run: Run = RunFactory(name=name, started_at=now - timedelta(hours=1), critical_coupling=1.0, **fields)
    record_levels(run, [0.5] * rows, start=now - timedelta(seconds=rows), n=n)
    make_field(run=run, at=now - timedelta(seconds=2))
    return run
