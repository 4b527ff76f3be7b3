"""The validation suite: every check agrees, a wrong one is named, and what was found is kept."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from kuramoto import theory
from validation.checks import CHECKS, run_checks
from validation.checks.base import Check, Measurement
from validation.choices import ValidationType
from validation.models import ValidationRun


@pytest.mark.parametrize("name", [check.name for check in CHECKS.values() if check.validation_type != "performance"])
def test_every_check_agrees(name: str) -> None:
    (result,) = run_checks([CHECKS[name]], seed=1)
    assert result.passed, result


def test_every_check_says_what_it_checks() -> None:
    assert all(check.about for check in CHECKS.values())
    assert {check.validation_type for check in CHECKS.values()} == set(ValidationType)


def test_the_same_seed_measures_the_same() -> None:
    check = CHECKS["incoherent_mean_of_r"]
    first, second, other = (next(run_checks([check], seed)).measurement.measured for seed in (1, 1, 2))
    assert first == second != other


@pytest.mark.parametrize(
    ("measurement", "passed"),
    [
        (Measurement(1.0, 1.0), True),
        (Measurement(1.1, 1.0, 0.2), True),
        (Measurement(1.1, 1.0, 0.05), False),
        (Measurement(0.1, 1.0, one_sided=True), True),
        (Measurement(1.1, 1.0, one_sided=True), False),
        (Measurement(float("nan"), 1.0, 10.0), False),
        (Measurement(float("nan"), 1.0, one_sided=True), False),
    ],
)
def test_agreement(measurement: Measurement, passed: bool) -> None:
    assert measurement.passed is passed


def test_code_that_breaks_fails_its_check_and_no_other() -> None:
    def divide(rng: np.random.Generator) -> Measurement:
        raise ZeroDivisionError("by zero")

    broken = Check("broken", ValidationType.THEORETICAL, "breaks", divide)
    results = list(run_checks([broken, CHECKS["membrane_rate"]], seed=1))
    assert [result.passed for result in results] == [False, True]
    assert results[0].to_dict()["error"] == "ZeroDivisionError: by zero"


def run_validate(**options: Any) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("validate", json=True, stdout=out, stderr=StringIO(), **options)
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_the_command_keeps_what_it_found() -> None:
    (answer,) = run_validate(type="performance", seed=7)
    run = ValidationRun.objects.get(pk=answer["validation_run"])
    assert (run.validation_type, run.seed, run.total_tests) == ("performance", 7, 3)
    assert run.code_version
    assert {check["name"] for check in run.results_data["checks"]} == set(run.test_parameters["checks"])
    assert all({"n", "q25", "q75"} <= check["details"].keys() for check in run.results_data["checks"])


@pytest.mark.django_db
def test_a_planted_bug_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = theory.locked_order_parameter
    monkeypatch.setattr(theory, "locked_order_parameter", lambda *args: right(*args) + 1e-6)
    with pytest.raises(CommandError, match="two_oscillators_lock") as error:
        run_validate(type="theoretical")
    assert error.value.returncode == 3
    run = ValidationRun.objects.get()
    assert run.failed_tests == ["two_oscillators_lock"]
    assert run.passed_tests == run.total_tests - 1
