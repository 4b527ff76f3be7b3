"""The monitor: one policy against one series, an episode at a time.

An episode begins when the aggregated value crosses a bound, opens once it has stayed across for the dwell, and
clears at the first value within the clear bounds; between the bounds and the clear bounds nothing changes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from constitutional.policy_content import Policy
from constitutional.windows import Bucket, slide_window
from core.hallucination import severity_score
from core.series import FloatArray, read_series, read_stored_fields, select_on_time, split_runs

Change = Literal["opened", "updated", "cleared"]

MAX_VALUE = 1e100
"""A sample further from zero is invalid: sums of the others stay finite."""
INVALID_LIMIT = 3
"""Consecutive invalid samples that call for an emergency stop."""

_CALM, _BETWEEN, _BREACH = range(3)


@dataclass(frozen=True, slots=True)
class Episode:
    """A breach that is dwelling or open.

    Attributes:
        first_crossing_s: first sample across a bound; identifies the episode within its policy version and series.
        opens_at_s: end of the dwell.
        peak, peak_at_s: the most extreme aggregated value so far.
        samples: samples across a bound so far.
    """

    first_crossing_s: float
    opens_at_s: float
    peak: float
    peak_at_s: float
    samples: int = 0
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class MonitorState:
    """What the monitor remembers of one policy version and one series between batches; storable as JSON.

    Attributes:
        window: the aggregation window, at most `windows.BUCKETS` buckets; empty with `last`.
        invalid_streak, invalid_count: invalid samples in a row up to now, and since the run began. They are left
            out: they neither open, clear nor interrupt an episode.
        invalid_alarms: how often a streak reached INVALID_LIMIT; a batch in which it rose calls for a stop even
            when valid samples followed.
        late_count: samples at or before one already seen, left out since the run began.
    """

    last_seen_s: float | None = None
    episode: Episode | None = None
    window: tuple[Bucket, ...] = ()
    invalid_streak: int = 0
    invalid_count: int = 0
    invalid_alarms: int = 0
    late_count: int = 0

    @property
    def invalid(self) -> bool:
        """Whether the last INVALID_LIMIT samples or more were all invalid."""
        return self.invalid_streak >= INVALID_LIMIT

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self) | {"window": [list(bucket) for bucket in self.window]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the state `to_dict` stored; raises ValueError when its fields are others."""
        values = read_stored_fields(cls, stored)
        if values["episode"] is not None:
            values["episode"] = Episode(**read_stored_fields(Episode, values["episode"]))
        values["window"] = tuple(Bucket(*bucket) for bucket in values["window"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Breach:
    """One change of an episode.

    Attributes:
        change: `opened` at the end of the dwell; `updated` at the end of a batch in which an open episode reached
            a new peak; `cleared`.
        first_crossing_s: identifies the episode within its policy version and series.
        opened_at_s: end of the dwell.
        peak, peak_at_s, samples: of the episode up to this change.
        severity: at the peak, in [0, 1].
        cleared_at_s: first calm sample; None while the episode is open.
    """

    change: Change
    first_crossing_s: float
    opened_at_s: float
    peak: float
    peak_at_s: float
    samples: int
    severity: float
    cleared_at_s: float | None = None


def evaluate(
    policy: Policy, state: MonitorState, timestamps_s: ArrayLike, values: ArrayLike
) -> tuple[MonitorState, list[Breach]]:
    """Feed a batch of the policy's metric, both float64 (n,), and return the new state and the changes in order.

    `opened` and `cleared` are the same however a series is cut into batches. Start from a new state when the policy
    changes. Raises ValueError for a timestamp that is not a time or shapes that differ.
    """
    times, samples = read_series(timestamps_s, values)
    on_time = select_on_time(times, state.last_seen_s)
    late = int(times.size - on_time.sum())
    times, samples = times[on_time], samples[on_time]
    valid = np.abs(samples) <= MAX_VALUE
    streaks = _count_streaks(valid, state.invalid_streak)
    last_seen_s = float(times[-1]) if times.size else state.last_seen_s

    times, samples = times[valid], samples[valid]
    window = state.window
    if policy.aggregate != "last":
        samples, window = slide_window(policy.aggregate, policy.window_s, window, times, samples)
    track = _Track(policy, state.episode, times, samples)
    for code, start, end in split_runs(_classify(policy, samples)):
        if code == _BREACH:
            track.extend(start, end)
        else:
            track.leave(start, is_calm=code == _CALM)
    track.finish_batch()
    return (
        MonitorState(
            last_seen_s=last_seen_s,
            episode=track.episode,
            window=window,
            invalid_streak=int(streaks[-1]) if streaks.size else state.invalid_streak,
            invalid_count=state.invalid_count + int(valid.size - valid.sum()),
            invalid_alarms=state.invalid_alarms + int(np.count_nonzero(streaks == INVALID_LIMIT)),
            late_count=state.late_count + late,
        ),
        track.changes,
    )


def score_severity(policy: Policy, value: float) -> float:
    """Return the severity of a value that breaches the policy, in [0, 1]."""
    if policy.severity_scale == "ha":
        return float(severity_score(value))
    if policy.severity_scale is None:
        x, severity = zip(*policy.breakpoints, strict=True)
        return float(np.interp(value, x, severity))
    return min(1.0, max(0.0, float(_measure_excess(policy, value))) / policy.severity_scale)


def _measure_excess(policy: Policy, values: ArrayLike) -> FloatArray:
    """Return how far values lie beyond the nearest bound; negative within."""
    values = np.asarray(values, dtype=np.float64)
    return np.asarray(np.maximum(values - policy.high, policy.low - values))


def _classify(policy: Policy, values: FloatArray) -> NDArray[np.int8]:
    codes = np.full(values.shape, _BETWEEN, dtype=np.int8)
    codes[(values >= policy.clear_low) & (values <= policy.clear_high)] = _CALM
    codes[(values > policy.high) | (values < policy.low)] = _BREACH
    return codes


def _count_streaks(valid: NDArray[np.bool_], before: int) -> NDArray[np.int64]:
    """Return the number of invalid samples in a row that end at each sample."""
    position = np.arange(valid.size)
    last_valid = np.maximum.accumulate(np.where(valid, position, -1 - before))
    return np.asarray(position - last_valid)


class _Track:
    """The episode of a batch, and what happened to it there."""

    def __init__(self, policy: Policy, episode: Episode | None, times: FloatArray, values: FloatArray) -> None:
        self.policy, self.episode = policy, episode
        self.times, self.values, self.excess = times, values, _measure_excess(policy, values)
        self.peak_excess = float(_measure_excess(policy, episode.peak)) if episode else 0.0
        self.peak_is_new = False
        self.changes: list[Breach] = []

    def extend(self, start: int, end: int) -> None:
        """Take the samples from start to end, all across a bound."""
        if self.episode is None:
            first_s = float(self.times[start])
            opens_at_s = first_s + self.policy.dwell_s
            if end < self.times.size and self.times[end - 1] < opens_at_s:
                return  # Ended before the dwell: most crossings of a noisy series, not worth following.
            self.episode = Episode(first_s, opens_at_s, float(self.values[start]), first_s)
            self.peak_excess = float(self.excess[start])
        if self.episode.is_open:
            self._absorb(self.episode, start, end)
            return
        opening = start + int(np.searchsorted(self.times[start:end], self.episode.opens_at_s))
        episode = self._absorb(self.episode, start, min(opening + 1, end))
        if opening < end:
            episode = replace(episode, is_open=True)
            self._record("opened", episode)
            self._absorb(episode, opening + 1, end)

    def leave(self, start: int, *, is_calm: bool) -> None:
        """Take a sample that is not across a bound: it ends a dwell, and an open episode if it is calm."""
        if self.episode is not None and self.episode.is_open:
            if not is_calm:
                return
            self._record("cleared", self.episode, float(self.times[start]))
        self.episode = None

    def finish_batch(self) -> None:
        """Report a new peak of an open episode."""
        if self.episode is not None and self.episode.is_open and self.peak_is_new:
            self._record("updated", self.episode)

    def _absorb(self, episode: Episode, start: int, end: int) -> Episode:
        self.episode = replace(episode, samples=episode.samples + end - start)
        if start < end:
            worst = start + int(np.argmax(self.excess[start:end]))
            if self.excess[worst] > self.peak_excess:
                self.peak_excess, self.peak_is_new = float(self.excess[worst]), True
                peak, peak_at_s = float(self.values[worst]), float(self.times[worst])
                self.episode = replace(self.episode, peak=peak, peak_at_s=peak_at_s)
        return self.episode

    def _record(self, change: Change, episode: Episode, cleared_at_s: float | None = None) -> None:
        self.changes.append(
            Breach(
                change=change,
                first_crossing_s=episode.first_crossing_s,
                opened_at_s=episode.opens_at_s,
                peak=episode.peak,
                peak_at_s=episode.peak_at_s,
                samples=episode.samples,
                severity=score_severity(self.policy, episode.peak),
                cleared_at_s=cleared_at_s,
            )
        )
        self.peak_is_new = False
