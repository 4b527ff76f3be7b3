"""Reads of the validation app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from validation.models import MetricSample

FIRST_SPAN = timedelta(minutes=1)
"""The newest stretch of time that is searched for a page; each further one is WIDER times as long."""
WIDER = 16

_COLUMNS = {
    "run": "run_id",
    "series": "series_id",
    "metric_name": "series__metric_name",
    "metric_value": "value",
    "metric_unit": "series__metric_unit",
    "component": "series__component",
    "tags": "series__tags",
    "recorded_at": "recorded_at",
}


@dataclass(frozen=True)
class SamplePosition:
    """How far a list of samples was read: up to the `seen`-th sample of a series at one time."""

    recorded_at: datetime
    series_id: int
    seen: int


@dataclass(frozen=True)
class SamplePage:
    """Samples, newest first, and where the next page begins; None after the last."""

    rows: list[dict[str, Any]]
    next: SamplePosition | None


def list_samples(
    *,
    since: datetime,
    until: datetime,
    limit: int,
    run_id: int | None = None,
    metric_name: str | None = None,
    component: str | None = None,
    after: SamplePosition | None = None,
) -> SamplePage:
    """One page of samples with since <= recorded_at < until, newest first, then by series.

    No index of samples can be read backwards in time, so short stretches of time are searched before long ones.
    """
    filters = {"run_id": run_id, "series__metric_name": metric_name, "series__component": component}
    samples = MetricSample.objects.filter(**{name: value for name, value in filters.items() if value is not None})
    skipped = 0
    if after is not None:
        until = min(until, after.recorded_at + timedelta(microseconds=1))
        samples = samples.exclude(Q(recorded_at=after.recorded_at, series_id__lt=after.series_id))
        skipped = after.seen
    samples = samples.order_by("-recorded_at", "series_id", "value")
    found: list[tuple[Any, ...]] = []
    for start in _widen(since, until):
        bounded = samples.within(start, until).values_list(*_COLUMNS.values())
        found = list(bounded[skipped : skipped + limit + 1])
        if len(found) > limit:
            break
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in found[:limit]]
    return SamplePage(rows, _locate_end(rows, after) if len(found) > limit else None)


def list_series_samples(
    series_id: int, *, run_id: int, since: datetime, until: datetime, limit: int
) -> QuerySet[MetricSample, Any]:
    """Time and value of the newest samples of one series, newest first."""
    samples = MetricSample.objects.for_run(run_id).filter(series_id=series_id).within(since, until)
    return samples.order_by("-recorded_at").values_list("recorded_at", "value")[:limit]


def _widen(since: datetime, until: datetime) -> Iterator[datetime]:
    span = FIRST_SPAN
    while span < until - since:
        yield until - span
        span *= WIDER
    yield since


def _locate_end(rows: list[dict[str, Any]], after: SamplePosition | None) -> SamplePosition:
    end = (rows[-1]["recorded_at"], rows[-1]["series"])
    seen = sum((row["recorded_at"], row["series"]) == end for row in rows)
    if after is not None and (after.recorded_at, after.series_id) == end:
        seen += after.seen
    return SamplePosition(*end, seen)
