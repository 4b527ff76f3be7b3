"""`manage.py validate`: the code held to theory, statistics and its budgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from core.management.arguments import whole
from core.management.base import FindingsError, NfcsCommand, show_progress
from nfcs import __version__
from validation.checks import CheckResult
from validation.choices import ValidationType
from validation.models import ValidationRun
from validation.suite import validate


class Command(NfcsCommand):
    """Run the checks of one type or of all, and record a validation run for each type."""

    help = "Hold the code to closed forms, null laws and budgets; a failing check is named and the exit code is 3."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which checks, and from which seed."""
        super().add_arguments(parser)
        parser.add_argument("--type", choices=[*ValidationType.values, "all"], default="all", help="which checks (all)")
        parser.add_argument("--seed", type=whole(0), default=1, help="seed of every check (1)")

    def run(self, **options: Any) -> None:
        """Check, record, and say what failed."""
        types = ValidationType.values if options["type"] == "all" else [options["type"]]
        runs = [
            validate(
                validation_type=one,
                seed=options["seed"],
                code_version=__version__,
                now=datetime.now(UTC),
                follow=partial(_show_progress, one),
            )
            for one in types
        ]
        self.answer([_describe(run) for run in runs], [_say(run) for run in runs])
        failed = [name for run in runs for name in run.failed_tests]
        if failed:
            raise FindingsError(f"failed: {', '.join(failed)}")


def _show_progress(label: str, results: Iterable[CheckResult], count: int) -> Iterator[CheckResult]:
    return show_progress(results, total=count, label=label)


def _describe(run: ValidationRun) -> dict[str, Any]:
    return {
        "validation_run": run.pk,
        "type": run.validation_type,
        "passed": run.passed_tests,
        "total": run.total_tests,
        "failed": run.failed_tests,
        "duration_ms": run.duration_ms,
        "checks": run.results_data["checks"],
    }


def _say(run: ValidationRun) -> str:
    return f"{run.validation_type:<12} {run.passed_tests} of {run.total_tests} passed in {run.duration_ms / 1000:.1f} s"
