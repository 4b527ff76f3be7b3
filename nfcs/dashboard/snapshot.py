"""One run at one moment: what the panels of one answer share."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from constitutional.models import RunGuardState
from core.hallucination import ALARM_BOUNDS, ALARM_LEVELS
from core.models import FieldState, Run
from core.selectors import get_config
from kuramoto.choices import EventType
from kuramoto.models import OscillatorState, SynchronizationEvent, SynchronizationState
from nfcs.dashboard import selectors
from nfcs.dashboard.selectors import Buckets, FloatArray, Window

LIVE_SPAN = timedelta(minutes=10)
SHORTEST_SPAN = timedelta(minutes=1)
LIVE_BUCKET_S = 1.0
LIVE_ROWS = 100
"""Rows of a second that are read; beyond 100 Hz the charts are sampled."""
SPAN_BUCKETS = 480
SPAN_ROWS = 64
"""Rows of a bucket that are read where a whole run is drawn: at most 30 720."""
MOST_EVENTS = 1000
USUAL_THRESHOLDS = (0.8, 0.6)
"""r at which a run counts as synchronized and no longer does, where its detector has not begun."""


def find_window(newest_at: datetime | None, started_at: datetime, now: datetime) -> Window:
    """The last ten minutes up to now, or up to the newest row where that is older or of the future.

    Of a run that is younger, the time since its start, a minute or more.
    """
    end = now if newest_at is None or now - LIVE_SPAN <= newest_at <= now else newest_at
    to_at = end.replace(microsecond=0) + timedelta(seconds=1)
    start = started_at.replace(microsecond=0)
    is_young = to_at - LIVE_SPAN < start <= (newest_at or now)
    return Window(min(start, to_at - SHORTEST_SPAN) if is_young else to_at - LIVE_SPAN, to_at)


class Snapshot:
    """Telemetry of a run as the charts need it; every read is made once, when it is first asked for.

    Attributes:
        run: the run.
        now: the present.
        whole: whether the run's whole span is drawn instead of its last ten minutes.
    """

    def __init__(self, run: Run, now: datetime, *, whole: bool = False) -> None:
        self.run = run
        self.now = now
        self.whole = whole

    @cached_property
    def state(self) -> OscillatorState | None:
        """The newest oscillator state, without phases."""
        return selectors.get_newest_oscillators(self.run.pk)

    @cached_property
    def field(self) -> FieldState | None:
        """The newest field state, without its frame."""
        return selectors.get_newest_field(self.run.pk)

    @property
    def newest_at(self) -> datetime | None:
        """The time of the newest row."""
        return max((row.timestamp for row in (self.state, self.field) if row is not None), default=None)

    @cached_property
    def window(self) -> Window:
        """The time that the charts show."""
        if not self.whole:
            return find_window(self.newest_at, self.run.started_at, self.now)
        span = selectors.get_run_span(self.run.pk)
        if span is None:
            return find_window(None, self.run.started_at, self.now)
        first, last = (at.replace(microsecond=0) for at in span)
        return Window(first, last + timedelta(seconds=1))

    @cached_property
    def oscillators(self) -> Buckets:
        """r, Ha and K over the window."""
        width_s, most = self._resolution
        return selectors.list_oscillator_buckets(self.run.pk, self.window, width_s=width_s, most=most)

    @cached_property
    def fields(self) -> Buckets:
        """Coherence, energy, defect density and Ha of the field over the window."""
        width_s, most = self._resolution
        return selectors.list_field_buckets(self.run.pk, self.window, width_s=width_s, most=most)

    @property
    def ha(self) -> Buckets:
        """The stream that carries Ha: the oscillators where there are any, as they know all three components."""
        return self.oscillators if self.oscillators.has("ha_mean") else self.fields

    @cached_property
    def events(self) -> list[SynchronizationEvent]:
        """The newest events, oldest first."""
        return selectors.list_newest_events(self.run.pk, MOST_EVENTS)

    @cached_property
    def thresholds(self) -> tuple[float, float]:
        """R at which the run counts as synchronized, and at which it no longer does."""
        state = SynchronizationState.objects.filter(run=self.run).only("settings").first()
        if state is None:
            return USUAL_THRESHOLDS
        return float(state.settings["threshold_on"]), float(state.settings["threshold_off"])

    @cached_property
    def guard(self) -> RunGuardState | None:
        """Where the controller's state machine stands."""
        return RunGuardState.objects.filter(run=self.run).first()

    @cached_property
    def ha_levels(self) -> dict[str, float]:
        """By name the value of Ha at which each alarm begins, ascending."""
        usual = dict(zip(map(str, ALARM_LEVELS[1:]), ALARM_BOUNDS, strict=True))
        levels = get_config("nfcs.ha_levels", usual)
        return {name: float(levels[name]) for name in usual}

    @property
    def is_synchronized(self) -> bool | None:
        """Whether the last event says so; None before the first."""
        kinds = [event.event_type for event in self.events if event.event_type in ORDER_EVENTS]
        return kinds[-1] == EventType.SYNC_ACHIEVED if kinds else None

    @property
    def is_stopped(self) -> bool:
        """Whether an emergency stop is latched."""
        kinds = [event.event_type for event in self.events if event.event_type not in ORDER_EVENTS]
        return bool(kinds) and kinds[-1] == EventType.EMERGENCY_STOP

    @property
    def coupling_ratio(self) -> FloatArray:
        """K / Kc over the window, NaN where either is unknown."""
        critical = self.run.critical_coupling or np.nan
        return self.oscillators["k_mean"] / critical if self.oscillators.has("k_mean") else np.zeros(0)

    @property
    def bucket_width(self) -> timedelta:
        """How much time a point of the charts stands for."""
        return timedelta(seconds=self._resolution[0])

    @property
    def _resolution(self) -> tuple[float, int]:
        """Width of a bucket, s, and how many rows of it are read."""
        if not self.whole:
            return LIVE_BUCKET_S, LIVE_ROWS
        return max(LIVE_BUCKET_S / 10, self.window.seconds / SPAN_BUCKETS), SPAN_ROWS


ORDER_EVENTS = (EventType.SYNC_ACHIEVED, EventType.DESYNC_DETECTED)
