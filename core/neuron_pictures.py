"""Neurons over time, as they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from core.charts import Interval, Level, Markup, Series, line_chart, state_timeline
from core.choices import NeuronState
from core.models import NeuronEvent

STATE_LEVELS: Mapping[str, Level] = {
    NeuronState.COLLAPSED: "failure",
    NeuronState.TUNNELING: "warning",
    NeuronState.ENTANGLED: "emergency",
    NeuronState.SUPERPOSITION: "notice",
    NeuronState.COHERENT: "ok",
    NeuronState.DECOHERENT: "idle",
}
"""In which colour each state is shown."""


def draw_state_timeline(events: Sequence[NeuronEvent], until: datetime, width: float) -> Markup:
    """Draw which state held when: events in order of time, the last state until `until`."""
    intervals = [Interval(event.ts, following.ts, event.to_state) for event, following in pairwise(events)]
    intervals += [Interval(event.ts, max(until, event.ts), event.to_state) for event in events[-1:]]
    return state_timeline(intervals, width=width, levels=STATE_LEVELS, title="States")


def draw_coherence(events: Sequence[NeuronEvent], width: float, height: float = 180) -> Markup:
    """Draw the coherence C before and after each of the events, given in order of time."""
    times = [event.ts for event in events for _ in range(2)]
    values = [value for event in events for value in (event.c_before, event.c_after)]
    return line_chart(
        [Series("C", times, values)],
        width=width,
        height=height,
        y_label="Coherence C",
        y_range=(0, 1),
        title="Coherence over time",
    )
