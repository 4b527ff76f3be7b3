"""Reads of the kuramoto tables for people."""

from __future__ import annotations

from datetime import datetime

from kuramoto.models import OscillatorState

MOST_STATES = 6000


def list_order_parameter(run_id: int, start: datetime, end: datetime) -> list[tuple[datetime, float]]:
    """Time and r of a run's states in [start, end), by time; the first 6000 of them."""
    rows = OscillatorState.objects.for_run(run_id).within(start, end).order_by("timestamp")
    return list(rows.values_list("timestamp", "sync_parameter")[:MOST_STATES])
