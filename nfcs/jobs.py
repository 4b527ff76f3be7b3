"""What the worker does on schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command

from nfcs import __version__


def on_app_ready(app: Any) -> None:
    """Register the periodic jobs with procrastinate."""

    @app.periodic(cron="17 * * * *")
    @app.task(name="nfcs.ensure_partitions", queueing_lock="nfcs.ensure_partitions")
    def ensure_partitions(timestamp: int) -> None:
        """Make the partitions of the coming months."""
        call_command("partitions", "ensure")

    @app.periodic(cron="* * * * *")
    @app.task(name="nfcs.end_monitoring", queueing_lock="nfcs.end_monitoring")
    def end_monitoring_of_ended_runs(timestamp: int) -> None:
        """End the violation episodes of runs that ended."""
        from constitutional.selectors import list_runs_to_release
        from constitutional.services.monitor import end_monitoring

        for run_id in list_runs_to_release():
            end_monitoring(run_id=run_id)

    @app.task(name="nfcs.validate")
    def run_validation(validation_type: str, seed: int) -> None:
        """Run the checks of one type and record the outcome."""
        from validation.suite import validate

        validate(validation_type=validation_type, seed=seed, code_version=__version__, now=datetime.now(UTC))
