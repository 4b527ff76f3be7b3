"""Oscillator batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from kuramoto.services import OscillatorBatch

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_phases(r: float, n: int = 64) -> np.ndarray:
    """Phases of exactly that order parameter: equal shares at +a and -a with cos a = r."""
    return np.where(np.arange(n) % 2 == 0, np.arccos(r), -np.arccos(r))


def make_batch(
    levels: list[float], *, start: datetime = START, every_s: float = 1.0, n: int = 64, **fields: Any
) -> Any:
    """One row for each level of r."""
    return OscillatorBatch(
        indices=range(len(levels)),
        timestamps=[start + timedelta(seconds=every_s * index) for index in range(len(levels))],
        phases=np.array([make_phases(r, n) for r in levels]),
        coupling_strength=np.full(len(levels), 2.0),
        **fields,
    )
