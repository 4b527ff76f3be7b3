"""Operators see sessions and memories, how they fade, and change nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cognitive.admin.experience import show_duration
from cognitive.forgetting import MAX_STABILITY_S
from cognitive.services import recall_experience
from tests.factories.accounts import AdminFactory
from tests.factories.cognitive import CognitiveSessionFactory, MemoryExperienceFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db
SESSIONS = "/admin/cognitive/cognitivesession/"
MEMORIES = "/admin/cognitive/memoryexperience/"


@pytest.fixture
def page(client: Any) -> Any:
    client.force_login(AdminFactory())
    return client


def test_sessions_are_listed_with_their_metrics(page: Any, django_assert_max_num_queries: Any) -> None:
    CognitiveSessionFactory(performance_metrics={"calls": 12, "errors": 3, "p50_ms": 1.25}, run=RunFactory())
    CognitiveSessionFactory.create_batch(30)
    with django_assert_max_num_queries(12):
        answer = page.get(SESSIONS, {"within": "all"})
    text = answer.content.decode()
    assert len(answer.context["cl"].result_list) == 31
    assert '<td class="field-calls">12</td><td class="field-errors">3</td><td class="field-p50">1.25</td>' in text
    assert len(page.get(SESSIONS, {"within": "all", "ongoing": "no"}).context["cl"].result_list) == 0
    assert len(page.get(SESSIONS, {"within": "all", "ongoing": "yes"}).context["cl"].result_list) == 31


def test_a_session_shows_data_and_metrics(page: Any) -> None:
    session = CognitiveSessionFactory(performance_metrics={"calls": 12}, session_data={"task": "<b>sort</b>"})
    text = page.get(f"{SESSIONS}{session.pk}/change/").content.decode()
    assert "&lt;b&gt;sort&lt;/b&gt;" in text
    assert "&quot;calls&quot;: 12" in text


def test_memories_are_listed_with_what_can_be_recalled(page: Any, django_assert_max_num_queries: Any) -> None:
    MemoryExperienceFactory(stored_at=timezone.now(), stability_s=MAX_STABILITY_S)
    MemoryExperienceFactory.create_batch(30)
    with django_assert_max_num_queries(12):
        answer = page.get(MEMORIES)
    assert len(answer.context["cl"].result_list) == 31
    assert '<meter min="0" max="1" value="1.000"></meter> 1.000' in answer.content.decode()
    first = page.get(MEMORIES, {"o": "-3"}).context["cl"].result_list[0]
    assert first.retrievability > 0.999


@pytest.mark.parametrize("stability_s", [1.0, 86_400.0, MAX_STABILITY_S])
def test_a_memory_shows_its_curve_and_recalls(page: Any, stability_s: float) -> None:
    memory = MemoryExperienceFactory(stability_s=stability_s, embedding=[1.0] * 768)
    text = page.get(f"{MEMORIES}{memory.pk}/change/").content.decode()
    assert "<svg" in text
    assert "core/charts.css" in text
    assert "none" in text
    recall_experience(experience_id=memory.pk, now=memory.stored_at + timedelta(days=1), success=False)
    text = page.get(f"{MEMORIES}{memory.pk}/change/").content.decode()
    assert "<li>2026-01-02 00:00:00+00:00 failed, expected " in text


@pytest.mark.parametrize("address", [SESSIONS, MEMORIES])
def test_nothing_is_added_changed_or_deleted(page: Any, address: str) -> None:
    row = CognitiveSessionFactory() if address == SESSIONS else MemoryExperienceFactory()
    assert page.get(f"{address}add/").status_code == 403
    assert page.post(f"{address}{row.pk}/change/", {}).status_code == 403
    assert page.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_durations_have_the_unit_that_suits() -> None:
    assert [show_duration(seconds) for seconds in (1.5, 90.0, 5400.0, 86_400.0, 8.64e9)] == [
        "1.5 s", "1.5 min", "1.5 h", "1 d", "1e+05 d",
    ]  # fmt: skip
