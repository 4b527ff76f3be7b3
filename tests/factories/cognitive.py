"""Module sessions and memories."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from cognitive.choices import ExperienceType, ModuleType
from cognitive.models import CognitiveSession, MemoryExperience


class CognitiveSessionFactory(factory.django.DjangoModelFactory):
    """An open session of the memory module, each in a worker of its own."""

    class Meta:
        model = CognitiveSession

    module_type = ModuleType.MEMORY
    worker = factory.Sequence(lambda n: f"worker-{n}")
    session_data = factory.LazyFunction(dict)
    started_at = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryExperienceFactory(factory.django.DjangoModelFactory):
    """An episodic memory of 2026-01-01 with a stability of one day."""

    class Meta:
        model = MemoryExperience

    experience_type = ExperienceType.EPISODIC
    context_data = factory.LazyFunction(lambda: {"what": "a walk"})
    stability_s = 86_400.0
    stored_at = datetime(2026, 1, 1, tzinfo=UTC)
