"""Sessions: one open a module and worker, sensible metrics, and an end that stays."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from cognitive.models import CognitiveSession
from cognitive.services import close_session, open_session, record_performance
from core.exceptions import Conflict, InvalidInput
from tests.factories.cognitive import CognitiveSessionFactory
from tests.factories.core import RunFactory

URL = "/api/v1/cognitive-sessions/"
AT = datetime(2026, 1, 1, tzinfo=UTC)
GOOD_METRICS: list[dict[str, Any]] = [
    {},
    {"calls": 10, "errors": 0, "p50_ms": 1.5, "p95_ms": 20, "phase_source": "module clock"},
    {"calls": 3, "errors": 3, "p50_ms": 0, "p95_ms": 0},
    {"calls": 2.0, "errors": 1},
    {"p95_ms": 4.0},
    {"queue": {"length": [1, 2]}, "errors": 5},
]
BAD_METRICS: list[tuple[str, dict[str, Any]]] = [
    ("calls", {"calls": -1}),
    ("calls", {"calls": 1.5}),
    ("calls", {"calls": "many"}),
    ("calls", {"calls": None}),
    ("calls", {"calls": True}),
    ("calls", {"calls": 10**16}),
    ("calls", {"calls": []}),
    ("calls", {"calls": [1]}),
    ("errors", {"errors": -1}),
    ("errors", {"calls": 1, "errors": 2}),
    ("p50_ms", {"p50_ms": -0.5}),
    ("p50_ms", {"p50_ms": {}}),
    ("p50_ms", {"p50_ms": 3, "p95_ms": 2}),
    ("p95_ms", {"p95_ms": 10**400}),
    ("p95_ms", {"p95_ms": "NaN"}),
    ("phase_source", {"phase_source": ""}),
    ("phase_source", {"phase_source": 5}),
    ("phase_source", {"phase_source": None}),
]


def violated(error: IntegrityError) -> str:
    return error.__cause__.diag.constraint_name


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"module_type": "dreams"}, "cognitive_sessions_module_ck"),
        ({"ended_at": AT}, "cognitive_sessions_times_ck"),
        ({"ended_at": AT - timedelta(seconds=1)}, "cognitive_sessions_times_ck"),
        ({"session_data": []}, "cognitive_sessions_data_ck"),
        ({"performance_metrics": []}, "cognitive_sessions_metrics_ck"),
    ],
)
def test_a_session_that_makes_no_sense_is_refused_by_name(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        CognitiveSessionFactory(**fields)
    assert violated(error.value) == constraint


@pytest.mark.django_db
@pytest.mark.parametrize("metrics", GOOD_METRICS)
def test_sensible_metrics_pass_service_and_database(metrics: dict[str, Any]) -> None:
    session = open_session(module_type="memory", session_data={}, started_at=AT, performance_metrics=metrics)
    session.refresh_from_db()
    assert session.performance_metrics == metrics


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "metrics"), BAD_METRICS)
def test_other_metrics_are_refused_by_both(field: str, metrics: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CognitiveSessionFactory(performance_metrics=metrics)
    assert violated(refused.value) == "cognitive_sessions_metrics_ck"
    with pytest.raises(InvalidInput) as invalid:
        open_session(module_type="memory", session_data={}, started_at=AT, performance_metrics=metrics)
    assert [error.field for error in invalid.value.errors] == [f"performance_metrics.{field}"]


@pytest.mark.django_db
def test_a_module_has_one_open_session_a_worker() -> None:
    first = open_session(module_type="memory", worker="a", session_data={}, started_at=AT)
    with pytest.raises(Conflict, match="open session"):
        open_session(module_type="memory", worker="a", session_data={}, started_at=AT)
    open_session(module_type="memory", worker="b", session_data={}, started_at=AT)
    open_session(module_type="freedom", worker="a", session_data={}, started_at=AT)
    close_session(session_id=first.pk, ended_at=AT + timedelta(seconds=1))
    open_session(module_type="memory", worker="a", session_data={}, started_at=AT + timedelta(seconds=2))
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        CognitiveSessionFactory(module_type="memory", worker="a")
    assert violated(error.value) == "cognitive_sessions_open_uq"


@pytest.mark.django_db
def test_another_refusal_is_no_conflict() -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        open_session(module_type="dreams", session_data={}, started_at=AT)
    assert violated(error.value) == "cognitive_sessions_module_ck"


@pytest.mark.django_db(transaction=True)
def test_of_many_that_open_at_once_one_wins() -> None:
    barrier = threading.Barrier(6)
    outcomes: list[str] = []

    def open_one() -> None:
        try:
            barrier.wait()
            open_session(module_type="memory", worker="a", session_data={}, started_at=AT)
            outcomes.append("opened")
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=open_one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["opened"]


@pytest.mark.django_db
def test_metrics_change_while_open_and_stay_after() -> None:
    session = CognitiveSessionFactory(performance_metrics={"calls": 1})
    assert record_performance(session_id=session.pk, performance_metrics={"calls": 2}).performance_metrics == {
        "calls": 2
    }
    ended = close_session(session_id=session.pk, ended_at=AT + timedelta(hours=1))
    assert (ended.performance_metrics, ended.ended_at) == ({"calls": 2}, AT + timedelta(hours=1))
    with pytest.raises(Conflict):
        record_performance(session_id=session.pk, performance_metrics=None)
    with pytest.raises(Conflict):
        close_session(session_id=session.pk, ended_at=AT + timedelta(hours=2))


@pytest.mark.django_db
def test_the_last_metrics_may_come_with_the_end() -> None:
    session = CognitiveSessionFactory(performance_metrics={"calls": 1})
    closed = close_session(session_id=session.pk, ended_at=AT + timedelta(1), performance_metrics={"calls": 9})
    closed.refresh_from_db()
    assert closed.performance_metrics == {"calls": 9}


@pytest.mark.django_db
def test_a_session_ends_after_it_starts() -> None:
    with pytest.raises(InvalidInput) as error:
        close_session(session_id=CognitiveSessionFactory().pk, ended_at=AT)
    assert [one.field for one in error.value.errors] == ["ended_at"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "change", "constraint"),
    [
        ({"ended_at": AT + timedelta(1)}, "ended_at = NULL", "cognitive_sessions_ended"),
        ({"ended_at": AT + timedelta(1)}, "performance_metrics = '{}'", "cognitive_sessions_ended"),
        ({}, "module_type = 'freedom'", "cognitive_sessions_identity_fixed"),
        ({}, "worker = 'other'", "cognitive_sessions_identity_fixed"),
        ({}, "started_at = started_at - interval '1 s'", "cognitive_sessions_identity_fixed"),
        ({}, "session_uuid = gen_random_uuid()", "cognitive_sessions_identity_fixed"),
    ],
)
def test_the_database_keeps_what_is_over_and_who_it_was(fields: dict[str, Any], change: str, constraint: str) -> None:
    session = CognitiveSessionFactory(**fields)
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE cognitive_sessions SET {change} WHERE id = %s", [session.pk])
    assert violated(error.value) == constraint


@pytest.mark.django_db
def test_the_insert_of_the_seed_works_as_it_stands() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cognitive_sessions (module_type, session_data) VALUES ('reflection', '{}') "
            "RETURNING session_uuid IS NOT NULL, started_at IS NOT NULL, ended_at"
        )
        assert cursor.fetchone() == (True, True, None)


@pytest.mark.django_db
def test_programs_open_measure_and_close(admin_api: Any, django_assert_num_queries: Any) -> None:
    run = RunFactory()
    body = {"module_type": "memory", "worker": "a", "run": run.pk, "session_data": {"task": 1}}
    made = admin_api.post(URL, body)
    assert made.status_code == 201, made.data
    assert (made.data["ended_at"], made.data["performance_metrics"]) == (None, None)
    address = f"{URL}{made.data['id']}/"
    assert admin_api.get(address).data == made.data
    assert admin_api.post(URL, body).status_code == 409
    measured = admin_api.patch(address, {"performance_metrics": {"calls": 4}})
    assert (measured.status_code, measured.data["performance_metrics"]) == (200, {"calls": 4})
    closed = admin_api.post(f"{address}close/", {})
    assert closed.status_code == 200, closed.data
    assert closed.data["ended_at"] > closed.data["started_at"]
    assert admin_api.post(f"{address}close/", {}).status_code == 409
    assert admin_api.patch(address, {"performance_metrics": {}}).status_code == 409
    assert admin_api.delete(address).status_code == 405
    CognitiveSessionFactory.create_batch(3)
    with django_assert_num_queries(3):
        assert len(admin_api.get(URL).data["results"]) == 4
    for query, count in [
        ({"ongoing": "true"}, 3),
        ({"ongoing": "false"}, 1),
        ({"module_type": "memory"}, 4),
        ({"module_type": "freedom"}, 0),
        ({"worker": "a"}, 1),
        ({"run": run.pk}, 1),
        ({"until": "2026-01-02T00:00:00Z"}, 3),
    ]:
        assert len(admin_api.get(URL, query).data["results"]) == count, query


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("module_type", "dreams"),
        ("module_type", None),
        ("worker", "w" * 101),
        ("worker", None),
        ("worker", 5),
        ("run", 2**40),
        ("run", 2**70),
        ("run", "x"),
        ("session_data", []),
        ("session_data", None),
        ("session_data", "text"),
        ("performance_metrics", []),
        ("performance_metrics", {"calls": 1, "errors": 2}),
        ("started_at", "never"),
        ("ended_at", "2026-01-01T00:00:00Z"),
        ("colour", "red"),
    ],
)
def test_bad_fields_are_named(admin_api: Any, field: str, value: Any) -> None:
    answer = admin_api.post(URL, {"module_type": "memory", "session_data": {}, field: value})
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.data["errors"]] == [field]
    assert not CognitiveSession.objects.exists()


@pytest.mark.django_db
def test_bad_changes_are_named(admin_api: Any) -> None:
    address = f"{URL}{CognitiveSessionFactory().pk}/"
    for method, path, body, field in [
        (admin_api.patch, address, {}, "performance_metrics"),
        (admin_api.patch, address, {"performance_metrics": []}, "performance_metrics"),
        (admin_api.patch, address, {"performance_metrics": {"calls": "x"}}, "performance_metrics.calls"),
        (admin_api.patch, address, {"performance_metrics": {}, "worker": "b"}, "worker"),
        (admin_api.post, f"{address}close/", {"ended_at": "2025-01-01T00:00:00Z"}, "ended_at"),
        (admin_api.post, f"{address}close/", {"ended_at": 5}, "ended_at"),
        (admin_api.post, f"{address}close/", {"performance_metrics": {"p50_ms": -1}}, "performance_metrics.p50_ms"),
        (admin_api.post, f"{address}close/", {"performance_metrics": None}, "performance_metrics"),
        (admin_api.post, f"{address}close/", {"why": ""}, "why"),
    ]:
        answer = method(path, body)
        assert answer.status_code == 400, (path, body)
        assert [error["field"] for error in answer.data["errors"]] == [field]
    for method, path in [(admin_api.patch, f"{URL}{2**40}/"), (admin_api.post, f"{URL}{2**40}/close/")]:
        assert method(path, {"performance_metrics": {}}).status_code == 404
    assert admin_api.get(URL, {"ongoing": "maybe"}).data["errors"][0]["field"] == "ongoing"
