"""What a run promises, held by the database."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db


def violated(error: IntegrityError) -> str:
    return error.__cause__.diag.constraint_name


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"kind": "dream"}, "runs_kind_ck"),
        ({"ended_at": "2025-12-31T00:00:00Z"}, "runs_times_ck"),
        ({"n_oscillators": 0}, "runs_n_oscillators_ck"),
        ({"n_oscillators": 3, "natural_frequencies": [1.0, 2.0]}, "runs_frequencies_n_ck"),
        ({"natural_frequencies": [1.0, float("nan")]}, "runs_frequencies_ck"),
        ({"ha_weights": [0.5, 0.5, 0.5]}, "runs_ha_weights_ck"),
        ({"ha_weights": [1.5, -0.5, 0.0]}, "runs_ha_weights_ck"),
        ({"parameters": []}, "runs_parameters_ck"),
        ({"defect_density_ref": float("nan")}, "runs_defect_density_ref_ck"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_by_name(fields: dict, constraint: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        RunFactory(**fields)
    assert violated(error.value) == constraint


def test_what_defines_a_run_is_fixed() -> None:
    run = RunFactory(seed=1)
    run.seed = 2
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        run.save()
    assert violated(error.value) == "runs_definition_fixed"


def test_updated_at_follows_any_change() -> None:
    run = RunFactory()
    run.refresh_from_db()
    before = run.updated_at
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs SET name = 'other' WHERE id = %s", [run.pk])
    run.refresh_from_db()
    assert run.updated_at > before
