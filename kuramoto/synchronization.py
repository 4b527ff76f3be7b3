"""Synchronization events: r(t) crossing two thresholds (hysteresis) and staying across (dwell).

A threshold alone turns the noise of a near-critical system into hundreds of events. Here `sync_achieved`
needs r >= threshold_on throughout dwell_on_s, and `desync_detected`, which only follows it, needs
r <= threshold_off throughout dwell_off_s. `emergency_stop` is caused by control, never by r: not found here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.series import FloatArray, read_series, read_stored_fields, select_on_time, split_runs
from kuramoto.theory import incoherent_r_99

EventType = Literal["sync_achieved", "desync_detected"]

MIN_DWELL_S = 1.0
MAX_DWELL_RATIO = 16.0
"""The two dwells may differ by this factor at most; it bounds the detector's memory."""
BINS_PER_DWELL = 256
"""The medians see the first sample of each of this many equal time bins in the shorter dwell."""
ROUNDING = 1e-9
"""How far outside [0, 1] rounding may take r before the sample counts as invalid."""

_INVALID, _LOW, _MIDDLE, _HIGH = range(4)


def minimum_dwell_s(coupling: float, critical_coupling: float, *, ceiling_s: float = 300.0) -> float:
    """Return max(1 s, 3 / |K - Kc|): three relaxation times of r around its mean (Lorentzian frequencies).

    Both couplings in rad/s. The relaxation time diverges at Kc, where a detector would wait for ever:
    ceiling_s ends that. Raises ValueError when a coupling is not finite.
    """
    if not np.isfinite([coupling, critical_coupling]).all():
        raise ValueError("coupling and critical_coupling: expected finite rad/s")
    distance = abs(coupling - critical_coupling)
    return ceiling_s if distance * ceiling_s <= 3.0 else max(MIN_DWELL_S, 3.0 / distance)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSettings:
    """Thresholds and dwells of one run; keep them for as long as its state is kept.

    Attributes:
        threshold_off, threshold_on: 0 <= off < on <= 1.
        dwell_on_s, dwell_off_s: at least 1 s and `minimum_dwell_s`; within a factor of 16 of each other.
        max_gap_s: a longer silence restarts the dwell, because nothing shows that r stayed across meanwhile.

    Raises ValueError naming the field.
    """

    n_oscillators: int
    threshold_on: float = 0.8
    threshold_off: float = 0.6
    dwell_on_s: float = 5.0
    dwell_off_s: float = 5.0
    max_gap_s: float = 60.0

    def __post_init__(self) -> None:
        if self.n_oscillators < 1:
            raise ValueError("n_oscillators: expected at least 1")
        if not 0.0 <= self.threshold_off < self.threshold_on <= 1.0:
            raise ValueError("threshold_off, threshold_on: expected 0 <= off < on <= 1")
        for name in ("dwell_on_s", "dwell_off_s"):
            if not MIN_DWELL_S <= getattr(self, name) < np.inf:
                raise ValueError(f"{name}: expected at least {MIN_DWELL_S:g} s")
        shorter, longer = sorted((self.dwell_on_s, self.dwell_off_s))
        if longer > MAX_DWELL_RATIO * shorter:
            raise ValueError(f"dwell_on_s, dwell_off_s: expected a ratio of {MAX_DWELL_RATIO:g} at most")
        if not 0.0 < self.max_gap_s < np.inf:
            raise ValueError("max_gap_s: expected a positive number of seconds")

    @property
    def bin_s(self) -> float:
        """Width of a time bin of the median windows."""
        return min(self.dwell_on_s, self.dwell_off_s) / BINS_PER_DWELL

    @property
    def memory_s(self) -> float:
        """How far back samples are kept: the longer dwell, and a bin for rounding."""
        return max(self.dwell_on_s, self.dwell_off_s) + self.bin_s


@dataclass(frozen=True, slots=True)
class Crossing:
    """The crossing whose dwell is running: its first sample, and the median r over the dwell before it."""

    at_s: float
    r: float
    median_before: float | None


@dataclass(frozen=True, slots=True)
class DetectorState:
    """What the detector remembers between batches; storable as JSON.

    Attributes:
        synced: whether the last event was `sync_achieved`.
        incoherent: whether the last valid r was no larger than chance allows, r <= sqrt(ln(100) / N).
        recent: (time, r) of the first valid sample of each time bin, over the longer dwell; at most
            BINS_PER_DWELL * MAX_DWELL_RATIO + 3 pairs, however high the sampling rate.
        late_count: samples at or before one already seen, left out since the run began.
        invalid_count: samples not finite or outside [0, 1], left out likewise; each restarts the dwell.
    """

    synced: bool = False
    incoherent: bool = False
    last_seen_s: float | None = None
    crossing: Crossing | None = None
    recent: tuple[tuple[float, float], ...] = ()
    late_count: int = 0
    invalid_count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self) | {"recent": [list(pair) for pair in self.recent]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the state `to_dict` stored; raises ValueError when its fields are others."""
        values = read_stored_fields(cls, stored)
        if values["crossing"] is not None:
            values["crossing"] = Crossing(**read_stored_fields(Crossing, values["crossing"]))
        values["recent"] = tuple((at_s, r) for at_s, r in values["recent"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class SynchronizationEvent:
    """One change of the collective state.

    Attributes:
        entered_at_s: first sample across the threshold.
        occurred_at_s: entered_at_s + dwell_s.
        sync_before: median r over the dwell before entered_at_s; None when the run has no sample there.
        sync_after: median r over [entered_at_s, occurred_at_s].
        incoherent: whether sync_after is no larger than chance allows.
    """

    event_type: EventType
    entered_at_s: float
    occurred_at_s: float
    sync_before: float | None
    sync_after: float
    threshold_on: float
    threshold_off: float
    dwell_s: float
    n_oscillators: int
    incoherent: bool


def detect_events(
    state: DetectorState, timestamps_s: ArrayLike, r: ArrayLike, *, settings: DetectorSettings
) -> tuple[DetectorState, list[SynchronizationEvent]]:
    """Feed a batch of the order parameter, both float64 (n,), and return the new state and the events.

    The result is the same however a series is cut into batches. Late and invalid samples are counted in the
    state. Raises ValueError for a timestamp that is not a time or shapes that differ.
    """
    times, values = read_series(timestamps_s, r)
    on_time = select_on_time(times, state.last_seen_s)
    late_count = state.late_count + int(times.size - on_time.sum())
    times, values = times[on_time], values[on_time]
    if times.size == 0:
        return replace(state, late_count=late_count), []

    valid = (values >= -ROUNDING) & (values <= 1.0 + ROUNDING)
    values = np.clip(values, 0.0, 1.0)
    track = _Track(state, settings, times[valid], values[valid])
    previous = np.concatenate(([times[0] if state.last_seen_s is None else state.last_seen_s], times[:-1]))
    gaps = times - previous > settings.max_gap_s
    events = []
    for code, start, end in split_runs(_classify(values, valid, settings), gaps):
        if gaps[start] or code != track.awaited_code:
            track.leave()
        if code == track.awaited_code:
            entered_at_s = track.crossing.at_s if track.crossing else times[start]
            completes = times[end - 1] >= entered_at_s + track.dwell_s
            if end < times.size and not completes:
                continue  # Given up at once: most crossings of a noisy series, not worth a median.
            crossing = track.enter(times[start], values[start])
            if completes:
                events.append(track.complete(crossing))
    chance = incoherent_r_99(settings.n_oscillators)
    return (
        DetectorState(
            synced=track.synced,
            incoherent=bool(values[valid][-1] <= chance) if valid.any() else state.incoherent,
            last_seen_s=float(times[-1]),
            crossing=track.crossing,
            recent=track.remember(times[-1]),
            late_count=late_count,
            invalid_count=state.invalid_count + int(valid.size - valid.sum()),
        ),
        events,
    )


def _classify(r: FloatArray, valid: NDArray[np.bool_], settings: DetectorSettings) -> NDArray[np.int8]:
    codes = np.full(r.shape, _MIDDLE, dtype=np.int8)
    codes[r <= settings.threshold_off] = _LOW
    codes[r >= settings.threshold_on] = _HIGH
    codes[~valid] = _INVALID
    return codes


class _Track:
    """The detector at work on one batch."""

    def __init__(self, state: DetectorState, settings: DetectorSettings, times: FloatArray, r: FloatArray) -> None:
        self.settings = settings
        self.synced, self.crossing = state.synced, state.crossing
        recent = np.array(state.recent, dtype=np.float64).reshape(-1, 2)
        times, r = np.concatenate((recent[:, 0], times)), np.concatenate((recent[:, 1], r))
        first_of_bin = np.diff(np.floor(times / settings.bin_s), prepend=-np.inf) > 0
        self.recent_times, self.recent_r = times[first_of_bin], r[first_of_bin]

    @property
    def awaited_code(self) -> int:
        return _LOW if self.synced else _HIGH

    @property
    def dwell_s(self) -> float:
        return self.settings.dwell_off_s if self.synced else self.settings.dwell_on_s

    def enter(self, at_s: float, r: float) -> Crossing:
        """Start the dwell, unless it is running."""
        if self.crossing is None:
            first, end = np.searchsorted(self.recent_times, (at_s - self.dwell_s, at_s))
            before = float(np.median(self.recent_r[first:end])) if end > first else None
            self.crossing = Crossing(float(at_s), float(r), before)
        return self.crossing

    def leave(self) -> None:
        """Give the dwell up."""
        self.crossing = None

    def complete(self, crossing: Crossing) -> SynchronizationEvent:
        """Change the collective state at the end of the dwell."""
        occurred_at_s = crossing.at_s + self.dwell_s
        first, end = np.searchsorted(self.recent_times, (crossing.at_s, occurred_at_s), side="right")
        # The crossing itself may not be the first of its time bin, and so not among the recent samples.
        after = float(np.median(np.append(self.recent_r[first:end], crossing.r)))
        event = SynchronizationEvent(
            event_type="desync_detected" if self.synced else "sync_achieved",
            entered_at_s=crossing.at_s,
            occurred_at_s=occurred_at_s,
            sync_before=crossing.median_before,
            sync_after=after,
            threshold_on=self.settings.threshold_on,
            threshold_off=self.settings.threshold_off,
            dwell_s=self.dwell_s,
            n_oscillators=self.settings.n_oscillators,
            incoherent=after <= incoherent_r_99(self.settings.n_oscillators),
        )
        self.leave()
        self.synced = not self.synced
        return event

    def remember(self, now_s: float) -> tuple[tuple[float, float], ...]:
        """Return the samples that a later window may still need."""
        first = np.searchsorted(self.recent_times, now_s - self.settings.memory_s)
        return tuple(zip(self.recent_times[first:].tolist(), self.recent_r[first:].tolist(), strict=True))
