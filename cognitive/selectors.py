"""Reads of the cognitive app."""

from __future__ import annotations

from datetime import datetime

from cognitive.models import MemoryExperience
from cognitive.querysets import MemoryQuerySet


def list_memories(*, now: datetime) -> MemoryQuerySet:
    """Memories without their embeddings, each with `retrievability` at `now`."""
    return MemoryExperience.objects.with_retrievability(now).defer("embedding")


def get_memory(memory_id: int, *, now: datetime) -> MemoryExperience:
    """One memory with `retrievability` at `now`.

    Raises:
        MemoryExperience.DoesNotExist: there is no such memory.
    """
    return MemoryExperience.objects.with_retrievability(now).get(pk=memory_id)
