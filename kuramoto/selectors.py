"""Reads of the kuramoto tables that other parts ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from kuramoto.models import OscillatorState

FloatArray = NDArray[np.float64]


def list_carried_components(
    run_id: int, timestamps: Sequence[datetime], carry_s: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Times, forecast and drift components of Ha of a run, from `carry_s` before the first timestamp to the last.

    Each float64 (m,), by time; NaN where a component is missing.
    """
    rows = list(
        OscillatorState.objects.for_run(run_id)
        .filter(timestamp__gte=min(timestamps) - timedelta(seconds=carry_s), timestamp__lte=max(timestamps))
        .order_by("timestamp")
        .values_list("timestamp", "ha_forecast", "ha_drift")
    )
    times = np.array([at.timestamp() for at, _, _ in rows], dtype=np.float64)
    forecast = np.array([value for _, value, _ in rows], dtype=np.float64)
    drift = np.array([value for _, _, value in rows], dtype=np.float64)
    return times, forecast, drift
