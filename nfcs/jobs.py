"""What the worker does on schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from procrastinate import RetryStrategy

from nfcs import __version__
from validation.choices import AlertEvent
from validation.constants import DELIVER_TASK, MAX_ATTEMPTS
from validation.services.delivery import DeliveryFailed


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

    @app.periodic(cron="* * * * *")
    @app.task(name="nfcs.sweep_alerts", queueing_lock="nfcs.sweep_alerts")
    def sweep_alerts_of_silent_series(timestamp: int) -> None:
        """Fire alerts of what is silent, and end those whose rule or run is over."""
        from validation.services import sweep_alerts

        sweep_alerts(now=timezone.now())

    again = RetryStrategy(
        max_attempts=MAX_ATTEMPTS,
        exponential_wait=4,
        retry_exceptions=[DeliveryFailed, OperationalError, InterfaceError],
    )

    @app.task(name=DELIVER_TASK, retry=again)
    def deliver_alert(alert_id: int, event: str, channel_id: int) -> None:
        """Tell one channel about one alert."""
        from validation.services import deliver_alert

        deliver_alert(alert_id=alert_id, event=AlertEvent(event), channel_id=channel_id, now=timezone.now())

    @app.periodic(cron="*/5 * * * *")
    @app.task(name="nfcs.resume_deliveries", queueing_lock="nfcs.resume_deliveries", pass_context=True)
    async def resume_deliveries_of_killed_workers(context: Any, timestamp: int) -> None:
        """Queue anew the messages that a worker was sending when it was killed."""
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(task_name=DELIVER_TASK):
            await manager.retry_job(job)

    @app.task(name="nfcs.validate")
    def run_validation(validation_type: str, seed: int) -> None:
        """Run the checks of one type and record the outcome."""
        from validation.suite import validate

        validate(validation_type=validation_type, seed=seed, code_version=__version__, now=datetime.now(UTC))
