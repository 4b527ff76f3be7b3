"""Reads of the kuramoto tables for people."""

from __future__ import annotations

from datetime import datetime

from core.models import RealityNode
from kuramoto.layers import cross_reality_coherence
from kuramoto.models import OscillatorState, RealityStatus, SynchronizationEvent

MOST_STATES = 6000


def list_order_parameter(run_id: int, start: datetime, end: datetime) -> list[tuple[datetime, float]]:
    """Time and r of a run's states in [start, end), by time; the first 6000 of them."""
    rows = OscillatorState.objects.for_run(run_id).within(start, end).order_by("timestamp")
    return list(rows.values_list("timestamp", "sync_parameter")[:MOST_STATES])


def list_event_times(run_id: int, start: datetime, end: datetime) -> list[datetime]:
    """When synchronization events of a run occurred, start <= occurred_at <= end."""
    events = SynchronizationEvent.objects.for_run(run_id).filter(occurred_at__gte=start, occurred_at__lte=end)
    return list(events.values_list("occurred_at", flat=True))


def get_latest_phases(status: RealityStatus) -> list[float] | None:
    """The phases of the newest oscillator state of a network, rad; None where no ongoing run has a recent one."""
    if status.latest_run_id is None or status.last_telemetry_at is None:
        return None
    states = OscillatorState.objects.for_run(status.latest_run_id).filter(timestamp=status.last_telemetry_at)
    phases: list[float] | None = states.order_by("-id").values_list("phases", flat=True).first()
    return phases


def get_cross_reality_coherence(status: RealityStatus) -> float | None:
    """|mean over layers of z_layer| of a network's newest state, 0 to 1.

    None where the network has one layer, no ongoing run has a recent state, or not as many oscillators as vertices.
    """
    phases = get_latest_phases(status) if status.n_layers > 1 else None
    if phases is None or len(phases) != status.n_nodes:
        return None
    nodes = RealityNode.objects.filter(network=status.pk).order_by("layer", "node_index")
    return cross_reality_coherence(phases, list(nodes.values_list("layer", flat=True)))
