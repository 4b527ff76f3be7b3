"""Memories are assessed as the closed form says, once a moment, in batches, beside recalls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cognitive.assessment import assess_memories
from cognitive.forgetting import DAY_S, consolidation, half_life, retrievability
from cognitive.models import MemoryExperience, MemoryStrength
from cognitive.services import recall_experience, store_experience

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = AT + timedelta(days=10)


def store(stability_s: float, stored_at: datetime = AT) -> MemoryExperience:
    return store_experience(experience_type="episodic", context_data={}, stored_at=stored_at, stability_s=stability_s)


def read(memory: MemoryExperience) -> MemoryStrength:
    return MemoryStrength.objects.get(pk=memory.pk)


@pytest.mark.parametrize("stability_s", [1.0, 60.0, DAY_S, 30 * DAY_S, 36_500 * DAY_S])
def test_what_is_kept_is_the_closed_form(stability_s: float) -> None:
    memory = store(stability_s)
    assert assess_memories(now=NOW) == 1
    kept = read(memory)
    assert kept.strength == pytest.approx(float(retrievability(10 * DAY_S, stability_s)), rel=1e-12)
    assert kept.consolidation_level == pytest.approx(float(consolidation(stability_s)), rel=1e-12)
    assert kept.assessed_at == NOW
    expected = AT + timedelta(seconds=float(half_life(stability_s)))
    assert abs(kept.forgotten_at - expected) < timedelta(milliseconds=1)


def test_at_the_half_life_a_memory_is_forgotten_and_at_one_stability_nine_tenths_are_left() -> None:
    memory = store(DAY_S)
    assess_memories(now=AT + timedelta(days=1))
    assert read(memory).strength == pytest.approx(0.9, rel=1e-12)
    forgotten_at = read(memory).forgotten_at
    assess_memories(now=forgotten_at)
    assert read(memory).strength == pytest.approx(0.5, rel=1e-9)


def test_the_same_moment_again_changes_nothing_and_an_older_one_neither() -> None:
    memories = [store(DAY_S * days) for days in (1, 2, 3)]
    assert assess_memories(now=NOW) == 3
    before = list(MemoryStrength.objects.order_by("pk").values())
    assert assess_memories(now=NOW) == 0
    assert assess_memories(now=NOW - timedelta(days=1)) == 0
    assert list(MemoryStrength.objects.order_by("pk").values()) == before
    assert assess_memories(now=NOW + timedelta(seconds=1)) == 3
    assert read(memories[0]).strength < before[0]["strength"]


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_batches_reach_every_memory_and_go_on_where_they_stopped(batch: int) -> None:
    for days in range(1, 6):
        store(DAY_S * days)
    third = MemoryExperience.objects.order_by("pk")[2]
    MemoryStrength.objects.create(
        memory=third, strength=0.25, consolidation_level=0.5, forgotten_at=NOW, assessed_at=NOW
    )
    assert assess_memories(now=NOW, batch=batch) == 4
    assert MemoryStrength.objects.filter(assessed_at=NOW).count() == 5
    assert read(third).strength == 0.25


def test_what_is_stored_later_is_not_assessed_yet() -> None:
    memory = store(DAY_S, NOW + timedelta(seconds=1))
    assert assess_memories(now=NOW) == 0
    assert not MemoryStrength.objects.filter(pk=memory.pk).exists()


def test_a_recall_makes_a_memory_stronger_at_once() -> None:
    memory = store(DAY_S)
    assess_memories(now=NOW)
    faded = read(memory)
    recall_experience(experience_id=memory.pk, now=NOW)
    fresh = read(memory)
    memory.refresh_from_db()
    assert (fresh.strength, fresh.assessed_at) == (1.0, NOW)
    assert fresh.consolidation_level == pytest.approx(memory.consolidation_level, rel=1e-12)
    assert fresh.consolidation_level > faded.consolidation_level
    assert fresh.forgotten_at > faded.forgotten_at
    later = NOW + timedelta(days=3)
    assess_memories(now=later)
    assert read(memory).strength == pytest.approx(float(retrievability(3 * DAY_S, memory.stability_s)), rel=1e-12)


def test_a_recall_that_comes_to_be_known_late_counts() -> None:
    memory = store(DAY_S)
    assess_memories(now=NOW)
    at = NOW - timedelta(days=1)
    recall_experience(experience_id=memory.pk, now=at)
    assert read(memory).assessed_at == at
    assess_memories(now=NOW)
    memory.refresh_from_db()
    assert read(memory).strength == pytest.approx(float(retrievability(DAY_S, memory.stability_s)), rel=1e-12)


def test_a_failed_recall_leaves_the_curve_as_it_is() -> None:
    memory = store(DAY_S)
    recall_experience(experience_id=memory.pk, now=NOW, success=False)
    assert read(memory).strength == pytest.approx(float(retrievability(10 * DAY_S, DAY_S)), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"strength": 1.1}, "memory_strengths_strength_ck"),
        ({"strength": float("nan")}, "memory_strengths_strength_ck"),
        ({"consolidation_level": -0.1}, "memory_strengths_consolidation_ck"),
    ],
)
def test_a_strength_is_a_share(values: dict[str, Any], constraint: str) -> None:
    memory = store(DAY_S)
    row = {"strength": 0.5, "consolidation_level": 0.5, "forgotten_at": NOW, "assessed_at": NOW} | values
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MemoryStrength.objects.create(memory=memory, **row)


def test_programs_ask_for_what_is_forgotten(admin_api: Any) -> None:
    short, lasting = store(60.0), store(36_500 * DAY_S)
    assess_memories(now=NOW)

    def ask(**query: Any) -> list[int]:
        return [row["id"] for row in admin_api.get("/api/v1/memories/", query).json()["results"]]

    assert ask(forgotten="true") == [short.pk]
    assert ask(forgotten="false") == [lasting.pk]
