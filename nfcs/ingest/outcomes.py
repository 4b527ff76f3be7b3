"""What a batch brought, run by run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.telemetry import FloatArray


@dataclass(frozen=True)
class Summary:
    """Smallest, mean, largest and last of `count` values."""

    count: int
    min: float
    mean: float
    max: float
    last: float


@dataclass
class Outcome:
    """What a batch of one run brought.

    Attributes:
        derived: by name, a summary of what was computed.
        events: types of the synchronization events found.
        late: rows older than the run's newest, stored but not fed to the detector of events.
        opened, cleared: violations that began and ended.
    """

    run: int
    rows: int
    derived: dict[str, Summary] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    late: int = 0
    opened: int = 0
    cleared: int = 0


def summarise(values: FloatArray) -> Summary:
    """The summary of values in the order of time, (n,) with n >= 1."""
    return Summary(len(values), float(values.min()), float(values.mean()), float(values.max()), float(values[-1]))


def merge_outcomes(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """One outcome a run, in the order of runs, from those of consecutive parts of a batch."""
    merged: dict[int, Outcome] = {}
    for part in outcomes:
        whole = merged.get(part.run)
        if whole is None:
            merged[part.run] = part
            continue
        for name, summary in part.derived.items():
            before = whole.derived.get(name)
            whole.derived[name] = summary if before is None else _join(before, summary)
        whole.rows += part.rows
        whole.events += part.events
        whole.late += part.late
        whole.opened += part.opened
        whole.cleared += part.cleared
    return [merged[run] for run in sorted(merged)]


def _join(one: Summary, next_one: Summary) -> Summary:
    count = one.count + next_one.count
    mean = one.mean + (next_one.mean - one.mean) * (next_one.count / count)
    return Summary(count, min(one.min, next_one.min), mean, max(one.max, next_one.max), next_one.last)
