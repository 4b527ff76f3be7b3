"""Every batch of a run before policies and alert rules."""

from __future__ import annotations

from typing import NamedTuple

from django.utils import timezone

from constitutional.services.monitor import monitor_samples
from validation.services import evaluate_alerts
from validation.services.alerts import Samples, Split


class Watched(NamedTuple):
    """How many violations began and ended."""

    opened: int
    cleared: int


def watch(run_id: int, series: dict[str, Samples], split: Split | None = None) -> Watched:
    """Hold the series of a batch of one run to the policies and alert rules in force."""
    monitored = monitor_samples(run_id=run_id, series=series)
    evaluate_alerts(run_id=run_id, series=series, split=split, now=timezone.now())
    return Watched(len(monitored.opened), len(monitored.cleared))
