"""A validation run: checks carried out and kept, failing ones by name."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import numpy as np

from validation.checks import CHECKS, Check, CheckResult, run_checks
from validation.choices import ValidationType
from validation.models import ValidationRun
from validation.services import record_validation_run


def list_checks(validation_type: str) -> list[Check]:
    """The checks of one type, in the order they were written."""
    return [check for check in CHECKS.values() if check.validation_type == validation_type]


def validate(
    *,
    validation_type: str,
    seed: int,
    code_version: str,
    now: datetime,
    follow: Callable[[Iterable[CheckResult], int], Iterator[CheckResult]] | None = None,
) -> ValidationRun:
    """Carry out all checks of a type and record the outcome.

    Args:
        seed: every check draws from a generator made of it and its own name.
        code_version: version of the code that is validated.
        now: when the run began.
        follow: passes results on as they come, for a progress bar.
    """
    checks = list_checks(ValidationType(validation_type))
    results = list((follow or _pass_on)(run_checks(checks, seed), len(checks)))
    return record_validation_run(
        validation_type=validation_type,
        code_version=code_version,
        seed=seed,
        test_parameters={
            "checks": [check.name for check in checks],
            "machine": {
                "architecture": platform.machine(),
                "cores": os.cpu_count() or 0,
                "python": platform.python_version(),
                "numpy": np.__version__,
            },
        },
        results_data={"checks": [result.to_dict() for result in results]},
        total_tests=len(results),
        failed_tests=[result.name for result in results if not result.passed],
        duration_ms=sum(result.duration_ms for result in results),
        executed_at=now,
    )


def _pass_on(results: Iterable[CheckResult], count: int) -> Iterator[CheckResult]:
    yield from results
