"""Memories fade by the law, gain by recall, and every recall counts once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from cognitive.constants import INITIAL_STABILITY_S
from cognitive.forgetting import DAY_S, MAX_STABILITY_S, consolidation, retrievability, strengthen
from cognitive.models import MemoryExperience, MemoryRetrieval
from cognitive.selectors import get_memory, list_memories
from cognitive.services import recall_experience, store_experience
from core.exceptions import InvalidInput
from tests.factories.cognitive import MemoryExperienceFactory

URL = "/api/v1/memories/"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def violated(error: IntegrityError) -> str:
    return error.__cause__.diag.constraint_name


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"experience_type": "prophetic"}, "memory_experiences_type_ck"),
        ({"context_data": []}, "memory_experiences_context_ck"),
        ({"arousal": -0.1}, "memory_experiences_arousal_ck"),
        ({"arousal": 1.1}, "memory_experiences_arousal_ck"),
        ({"arousal": float("nan")}, "memory_experiences_arousal_ck"),
        ({"valence": -1.1}, "memory_experiences_valence_ck"),
        ({"valence": float("nan")}, "memory_experiences_valence_ck"),
        ({"difficulty": 0.9}, "memory_experiences_difficulty_ck"),
        ({"difficulty": 10.1}, "memory_experiences_difficulty_ck"),
        ({"stability_s": 0.0}, "memory_experiences_stability_ck"),
        ({"stability_s": MAX_STABILITY_S * 1.01}, "memory_experiences_stability_ck"),
        ({"stability_s": float("nan")}, "memory_experiences_stability_ck"),
        ({"embedding": [0.0] * 768}, "memory_experiences_embedding_ck"),
        ({"retrieval_count": 1, "last_accessed": AT}, "memory_experiences_recalls_derived"),
        ({"retrieval_count": 1}, "memory_experiences_recalls_derived"),
        ({"last_recalled_at": AT}, "memory_experiences_recalls_derived"),
    ],
)
def test_a_memory_that_makes_no_sense_is_refused_by_name(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        MemoryExperienceFactory(**fields)
    assert violated(error.value) == constraint


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"latency_ms": -1.0}, "memory_retrievals_latency_ck"),
        ({"latency_ms": float("nan")}, "memory_retrievals_latency_ck"),
        ({"latency_ms": float("inf")}, "memory_retrievals_latency_ck"),
        ({"retrievability_before": 1.5}, "memory_retrievals_before_ck"),
        ({"retrievability_before": float("nan")}, "memory_retrievals_before_ck"),
    ],
)
def test_a_retrieval_that_makes_no_sense_is_refused_by_name(fields: dict[str, Any], constraint: str) -> None:
    memory = MemoryExperienceFactory()
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        MemoryRetrieval.objects.create(experience=memory, success=True, **({"retrievability_before": 1.0} | fields))
    assert violated(error.value) == constraint


@pytest.mark.django_db
def test_derived_columns_follow_their_definitions() -> None:
    memory = MemoryExperienceFactory(arousal=0.5, valence=-0.8, stability_s=10 * DAY_S)
    memory.refresh_from_db()
    assert memory.emotional_weight == -0.4
    assert memory.consolidation_level == consolidation(10 * DAY_S) == 0.25


@pytest.mark.django_db
def test_the_insert_of_the_seed_needs_only_what_is_not_derived() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO memory_experiences (experience_type, context_data, retrieval_count) "
            "VALUES ('semantic', '{}', 0) RETURNING experience_uuid IS NOT NULL, emotional_weight, retrieval_count, "
            "stored_at IS NOT NULL, last_accessed"
        )
        assert cursor.fetchone() == (True, 0.0, 0, True, None)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", INITIAL_STABILITY_S)
def test_a_new_memory_is_as_stable_as_its_type(kind: str) -> None:
    memory = store_experience(experience_type=kind, context_data={}, stored_at=AT)
    assert memory.stability_s == INITIAL_STABILITY_S[kind]
    assert memory.retrievability_at(AT) == 1.0


@pytest.mark.django_db
def test_postgresql_computes_the_same_retrievability() -> None:
    rng = np.random.default_rng(1)
    for stability in np.exp(rng.uniform(0, np.log(MAX_STABILITY_S), 40)):
        MemoryExperienceFactory(stability_s=float(stability))
    for elapsed in (timedelta(0), timedelta(microseconds=1), timedelta(days=3), timedelta(days=20_000)):
        for memory in list_memories(now=AT + elapsed):
            expected = retrievability(elapsed.total_seconds(), memory.stability_s)
            assert memory.retrievability == pytest.approx(expected, rel=1e-12)
            assert memory.retrievability_at(AT + elapsed) == expected
    assert all(memory.retrievability == 1.0 for memory in list_memories(now=AT - timedelta(days=1)))


@pytest.mark.django_db
def test_a_recall_is_written_and_makes_firmer() -> None:
    memory = MemoryExperienceFactory(arousal=0.5, difficulty=4.0)
    now = AT + timedelta(days=2)
    retrieval = recall_experience(experience_id=memory.pk, now=now, latency_ms=12.5)
    before = float(retrievability(2 * DAY_S, DAY_S))
    assert (retrieval.retrievability_before, retrieval.latency_ms, retrieval.success) == (before, 12.5, True)
    memory.refresh_from_db()
    assert memory.stability_s == float(strengthen(DAY_S, 4.0, before, 0.5))
    assert (memory.retrieval_count, memory.last_accessed, memory.last_recalled_at) == (1, now, now)
    assert get_memory(memory.pk, now=now).retrievability == 1.0
    assert retrieval.experience.stability_s == memory.stability_s


@pytest.mark.django_db
def test_a_failed_recall_counts_and_changes_nothing_else() -> None:
    memory = MemoryExperienceFactory()
    now = AT + timedelta(days=2)
    recall_experience(experience_id=memory.pk, now=now, success=False)
    memory.refresh_from_db()
    assert (memory.retrieval_count, memory.last_accessed, memory.last_recalled_at) == (1, now, None)
    assert memory.stability_s == DAY_S
    assert memory.retrievability_at(now) == retrievability(2 * DAY_S, DAY_S)


@pytest.mark.django_db
def test_a_recall_that_arrives_late_does_not_turn_back_the_clock() -> None:
    memory = MemoryExperienceFactory()
    for days in (3, 1):
        recall_experience(experience_id=memory.pk, now=AT + timedelta(days=days))
    memory.refresh_from_db()
    assert (memory.retrieval_count, memory.last_accessed) == (2, AT + timedelta(days=3))
    assert memory.last_recalled_at == AT + timedelta(days=3)


@pytest.mark.django_db(transaction=True)
def test_recalls_at_once_all_count() -> None:
    memory = MemoryExperienceFactory()
    barrier = threading.Barrier(8)
    failures: list[BaseException] = []

    def recall(number: int) -> None:
        try:
            barrier.wait()
            for step in range(5):
                recall_experience(experience_id=memory.pk, now=AT + timedelta(days=1, seconds=number + 10 * step))
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=recall, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    memory.refresh_from_db()
    assert memory.retrieval_count == memory.retrievals.count() == 40
    assert memory.last_accessed == max(memory.retrievals.values_list("retrieved_at", flat=True))
    stability = DAY_S
    for before in memory.retrievals.order_by("pk").values_list("retrievability_before", flat=True):
        stability = float(strengthen(stability, memory.difficulty, before, memory.arousal))
    assert memory.stability_s == stability


@pytest.mark.django_db
def test_rows_written_past_the_service_count_too() -> None:
    memory, other = MemoryExperienceFactory.create_batch(2)
    MemoryRetrieval.objects.bulk_create(
        MemoryRetrieval(
            experience=memory, retrieved_at=AT + timedelta(hours=hour), success=hour < 3, retrievability_before=1.0
        )
        for hour in range(1, 6)
    )
    memory.refresh_from_db()
    other.refresh_from_db()
    assert (memory.retrieval_count, other.retrieval_count) == (5, 0)
    assert memory.last_accessed == AT + timedelta(hours=5)
    assert memory.last_recalled_at == AT + timedelta(hours=2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", ["retrieval_count = retrieval_count + 1", "last_accessed = now()", "last_recalled_at = now()"]
)
def test_what_is_counted_is_never_written(change: str) -> None:
    memory = MemoryExperienceFactory()
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE memory_experiences SET {change} WHERE id = %s", [memory.pk])
    assert violated(error.value) == "memory_experiences_recalls_derived"


@pytest.mark.django_db
@pytest.mark.owner
@pytest.mark.parametrize("statement", ["UPDATE memory_retrievals SET success = false", "DELETE FROM memory_retrievals"])
def test_retrievals_are_never_changed(statement: str) -> None:
    recall_experience(experience_id=MemoryExperienceFactory().pk, now=AT)
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert violated(error.value) == "memory_retrievals_append_only"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("embedding", "code"),
    [
        ([1.0] * 767, "dimensions"),
        ([[1.0] * 768], "dimensions"),
        ([0.0] * 768, "zero"),
        ([1e-60] * 768, "zero"),
        ([float("nan")] * 768, "not_finite"),
        ([1e39] * 768, "not_finite"),
    ],
)
def test_an_embedding_that_is_none_is_refused(embedding: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as error:
        store_experience(experience_type="episodic", context_data={}, stored_at=AT, embedding=embedding)
    assert [(one.field, one.code) for one in error.value.errors] == [("embedding", code)]


@pytest.mark.django_db
def test_programs_store_read_and_recall(admin_api: Any, django_assert_num_queries: Any) -> None:
    embedding = [0.5, -0.25] * 384
    body = {"experience_type": "episodic", "context_data": {"what": "a walk"}, "arousal": 1, "valence": 0.5}
    made = admin_api.post(URL, body | {"embedding": embedding})
    assert made.status_code == 201, made.data
    assert made.data["embedding"] == embedding
    assert (made.data["emotional_weight"], made.data["retrievability"], made.data["retrieval_count"]) == (0.5, 1.0, 0)
    address = f"{URL}{made.data['id']}/"
    read = admin_api.get(address).data
    assert 0.99 < read.pop("retrievability") <= 1
    assert read == {name: value for name, value in made.data.items() if name != "retrievability"}
    recalled = admin_api.post(f"{address}recall/", {"latency_ms": 3})
    assert recalled.status_code == 201, recalled.data
    assert (recalled.data["memory"]["retrieval_count"], recalled.data["latency_ms"]) == (1, 3.0)
    failed = admin_api.post(f"{address}recall/", {"success": False})
    assert (failed.data["success"], failed.data["memory"]["retrieval_count"]) == (False, 2)
    assert failed.data["memory"]["last_accessed"] > failed.data["memory"]["last_recalled_at"]
    for method in (admin_api.patch, admin_api.put, admin_api.delete):
        assert method(address, {}).status_code == 405
    MemoryExperienceFactory.create_batch(3, experience_type="semantic", stability_s=30 * DAY_S)
    with django_assert_num_queries(3):
        rows = admin_api.get(URL).data["results"]
    assert len(rows) == 4
    assert all("embedding" not in row and 0 <= row["retrievability"] <= 1 for row in rows)
    for query, count in [
        ({"experience_type": "semantic"}, 3),
        ({"consolidation_min": "0.5"}, 3),
        ({"retrievability_min": "0.999"}, 1),
        ({"retrievability_max": "0.999"}, 3),
        ({"until": "2026-01-02T00:00:00Z"}, 3),
    ]:
        assert len(admin_api.get(URL, query).data["results"]) == count, query


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("experience_type", "prophetic"),
        ("experience_type", None),
        ("context_data", []),
        ("context_data", None),
        ("arousal", 1.5),
        ("arousal", "NaN"),
        ("arousal", None),
        ("valence", -2),
        ("valence", "high"),
        ("difficulty", 11),
        ("stability_s", 0),
        ("stability_s", 1e300),
        ("stability_s", None),
        ("embedding", [1.0] * 767),
        ("embedding", [1.0] * 769),
        ("embedding", [0.0] * 768),
        ("embedding", [1.0] * 767 + ["NaN"]),
        ("embedding", [1.0] * 767 + [None]),
        ("embedding", [1.0] * 767 + [True]),
        ("embedding", [1e300] * 768),
        ("embedding", "[1, 2]"),
        ("embedding", {}),
        ("emotional_weight", 0.5),
        ("retrieval_count", 5),
        ("consolidation_level", 1.0),
        ("colour", "red"),
    ],
)
def test_bad_fields_are_named(admin_api: Any, field: str, value: Any) -> None:
    answer = admin_api.post(URL, {"experience_type": "episodic", "context_data": {}, field: value})
    assert answer.status_code == 400
    assert {error["field"].split(".")[0] for error in answer.data["errors"]} == {field}
    assert not MemoryExperience.objects.exists()


@pytest.mark.django_db
def test_bad_recalls_and_filters_are_named(admin_api: Any) -> None:
    address = f"{URL}{MemoryExperienceFactory().pk}/"
    for body, field in [
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": "fast"}, "latency_ms"),
        ({"success": "perhaps"}, "success"),
        ({"retrieved_at": "2026-01-01T00:00:00Z"}, "retrieved_at"),
    ]:
        answer = admin_api.post(f"{address}recall/", body)
        assert answer.status_code == 400, body
        assert [error["field"] for error in answer.data["errors"]] == [field]
    assert admin_api.post(f"{URL}{2**40}/recall/", {}).status_code == 404
    assert admin_api.get(f"{URL}{2**40}/").status_code == 404
    for query in ({"retrievability_min": "NaN"}, {"consolidation_min": "2"}, {"experience_type": "x"}, {"since": "x"}):
        answer = admin_api.get(URL, query)
        assert answer.status_code == 400
        assert [error["field"] for error in answer.data["errors"]] == list(query)
    assert MemoryRetrieval.objects.count() == 0
