"""Validation runs: what failed is named, the score follows, nothing is changed later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tests.factories.core import RunFactory
from tests.factories.validation import ValidationRunFactory
from validation.models import ValidationRun
from validation.services import record_validation_run

pytestmark = pytest.mark.django_db
URL = "/api/v1/validation-runs/"
AT = datetime(2026, 1, 1, tzinfo=UTC)
BODY = {
    "validation_type": "theoretical",
    "code_version": "1.0",
    "seed": 7,
    "test_parameters": {"n": 64},
    "results_data": {"rk4_order": {"measured": 3.2}},
    "total_tests": 4,
    "failed_tests": ["rk4_order"],
    "duration_ms": 12.5,
}


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"validation_type": "spiritual"}, "validation_runs_type_ck"),
        ({"code_version": ""}, "validation_runs_code_ck"),
        ({"total_tests": 0, "passed_tests": 0, "failed_tests": []}, "validation_runs_total_ck"),
        ({"passed_tests": 11, "failed_tests": []}, "validation_runs_failed_ck"),
        ({"passed_tests": -1, "failed_tests": ["x"] * 11}, "validation_runs_passed_ck"),
        ({"failed_tests": []}, "validation_runs_failed_ck"),
        ({"failed_tests": [""]}, "validation_runs_failed_ck"),
        ({"failed_tests": ["a", "b"]}, "validation_runs_failed_ck"),
        ({"duration_ms": -1.0}, "validation_runs_duration_ck"),
        ({"duration_ms": float("nan")}, "validation_runs_duration_ck"),
        ({"duration_ms": float("inf")}, "validation_runs_duration_ck"),
        ({"test_parameters": []}, "validation_runs_parameters_ck"),
        ({"results_data": 1}, "validation_runs_results_ck"),
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused_by_name(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ValidationRunFactory(**fields)
    assert error.value.__cause__.diag.constraint_name == constraint


def test_score_and_seconds_follow_from_the_rest() -> None:
    outcome = record_validation_run(executed_at=AT, run=RunFactory(), **BODY)
    outcome.refresh_from_db()
    assert (outcome.passed_tests, outcome.overall_score) == (3, 0.75)
    assert (outcome.duration_ms, outcome.duration_seconds) == (12.5, 0.0125)


def test_the_insert_of_the_seed_needs_only_what_is_mandatory_here() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO validation_runs (validation_type, test_parameters, results_data, passed_tests, total_tests, "
            "code_version, seed, duration_ms) VALUES ('statistical', '{}', '{}', 5, 5, '1.0', 1, 1000) "
            "RETURNING run_uuid IS NOT NULL, overall_score, duration_seconds, executed_at IS NOT NULL"
        )
        assert cursor.fetchone() == (True, 1.0, 1.0, True)


@pytest.mark.owner
@pytest.mark.parametrize("statement", ["UPDATE validation_runs SET seed = 1", "DELETE FROM validation_runs"])
def test_an_outcome_is_never_changed(statement: str) -> None:
    ValidationRunFactory()
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert error.value.__cause__.diag.constraint_name == "validation_runs_append_only"


def test_programs_record_and_read_outcomes(admin_api: Any, django_assert_num_queries: Any) -> None:
    run = RunFactory()
    made = admin_api.post(URL, BODY | {"run": run.pk, "executed_at": "2026-01-01T00:00:00Z"})
    assert made.status_code == 201, made.data
    assert made.data["overall_score"] == 0.75
    assert made.data["run_uuid"]
    assert admin_api.get(f"{URL}{made.data['id']}/").data == made.data
    ValidationRunFactory.create_batch(3, validation_type="performance")
    with django_assert_num_queries(3):
        assert len(admin_api.get(URL).data["results"]) == 4
    for query, count in [
        ({"validation_type": "performance"}, 3),
        ({"run": run.pk}, 1),
        ({"score_min": 0.8}, 3),
        ({"score_max": 0.8}, 1),
        ({"since": "2026-01-01T00:00:00Z"}, 4),
        ({"until": "2026-01-01T00:00:00Z"}, 0),
    ]:
        assert len(admin_api.get(URL, query).data["results"]) == count, query


def test_passed_tests_may_be_given_and_must_agree(admin_api: Any) -> None:
    assert admin_api.post(URL, BODY | {"passed_tests": 3}).status_code == 201
    answer = admin_api.post(URL, BODY | {"passed_tests": 4})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.data["errors"]] == ["passed_tests"]


def test_an_outcome_is_neither_changed_nor_deleted_by_programs(admin_api: Any) -> None:
    outcome = ValidationRunFactory()
    for method in (admin_api.patch, admin_api.put, admin_api.delete):
        assert method(f"{URL}{outcome.pk}/", {}).status_code == 405


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("validation_type", "other"),
        ("validation_type", None),
        ("run", 2**40),
        ("run", 2**70),
        ("run", "x"),
        ("run", True),
        ("code_version", ""),
        ("code_version", "v" * 101),
        ("code_version", {}),
        ("seed", 2**63),
        ("seed", -(2**63) - 1),
        ("seed", 1.5),
        ("seed", None),
        ("test_parameters", []),
        ("test_parameters", "text"),
        ("test_parameters", None),
        ("results_data", 1),
        ("total_tests", 0),
        ("total_tests", 2**31),
        ("total_tests", "many"),
        ("failed_tests", ["a", "b", "c", "d", "e"]),
        ("failed_tests", None),
        ("failed_tests", "rk4"),
        ("failed_tests", [""]),
        ("failed_tests", [{}]),
        ("failed_tests", ["x" * 201]),
        ("duration_ms", -1),
        ("duration_ms", "NaN"),
        ("duration_ms", "Infinity"),
        ("duration_ms", None),
        ("executed_at", "yesterday"),
        ("executed_at", "2026-02-30T00:00:00Z"),
        ("executed_at", 5),
        ("seed", "7"),
        ("duration_ms", "12"),
        ("code_version", 1),
        ("overall_score", 1.0),
        ("colour", "red"),
    ],
)
def test_bad_fields_are_named(admin_api: Any, field: str, value: Any) -> None:
    answer = admin_api.post(URL, BODY | {field: value})
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.data["errors"]] == [field]
    assert not ValidationRun.objects.exists()


@pytest.mark.parametrize(
    "field", ["validation_type", "code_version", "seed", "total_tests", "failed_tests", "duration_ms"]
)
def test_missing_fields_are_named(admin_api: Any, field: str) -> None:
    answer = admin_api.post(URL, {name: value for name, value in BODY.items() if name != field})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.data["errors"]] == [field]


def test_a_number_no_column_holds_is_no_server_error(admin_api: Any) -> None:
    for body in (b'{"duration_ms": 1e999}', b'{"results_data": {"a": "\\u0000"}}', b"[]", b"null", b"5"):
        assert admin_api.generic("POST", URL, body, content_type="application/json").status_code == 400
