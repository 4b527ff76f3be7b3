"""Components of Ha one stream of a run lends the other: defects of the field; forecast and drift of the phases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet

from core.models import FieldState
from core.telemetry import CARRY_S, FloatArray, carry_forward, unix_seconds
from kuramoto.models import OscillatorState


def carry_defect(run_id: int, timestamps: Sequence[datetime]) -> FloatArray:
    """The defect component of the run's latest field at each time, float64 (n,); NaN where none is recent."""
    rows = _recent(FieldState.objects.filter(ha_defect__isnull=False), run_id, timestamps).values_list(
        "timestamp", "ha_defect"
    )
    return _carry(list(rows), timestamps)


def carry_forecast_and_drift(run_id: int, timestamps: Sequence[datetime]) -> tuple[FloatArray, FloatArray]:
    """Forecast and drift components of the run's latest oscillator state at each time; NaN where none is recent.

    Late states have no forecast: that of the latest one that has counts.
    """
    rows = list(
        _recent(OscillatorState.objects.all(), run_id, timestamps).values_list("timestamp", "ha_forecast", "ha_drift")
    )
    forecasts = [(at, forecast) for at, forecast, _ in rows if forecast is not None]
    return _carry(forecasts, timestamps), _carry([(at, drift) for at, _, drift in rows], timestamps)


def _recent(rows: QuerySet[Any], run_id: int, timestamps: Sequence[datetime]) -> QuerySet[Any]:
    first = min(timestamps) - timedelta(seconds=CARRY_S)
    return rows.filter(run_id=run_id, timestamp__gte=first, timestamp__lte=max(timestamps)).order_by("timestamp")


def _carry(rows: list[tuple[datetime, float | None]], timestamps: Sequence[datetime]) -> FloatArray:
    known_times = unix_seconds([at for at, _ in rows])
    values = np.array([value for _, value in rows], dtype=np.float64)
    return carry_forward(unix_seconds(timestamps), known_times, values)
