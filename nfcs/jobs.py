"""What the worker does on schedule."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command


def on_app_ready(app: Any) -> None:
    """Register the periodic jobs with procrastinate."""

    @app.periodic(cron="17 * * * *")
    @app.task(name="nfcs.ensure_partitions", queueing_lock="nfcs.ensure_partitions")
    def ensure_partitions(timestamp: int) -> None:
        """Make the partitions of the coming months."""
        call_command("partitions", "ensure")
