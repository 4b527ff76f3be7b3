"""`manage.py analyse_run`: the signal complexity of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from cognitive.analysis import STEP_S, WINDOW_S, analyse_run
from cognitive.choices import AnalysisStatus
from core.management.arguments import whole
from core.management.base import NfcsCommand, UsageError, show_progress
from core.models import Run


class Command(NfcsCommand):
    """Analyse one run."""

    help = "Measure the signal complexity of a run, window by window, and keep it as a record with snapshots."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which run, and how."""
        super().add_arguments(parser)
        parser.add_argument("run_id", metavar="RUN", type=int, help="number of the run")
        parser.add_argument("--window", type=float, default=WINDOW_S, help=f"length of a window, s ({WINDOW_S:g})")
        parser.add_argument("--step", type=float, default=STEP_S, help=f"from window to window, s ({STEP_S:g})")
        parser.add_argument("--seed", type=whole(0), default=1, help="seed of the surrogates (1)")
        parser.add_argument("--communities", type=Path, help="JSON file: a list with a label for each oscillator")

    def run(self, **options: Any) -> None:
        """Analyse and say what came of it."""
        run = Run.objects.filter(pk=options["run_id"]).first()
        if run is None:
            raise UsageError(f"there is no run {options['run_id']}")
        if not 0 < options["step"] <= options["window"]:
            raise UsageError("--step: above 0 and not above --window")
        record = analyse_run(
            run=run,
            now=datetime.now(UTC),
            window_s=options["window"],
            step_s=options["step"],
            communities=_read_labels(options["communities"]),
            seed=options["seed"],
            follow=lambda windows: show_progress(windows, label="windows"),
        )
        if record.status == AnalysisStatus.FAILED:
            raise CommandError(record.message)
        self.answer(
            {"record": record.pk, "run": run.pk, "snapshots": record.n_snapshots},
            [f"record {record.pk}: {record.n_snapshots} snapshots of run {run.pk}"],
        )


def _read_labels(path: Path | None) -> list[int] | None:
    if path is None:
        return None
    try:
        labels = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"--communities: {error}") from error
    if not (isinstance(labels, list) and all(type(label) is int for label in labels)):
        raise UsageError("--communities: a JSON list of whole numbers is needed")
    return labels
