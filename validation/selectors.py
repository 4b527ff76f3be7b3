"""Reads of the validation app."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.db.sql import fetch_all
from validation.models import MetricPoint, MetricSeries

FIRST_SPAN = timedelta(minutes=1)
"""The newest stretch of time that is searched for a page; each further one is WIDER times as long."""
WIDER = 16


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
    samples = MetricPoint.objects.order_by("-recorded_at", "series_id", "value")
    if run_id is not None:
        samples = samples.for_run(run_id)
    if metric_name is not None or component is not None:
        samples = samples.filter(series_id__in=_find_series(run_id, metric_name, component))
    skipped = 0
    if after is not None:
        until = min(until, after.recorded_at + timedelta(microseconds=1))
        samples = samples.exclude(recorded_at=after.recorded_at, series_id__lt=after.series_id)
        skipped = after.seen
    found: list[Any] = []
    for start in _widen(since, until):
        bounded = samples.within(start, until).values_list("recorded_at", "series_id", "value", named=True)
        found = list(bounded[skipped : skipped + limit + 1])
        if len(found) > limit:
            break
    end = _locate_end(found[:limit], after) if len(found) > limit else None
    return SamplePage(_describe_samples(found[:limit]), end)


def list_series_buckets(series: MetricSeries, *, since: datetime, until: datetime, n: int) -> list[dict[str, Any]]:
    """A series in at most n equal stretches of [since, until): `from_at`, `median`, `least` and `largest` of each.

    Stretches without samples are left out. No mean: PostgreSQL's overflows at values that a sample may have.
    """
    step = max((until - since) / n, timedelta(microseconds=1))
    asked = {"run_id": series.run_id, "series_id": series.pk, "since": since, "until": until, "step": step}
    return fetch_all("validation", "list_series_buckets", asked)


def _find_series(run_id: int | None, metric_name: str | None, component: str | None) -> list[int]:
    asked = {"run_id": run_id, "metric_name": metric_name, "component": component}
    series = MetricSeries.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    # Ids instead of a join: for a span without row estimates PostgreSQL would look up the series of each sample.
    return list(series.order_by().values_list("pk", flat=True))


def _widen(since: datetime, until: datetime) -> Iterator[datetime]:
    span = FIRST_SPAN
    while span < until - since:
        yield until - span
        span *= WIDER
    yield since


def _locate_end(samples: Sequence[Any], after: SamplePosition | None) -> SamplePosition:
    last = samples[-1]
    seen = sum((sample.recorded_at, sample.series_id) == (last.recorded_at, last.series_id) for sample in samples)
    if after is not None and (after.recorded_at, after.series_id) == (last.recorded_at, last.series_id):
        seen += after.seen
    return SamplePosition(last.recorded_at, last.series_id, seen)


def _describe_samples(samples: Sequence[Any]) -> list[dict[str, Any]]:
    series = MetricSeries.objects.in_bulk({sample.series_id for sample in samples})
    return [
        {
            "run": (of := series[sample.series_id]).run_id,
            "series": of.pk,
            "metric_name": of.metric_name,
            "metric_value": sample.value,
            "metric_unit": of.metric_unit,
            "component": of.component,
            "tags": of.tags,
            "recorded_at": sample.recorded_at,
        }
        for sample in samples
    ]
