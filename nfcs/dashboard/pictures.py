"""The charts of the dashboard, drawn from a snapshot."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise

import numpy as np

from core.charts import (
    Band,
    Level,
    Markup,
    Series,
    Threshold,
    histogram,
    line_chart,
    phase_wheel,
)
from core.hallucination import HA_MAX
from kuramoto.choices import EventType
from kuramoto.models import OscillatorState, SynchronizationEvent
from nfcs.dashboard.selectors import Buckets, FloatArray
from nfcs.dashboard.snapshot import Snapshot

HA_LEVELS: dict[str, Level] = {
    "normal": "ok",
    "warning": "warning",
    "critical": "critical",
    "emergency": "emergency",
    "failure": "failure",
    "recovery": "notice",
}
"""In which colour each alarm level, and each state of the controller, is shown."""
SHORTEST_GAP_S = 5.0


def name_alarm(ha: float, levels: dict[str, float]) -> str:
    """Name the alarm that Ha raises."""
    return max((name for name, bound in levels.items() if ha >= bound), key=levels.__getitem__, default="normal")


def fit_height(width: float, usual: float) -> float:
    """Height of a chart: the usual one, less where it is narrow."""
    return max(170.0, min(usual, width * usual / 880))


def draw_order(snapshot: Snapshot, width: float) -> Markup:
    """Draw r(t) with the thresholds of its detector; tinted while synchronized and while stopped."""
    on, off = snapshot.thresholds
    return line_chart(
        [list_series("r", snapshot.oscillators, "r", is_whole=snapshot.whole)],
        width=width,
        height=fit_height(width, 300),
        y_range=(0, 1),
        time_range=(snapshot.window.from_at, snapshot.window.to_at),
        thresholds=[Threshold(on, f"sync {on:g}", "ok"), Threshold(off, f"desync {off:g}", "warning")],
        bands=list_event_bands(snapshot.events),
        title="Order parameter r over time",
    )


def draw_ha(snapshot: Snapshot, width: float) -> Markup:
    """Draw Ha(t) before its alarm levels; the axis ends at the first level above it, at most at 10."""
    buckets = snapshot.ha
    bounds = [*snapshot.ha_levels.values(), HA_MAX]
    largest = np.nanmax(buckets["ha_high"]) if buckets.has("ha_high") else 0.0
    top = next((bound for bound in bounds[1:] if bound > largest), HA_MAX)
    names = list(snapshot.ha_levels)
    shown = [(name, *ends) for name, ends in zip(names, pairwise(bounds), strict=True) if ends[0] < top]
    return line_chart(
        [list_series("Ha", buckets, "ha", is_whole=snapshot.whole)],
        width=width,
        height=fit_height(width, 236),
        y_range=(0, top),
        time_range=(snapshot.window.from_at, snapshot.window.to_at),
        thresholds=[Threshold(low, f"{name} {low:g}", HA_LEVELS[name]) for name, low, _ in shown],
        bands=[Band(low, high, level=HA_LEVELS[name], label=name) for name, low, high in shown],
        title="Hallucination number Ha over time",
    )


def draw_field_scalar(snapshot: Snapshot, column: str, label: str, width: float, height: float = 200) -> Markup:
    """Draw one scalar of the field over time; coherence on 0 to 1, the others from 0."""
    buckets = snapshot.fields
    largest = float(np.nanmax(buckets[f"{column}_high"])) if buckets.has(f"{column}_high") else 0.0
    top = 1.0 if column == "coherence" else largest * 1.08 or snapshot.run.defect_density_ref
    reference = [Threshold(snapshot.run.defect_density_ref, "", "notice")] if column == "defects" else []
    return line_chart(
        [list_series(label, buckets, column, is_whole=snapshot.whole)],
        width=width,
        height=height,
        y_label=label,
        y_range=(0, max(top, *(limit.value * 1.08 for limit in reference)) if reference else top),
        time_range=(snapshot.window.from_at, snapshot.window.to_at),
        thresholds=reference,
        title=f"{label} over time",
    )


def draw_coupling(snapshot: Snapshot, width: float, height: float = 150) -> Markup:
    """Draw K / Kc over time."""
    ratio = snapshot.coupling_ratio
    times = snapshot.oscillators.times_s if ratio.size else np.zeros(0)
    return line_chart(
        [Series("K / Kc", times, ratio, find_gap_s(snapshot.oscillators))],
        width=width,
        height=height,
        y_label="Coupling K / Kc",
        time_range=(snapshot.window.from_at, snapshot.window.to_at),
        thresholds=[Threshold(1.0, "K = Kc", "notice")],
        title="Coupling over its critical value",
    )


def list_series(label: str, buckets: Buckets, column: str, *, is_whole: bool) -> Series:
    """The means of a column, with lowest and highest around them where buckets are wide."""
    if not buckets.has(f"{column}_mean"):
        return Series(label, [], [])
    spread = (buckets[f"{column}_low"], buckets[f"{column}_high"]) if is_whole else None
    return Series(label, buckets.times_s, buckets[f"{column}_mean"], find_gap_s(buckets), spread)


def find_gap_s(buckets: Buckets) -> float:
    """Longest step in time that a line is drawn across, s: ten usual steps of this stream, 5 s or more."""
    steps: FloatArray = np.diff(buckets.times_s)
    usual = float(np.median(steps)) if steps.size else 0.0
    return max(SHORTEST_GAP_S, 10 * usual)


def list_event_bands(events: list[SynchronizationEvent]) -> list[Band]:
    """The times in which a run was synchronized, and in which it was stopped."""
    return [
        *list_spans(events, EventType.SYNC_ACHIEVED, EventType.DESYNC_DETECTED, "ok", "synchronized"),
        *list_spans(events, EventType.EMERGENCY_STOP, EventType.RECOVERY, "emergency", "emergency stop"),
    ]


def list_spans(events: list[SynchronizationEvent], begin: str, end: str, level: Level, words: str) -> list[Band]:
    """Bands from each event of type `begin` to the next of type `end`; the last is open where none follows."""
    bands: list[Band] = []
    since: datetime | None = None
    for event in events:
        at = event.entered_at or event.occurred_at
        if event.event_type == begin:
            since = at
        elif event.event_type == end:
            bands.append(Band(start=since or -math.inf, end=at, level=level, label=words))
            since = None
    if since is not None:
        bands.append(Band(start=since, level=level, label=words))
    return bands


def draw_wheel(state: OscillatorState, size: float) -> Markup:
    """Draw the phases of a state with its order parameter."""
    z = state.sync_parameter * complex(math.cos(state.mean_phase), math.sin(state.mean_phase))
    return phase_wheel(state.phases, z, size=size, title="Phases and order parameter")


def draw_phase_histogram(phases: list[float], width: float, height: float) -> Markup:
    """Draw how the phases are spread over the circle."""
    return histogram(phases, bins=24, width=width, height=height, x_label="Phase, rad", title="Phases")
