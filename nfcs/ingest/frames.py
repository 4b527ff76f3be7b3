"""Which fields of a batch are kept as frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from constitutional.selectors import list_violation_times
from core.frame_policy import choose_frames, read_frame_policy
from core.models import Run
from core.selectors import list_frame_times
from core.telemetry import check_times, unix_seconds
from kuramoto.selectors import list_event_times


def keep_frames(run: Run, timestamps: Sequence[datetime], asked: Sequence[bool | None]) -> list[bool]:
    """Whether each field of a batch is kept: as its sender asks, else as the run's policy of frames says.

    Events are synchronization events and violations up to one span of the policy before the batch.

    Raises:
        InvalidInput: the policy makes no sense.
    """
    policy = read_frame_policy(run.parameters)
    if policy.every_s is None or None not in asked or check_times(timestamps, range(len(timestamps))):
        return [wanted is not False for wanted in asked]
    first, last = min(timestamps), max(timestamps)
    span = timedelta(seconds=policy.every_s)
    events = []
    if policy.on_events:
        events = list_event_times(run.pk, first - span, last) + list_violation_times(run.pk, first - span, last)
    chosen = choose_frames(
        policy,
        unix_seconds(timestamps),
        start_s=run.started_at.timestamp(),
        kept_s=[at.timestamp() for at in list_frame_times(run.pk, first - span, last)],
        events_s=[at.timestamp() for at in events],
    )
    return [policy_says if wanted is None else wanted for wanted, policy_says in zip(asked, chosen, strict=True)]
