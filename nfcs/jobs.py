"""What the worker does on schedule, on behalf of the system."""

from __future__ import annotations

import inspect
import logging
from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from procrastinate import RetryStrategy

from core.db.identity import SYSTEM, on_behalf_of
from nfcs import __version__
from validation.choices import AlertEvent
from validation.constants import ALERT_QUEUE, DELIVER_TASK, MAX_ATTEMPTS
from validation.services.delivery import DeliveryFailed

logger = logging.getLogger(__name__)


def on_app_ready(app: Any) -> None:
    """Register the periodic jobs with procrastinate."""

    @app.periodic(cron="7 * * * *")
    @app.task(name="nfcs.remove_expired_sessions", queueing_lock="nfcs.remove_expired_sessions")
    def remove_expired_sessions(timestamp: int) -> None:
        """Remove sessions of API and admin that are over, and attempts to sign in that count no more."""
        from accounts.services.attempts import remove_old_attempts
        from accounts.services.sessions import remove_expired_sessions

        remove_expired_sessions(now=timezone.now())
        remove_old_attempts(now=timezone.now())
        call_command("clearsessions")

    @app.periodic(cron="17 * * * *")
    @app.task(name="nfcs.ensure_partitions", queueing_lock="nfcs.ensure_partitions")
    def ensure_partitions(timestamp: int) -> None:
        """Make the partitions of the coming months, and warn of what calls for somebody."""
        from core.services.partition_plan import plan_partitions

        call_command("partitions", "apply")
        for plan in plan_partitions(now=timezone.now()):
            for finding in plan.findings:
                logger.warning("%s: %s", plan.table, finding)

    @app.periodic(cron="10 1 * * *")
    @app.task(name="nfcs.compact_samples", lock="nfcs.compact_samples", queueing_lock="nfcs.compact_samples")
    def compact_samples(timestamp: int) -> None:
        """Compact the samples of closed partitions, and warn of days that stay as they are."""
        from validation.constants import COMPACTION_AGE
        from validation.services.compaction import compact_samples

        for day in compact_samples(now=timezone.now(), older_than=COMPACTION_AGE):
            if day.problem:
                logger.warning("the samples of %s are not compacted: %s", day.day[:10], day.problem)

    @app.periodic(cron="40 1 * * *")
    @app.task(name="nfcs.close_partitions", lock="nfcs.close_partitions", queueing_lock="nfcs.close_partitions")
    def close_partitions(timestamp: int) -> None:
        """Build what closed partitions get, and warn of what could not be built."""
        from core.db.closing import close_partitions

        for index in close_partitions(now=timezone.now()):
            if index.problem:
                logger.warning("index %s is not built: %s", index.name, index.problem)

    @app.periodic(cron="40 2 * * *")
    @app.task(name="nfcs.apply_retention", lock="nfcs.apply_retention", queueing_lock="nfcs.apply_retention")
    def apply_retention(timestamp: int) -> None:
        """Drop the partitions that their policies no longer keep, and warn of those that stay."""
        from core.services.retention import drop_expired_partitions

        for partition in drop_expired_partitions(now=timezone.now()):
            if partition.problem:
                logger.warning("partition %s stays: %s", partition.partition, partition.problem)
            else:
                logger.info("partition %s was dropped, %d rows", partition.partition, partition.rows)

    @app.periodic(cron="7 * * * *")
    @app.task(name="nfcs.checkpoint_audit", lock="nfcs.checkpoint_audit", queueing_lock="nfcs.checkpoint_audit")
    def checkpoint_audit(timestamp: int) -> None:
        """Sign what the newest link of every lane of the audit is."""
        from core.services.audit_checkpoints import make_checkpoint

        make_checkpoint(now=timezone.now(), reason="schedule")

    @app.periodic(cron="*/10 * * * *")
    @app.task(name="nfcs.verify_audit", lock="nfcs.verify_audit", queueing_lock="nfcs.verify_audit")
    def verify_audit(timestamp: int) -> None:
        """Verify the audit from the last verified checkpoint on; all of it in the first run after two at night."""
        from core.services.audit_verification import verify_and_record

        now = datetime.now(UTC)
        verify_and_record(now=now, full=(now.hour, now.minute // 10) == (2, 0))

    @app.periodic(cron="* * * * *")
    @app.task(name="nfcs.end_monitoring", queueing_lock="nfcs.end_monitoring")
    def end_monitoring_of_ended_runs(timestamp: int) -> None:
        """End the violation episodes of runs that ended."""
        from constitutional.selectors import list_runs_to_release
        from constitutional.services.monitor import end_monitoring

        for run_id in list_runs_to_release():
            end_monitoring(run_id=run_id)

    @app.periodic(cron="* * * * *")
    @app.task(name="nfcs.sweep_alerts", queue=ALERT_QUEUE, queueing_lock="nfcs.sweep_alerts")
    def sweep_alerts_of_silent_series(timestamp: int) -> None:
        """Fire alerts of what is silent, and end those whose rule or run is over."""
        from validation.services import sweep_alerts

        sweep_alerts(now=timezone.now())

    again = RetryStrategy(
        max_attempts=MAX_ATTEMPTS,
        exponential_wait=4,
        retry_exceptions=[DeliveryFailed, OperationalError, InterfaceError],
    )

    @app.task(name=DELIVER_TASK, queue=ALERT_QUEUE, retry=again)
    def deliver_alert(alert_id: int, event: str, channel_id: int) -> None:
        """Tell one channel about one alert."""
        from validation.services import deliver_alert

        deliver_alert(alert_id=alert_id, event=AlertEvent(event), channel_id=channel_id, now=timezone.now())

    @app.periodic(cron="*/5 * * * *")
    @app.task(
        name="nfcs.resume_deliveries", queue=ALERT_QUEUE, queueing_lock="nfcs.resume_deliveries", pass_context=True
    )
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

    @app.periodic(cron="27 * * * *")
    @app.task(name="nfcs.forget_rate_limits", queueing_lock="nfcs.forget_rate_limits")
    def forget_rate_limits(timestamp: int) -> None:
        """Remove allowances of requests that are whole again, and old uses of keys."""
        from accounts.services.limits import forget_rate_limits

        forget_rate_limits()

    @app.periodic(cron="7 * * * *")
    @app.task(name="nfcs.remove_expired_keys", queueing_lock="nfcs.remove_expired_keys")
    def remove_expired_keys(timestamp: int) -> None:
        """Forget requests whose Idempotency-Key has expired."""
        from core.services.idempotency import remove_expired_keys

        remove_expired_keys(now=timezone.now())

    @app.periodic(cron="47 * * * *")
    @app.task(name="nfcs.analyze_tables", lock="nfcs.analyze_tables", queueing_lock="nfcs.analyze_tables")
    def analyze_tables(timestamp: int) -> None:
        """Analyze the tables that changed a lot, as after a large import."""
        from core.db.maintenance import analyze_tables

        analyze_tables()

    @app.periodic(cron="30 3 * * 0")
    @app.task(name="nfcs.repair_indexes", lock="nfcs.repair_indexes", queueing_lock="nfcs.repair_indexes")
    def repair_indexes(timestamp: int) -> None:
        """Rebuild invalid indexes, summarise those of closed partitions, and warn of what is left to a person."""
        from core.db.maintenance import list_bloated_indexes, repair_indexes, summarise_closed_partitions

        for repair in repair_indexes():
            if repair.problem:
                logger.warning("index %s.%s is invalid: %s", repair.schema, repair.name, repair.problem)
        summarise_closed_partitions(now=datetime.now(UTC))
        for index in list_bloated_indexes():
            logger.warning(
                "index %s.%s takes %d bytes and needs some %d: manage.py maintenance reindex --bloated",
                index.schema,
                index.name,
                index.bytes,
                index.needed_bytes,
            )

    @app.periodic(cron="30 4 1 * *")
    @app.task(name="nfcs.advise_vacuum", lock="nfcs.advise_vacuum", queueing_lock="nfcs.advise_vacuum")
    def advise_vacuum(timestamp: int) -> None:
        """Warn of tables that ought to be vacuumed."""
        from core.db.maintenance import list_vacuum_states

        for state in list_vacuum_states():
            if state.statement:
                logger.warning("%s is advised: %s", state.statement, "; ".join(state.reasons))

    @app.periodic(cron="*/10 * * * *")
    @app.task(name="nfcs.refresh_summaries", lock="nfcs.refresh_summaries", queueing_lock="nfcs.refresh_summaries")
    def refresh_summaries(timestamp: int) -> None:
        """Refresh the materialized summaries."""
        from core.db.summaries import SUMMARIES, refresh_summary

        for name in SUMMARIES:
            refresh_summary(name, now=datetime.now(UTC))

    @app.periodic(cron="* * * * *")
    @app.task(name="nfcs.refresh_rollups", lock="nfcs.refresh_rollups", queueing_lock="nfcs.refresh_rollups")
    def refresh_rollups(timestamp: int) -> None:
        """Roll up the minutes, hours and days that metric samples arrived in."""
        from validation.services.rollups import refresh_rollups

        refresh_rollups()

    @app.periodic(cron="* * * * *")
    @app.task(name="nfcs.follow_runs", lock="nfcs.follow_runs", queueing_lock="nfcs.follow_runs")
    def follow_runs_with_analyses(timestamp: int) -> None:
        """Bring the analyses of runs up to date."""
        from cognitive.analysis import follow_runs

        follow_runs(now=datetime.now(UTC))

    @app.periodic(cron="37 * * * *")
    @app.task(name="nfcs.assess_memories", lock="nfcs.assess_memories", queueing_lock="nfcs.assess_memories")
    def assess_memories(timestamp: int) -> None:
        """Work out how well every memory could be recalled now, and when it will be forgotten."""
        from cognitive.assessment import assess_memories

        assess_memories(now=datetime.now(UTC))

    for task in app.tasks.values():
        if task.name.startswith("nfcs.") and not inspect.iscoroutinefunction(task.func):
            task.func = on_behalf_of(SYSTEM)(task.func)
