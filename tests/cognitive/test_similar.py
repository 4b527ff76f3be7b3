"""Similar memories: found on their graph, ordered exactly, and whatever filter leaves few."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection

from cognitive.models import MemoryExperience
from cognitive.similar import list_similar_memories
from tests.kuramoto.test_similar import make_embeddings, order_exactly

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 1, tzinfo=UTC)
URL = "/api/v1/memories/similar/"


def store(embeddings: np.ndarray, start: datetime = AT, experience_type: str = "episodic") -> list[int]:
    memories = [
        MemoryExperience(
            experience_type=experience_type,
            context_data={},
            stored_at=start + timedelta(seconds=index),
            stability_s=60.0,
            embedding=embedding,
        )
        for index, embedding in enumerate(embeddings)
    ]
    return [memory.pk for memory in MemoryExperience.objects.bulk_create(memories)]


def ask(vector: np.ndarray, k: int = 10, **options: Any) -> list[int]:
    return [memory.id for memory in list_similar_memories(vector=vector, k=k, **options)]


@pytest.mark.parametrize("sort", ["on", "off"])
def test_the_nearest_come_in_the_order_of_their_distance(sort: str) -> None:
    embeddings = make_embeddings(300)
    ids = store(embeddings)
    with connection.cursor() as cursor:
        # Without sorting the graph is searched, and memories are few enough for it to find all of the nearest.
        cursor.execute(f"SET LOCAL enable_sort = {sort}")
    for index in range(0, 300, 30):
        expected = order_exactly(ids, embeddings, embeddings[index], 10)
        found = ask(embeddings[index])
        assert len(set(found) & set(expected)) >= 9
        assert found[0] == ids[index]
        assert found == sorted(found, key=order_exactly(ids, embeddings, embeddings[index], 300).index)
        assert ask(embeddings[index], exact=True) == expected


def test_filters_leave_what_there_is() -> None:
    embeddings = make_embeddings(50)
    ids = store(embeddings[:30]) + store(embeddings[30:], AT + timedelta(days=1), "semantic")
    target = embeddings[35]
    assert ask(target, experience_type="semantic", k=1000) == order_exactly(ids[30:], embeddings[30:], target, 20)
    assert ask(target, end=AT + timedelta(seconds=5), k=10) == order_exactly(ids[:5], embeddings[:5], target, 5)
    assert ids[35] not in ask(target, leave_out=ids[35], k=1000)
    assert ask(target, start=AT + timedelta(days=2)) == []


def test_programs_ask_by_vector_and_by_id(admin_api: Any) -> None:
    embeddings = make_embeddings(20)
    ids = store(embeddings)
    MemoryExperience.objects.create(experience_type="working", context_data={}, stored_at=AT)

    def post(**body: Any) -> Any:
        return admin_api.generic("POST", URL, json.dumps(body), content_type="application/json")

    rows = post(vector=embeddings[3].tolist(), k=4).json()["results"]
    assert [row["id"] for row in rows] == order_exactly(ids, embeddings, embeddings[3], 4)
    assert rows[0].keys() == {"id", "experience_type", "stored_at", "distance"}
    by_id = post(id=ids[3], k=3).json()["results"]
    assert [row["id"] for row in by_id] == order_exactly(ids, embeddings, embeddings[3], 4)[1:]
    assert post(id=ids[3], experience_type="semantic").json() == {"results": []}
    assert len(post(id=ids[3], since="2026-01-01T00:00:10Z", until="2026-01-01T00:00:12Z").json()["results"]) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "vector"),
        ({"vector": [0.0] * 768}, "vector"),
        ({"vector": [1.0] * 769}, "vector"),
        ({"id": 10**9}, "id"),
        ({"vector": [1.0] * 768, "k": 1001}, "k"),
        ({"vector": [1.0] * 768, "experience_type": "other"}, "experience_type"),
        ({"vector": [1.0] * 768, "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"vector": [1.0] * 768, "run": 1}, "run"),
    ],
)
def test_what_makes_no_sense_is_named(admin_api: Any, body: Any, field: str) -> None:
    answer = admin_api.generic("POST", URL, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
