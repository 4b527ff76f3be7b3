"""Chainable reads of the kuramoto tables."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from kuramoto.choices import EventType


class SynchronizationEventQuerySet(models.QuerySet[Any]):
    """Synchronization events."""

    def for_run(self, run_id: int) -> Self:
        """Those of one run."""
        return self.filter(run_id=run_id)

    def emergencies(self) -> Self:
        """Emergency stops and recoveries."""
        return self.filter(event_type__in=[EventType.EMERGENCY_STOP, EventType.RECOVERY])

    def latest_first(self) -> Self:
        """The newest first."""
        return self.order_by("-occurred_at", "-id")
