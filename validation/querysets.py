"""Chainable reads of the validation tables."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Subquery, Value
from django.db.models.functions import Greatest

from core.models import Run
from validation.choices import OPEN_STATES, AlertOperator, AlertState
from validation.constants import ANNOUNCED_AGE


class SampleQuerySet(models.QuerySet[Any]):
    """Metric samples; every read bounds the time, so that it visits few partitions."""

    def within(self, start: datetime | None, end: datetime | None) -> Self:
        """Samples with start <= recorded_at < end; None leaves a side open."""
        samples = self
        if start is not None:
            samples = samples.filter(recorded_at__gte=start)
        if end is not None:
            samples = samples.filter(recorded_at__lt=end)
        return samples

    def for_run(self, run_id: int) -> Self:
        """Samples of one run."""
        return self.filter(run_id=run_id)


class PointQuerySet(SampleQuerySet):
    """Samples wherever they lie; whoever bounds the time bounds the days that are read."""

    def filter(self, *args: Any, **lookups: Any) -> Self:
        """As of every query set, with the bounds of `day_at` that follow from those of `recorded_at`."""
        bounds = {}
        if (start := lookups.get("recorded_at__gte")) is not None:
            bounds["day_at__gt"] = start - timedelta(days=1)
        if (end := lookups.get("recorded_at__lt")) is not None:
            bounds["day_at__lt"] = end
        return super().filter(*args, **lookups, **bounds)


class AlertRuleQuerySet(models.QuerySet[Any]):
    """Alert rules."""

    def watching(self, run_id: int, metrics: Collection[str]) -> Self:
        """The active rules on `metrics` of a run, each with `channel_ids`, its active channels."""
        kind = Run.objects.filter(pk=run_id).values("kind")
        return self.filter(
            Q(run=None) | Q(run=run_id), Q(run_kind="") | Q(run_kind=Subquery(kind)), is_active=True, metric__in=metrics
        ).with_channel_ids()

    def with_channel_ids(self) -> Self:
        """Rules that know their active channels as `channel_ids`."""
        is_active = Q(channels__is_active=True)
        return self.annotate(channel_ids=ArrayAgg("channels", filter=is_active, default=[], order_by="channels"))


class AlertRuleManager(models.Manager.from_queryset(AlertRuleQuerySet)):  # type: ignore[misc]
    """Alert rules by name, for fixtures."""

    def get_by_natural_key(self, name: str) -> Any:
        """The rule called `name`, whatever the case."""
        return self.get(name__iexact=name)


class AlertChannelManager(models.Manager[Any]):
    """Channels by name, for fixtures."""

    def get_by_natural_key(self, name: str) -> Any:
        """The channel called `name`, whatever the case."""
        return self.get(name__iexact=name)


class AlertQuerySet(models.QuerySet[Any]):
    """Alerts."""

    def shown(self) -> Self:
        """Those that tell something: an inactive one waits for its condition."""
        return self.exclude(state=AlertState.INACTIVE)

    def open(self) -> Self:
        """Those that are pending or firing."""
        return self.filter(state__in=OPEN_STATES)

    def with_names(self) -> Self:
        """Rows that show rule, run and who acknowledged without another query."""
        return self.select_related("rule", "run", "acknowledged_by")


class AlertMemoryQuerySet(models.QuerySet[Any]):
    """What evaluation remembers."""

    def due(self, now: datetime) -> Self:
        """Series in which something is due without a sample: an end, an absence, or a message after a silence."""
        since = Greatest(F("heard_at"), F("rule__updated_at"))
        allowed = ExpressionWrapper(F("rule__absent_for_s") * Value(timedelta(seconds=1)), models.DurationField())
        silent = ExpressionWrapper(since + allowed, models.DateTimeField())
        is_open, is_changed = Q(alert__state__in=OPEN_STATES), ~Q(rule_version=F("rule__version"))
        is_calm = Q(alert=None) | ~is_open
        is_over = Q(run__ended_at__isnull=False) | Q(rule__is_active=False) | is_changed
        listens = Q(rule__op=AlertOperator.ABSENT, rule__is_active=True, run__ended_at=None)
        is_untold = Q(alert__state=AlertState.FIRING, alert__announced_at=None, alert__acknowledged=False)
        was_silenced = Q(alert__silenced_until__lte=now, alert__silenced_until__gt=now - ANNOUNCED_AGE)
        return self.annotate(silent_at=silent).filter(
            is_open & is_over | listens & (is_changed | is_calm & Q(silent_at__lte=now)) | is_untold & was_silenced
        )
