"""Chainable reads of the validation tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models


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
