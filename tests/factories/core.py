"""Runs."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from core.choices import RunKind
from core.models import Run


class RunFactory(factory.django.DjangoModelFactory):
    """A simulation that began on 2026-01-01 and goes on."""

    class Meta:
        model = Run

    name = factory.Sequence(lambda n: f"run {n}")
    kind = RunKind.SIMULATION
    started_at = datetime(2026, 1, 1, tzinfo=UTC)
