"""Chainable reads of the core tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models


class RunQuerySet(models.QuerySet[Any]):
    """Runs."""

    def get_by_natural_key(self, run_uuid: str) -> Any:
        """The run of that identity, for fixtures."""
        return self.get(run_uuid=run_uuid)

    def ongoing(self) -> Self:
        """Those that have not ended."""
        return self.filter(ended_at=None)


class TelemetryQuerySet(models.QuerySet[Any]):
    """Rows of a partitioned table; every read bounds the time, so that it visits few partitions."""

    def within(self, start: datetime | None, end: datetime | None) -> Self:
        """Rows with start <= timestamp < end; None leaves a side open."""
        rows = self
        if start is not None:
            rows = rows.filter(timestamp__gte=start)
        if end is not None:
            rows = rows.filter(timestamp__lt=end)
        return rows

    def for_run(self, run_id: int) -> Self:
        """Rows of one run."""
        return self.filter(run_id=run_id)

    def newest_first(self) -> Self:
        """The order of lists and pages."""
        return self.order_by("-timestamp", "-id")


class NeuronEventQuerySet(models.QuerySet[Any]):
    """History of neurons; every read names the neuron or bounds the time, so that it visits few partitions."""

    def within(self, start: datetime | None, end: datetime | None) -> Self:
        """Events with start <= ts < end; None leaves a side open."""
        rows = self
        if start is not None:
            rows = rows.filter(ts__gte=start)
        if end is not None:
            rows = rows.filter(ts__lt=end)
        return rows

    def for_neuron(self, neuron_id: int) -> Self:
        """Events of one neuron."""
        return self.filter(neuron_id=neuron_id)

    def in_order(self) -> Self:
        """Event after event, neuron by neuron."""
        return self.order_by("neuron_id", "ts", "seq")
