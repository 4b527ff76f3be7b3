"""Chainable reads of the cognitive tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Func, Value
from django.db.models.functions import Coalesce, Greatest, Power

from cognitive.forgetting import DECAY, forgetting_factor


class SessionQuerySet(models.QuerySet[Any]):
    """Sessions of cognitive modules."""

    def ongoing(self) -> Self:
        """Those that have not ended."""
        return self.filter(ended_at=None)


class MemoryQuerySet(models.QuerySet[Any]):
    """Memories."""

    def with_retrievability(self, now: datetime) -> Self:
        """Each with `retrievability`, the probability that it can be recalled at `now`, 0 to 1."""
        last = Coalesce("last_recalled_at", "stored_at")
        elapsed_s = Greatest(_Seconds(Value(now, models.DateTimeField()) - last), Value(0.0))
        ratio = elapsed_s / F("stability_s")
        curve = Power(1.0 + forgetting_factor() * ratio, -DECAY, output_field=models.FloatField())
        return self.annotate(retrievability=curve)


class _Seconds(Func):
    """An interval as seconds, double precision."""

    template = "extract(epoch FROM %(expressions)s)::float8"
    output_field = models.FloatField()
