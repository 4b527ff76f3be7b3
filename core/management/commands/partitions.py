"""`manage.py partitions`: the time partitions of the telemetry tables, from the first day to the archive."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.db.closing import close_partitions
from core.db.partitions import MAX_AHEAD, drain_default, ensure_partitions, list_partitioned_tables, list_partitions
from core.management.arguments import whole
from core.management.base import FindingsError, NfcsCommand, UsageError
from core.services.partition_plan import TablePlan, plan_partitions
from core.services.retention import archive_partitions, drop_expired_partitions, restore_partition


class Command(NfcsCommand):
    """Plan, make, drain, close, archive, drop and restore partitions."""

    help = "Time partitions of the telemetry tables."

    def add_arguments(self, parser: CommandParser) -> None:
        """One verb a step of a partition's life."""
        verbs = self.add_verbs(parser)
        plan = self.add_verb(verbs, self.plan)
        apply = self.add_verb(verbs, self.apply, changes_data=True, aliases=["ensure"])
        for verb in (plan, apply):
            verb.add_argument(
                "--ahead", type=whole(0, MAX_AHEAD), default=3, help="months after the current one (default 3)"
            )
        drain = self.add_verb(verbs, self.drain, changes_data=True)
        close = self.add_verb(verbs, self.close, changes_data=True)
        retention = self.add_verb(verbs, self.retention, changes_data=True)
        for verb in (plan, apply, drain, close, retention, self.add_verb(verbs, self.list)):
            verb.add_argument("--table", help="one table instead of all")
        archive = self.add_verb(verbs, self.archive, changes_data=True)
        archive.add_argument("partitions", nargs="*", help="by name; without, those that retention is to drop")
        archive.add_argument("--directory", type=Path, help="where to, instead of NFCS_ARCHIVE_DIR")
        restore = self.add_verb(verbs, self.restore, changes_data=True)
        restore.add_argument("directory", type=Path, help="of one archive, where its manifest.json lies")
        restore.add_argument("--into", help="a new table instead of the partition")

    def plan(self, *, ahead: int, table: str | None, **_: Any) -> None:
        """Show what is there, what is missing, what lies in DEFAULT and what retention will drop; 3 when amiss."""
        _choose_tables(table)
        plans = plan_partitions(now=timezone.now(), ahead=ahead, table=table)
        self.answer([asdict(plan) for plan in plans], (line for plan in plans for line in _describe(plan)))
        found = sum(len(plan.findings) for plan in plans)
        if found:
            raise FindingsError(f"{found} findings")

    def apply(self, *, ahead: int, table: str | None, dry_run: bool, **_: Any) -> None:
        """Make the partitions of this and the coming months, and move their rows out of DEFAULT."""
        _choose_tables(table)
        ensured = ensure_partitions(now=timezone.now(), ahead=ahead, table=table, dry_run=dry_run)
        words = {(True, True): "would be made", (True, False): "made", (False, True): "there", (False, False): "there"}
        self.answer(
            [asdict(partition) for partition in ensured],
            (
                f"{partition.name}  {words[partition.made, dry_run]}"
                + (f", {partition.moved_rows} rows moved out of DEFAULT" if partition.moved_rows else "")
                for partition in ensured
            ),
        )

    def drain(self, *, table: str | None, dry_run: bool, **_: Any) -> None:
        """Move the rows in DEFAULT to partitions of their own, beside writers."""
        _choose_tables(table)
        drained = drain_default(table=table, dry_run=dry_run)
        self.answer(
            [asdict(span) for span in drained],
            [
                f"{span.name}  {span.found_rows} rows would move"
                if dry_run
                else f"{span.name}  {span.moved_rows} rows moved"
                for span in drained
            ]
            or ["nothing lies in DEFAULT"],
        )

    def close(self, *, table: str | None, dry_run: bool, **_: Any) -> None:
        """Build what closed partitions get, beside readers and writers; exit code 3 for what could not be built."""
        _choose_tables(table)
        built = close_partitions(now=timezone.now(), table=table, dry_run=dry_run)
        words = {"keep": "there", "build": "built", "rebuild": "rebuilt"}
        self.answer(
            [asdict(index) for index in built],
            [
                f"{index.name}  "
                + (index.problem or (f"would be {words[index.action]}" if dry_run else words[index.action]))
                for index in built
                if index.action != "keep"
            ]
            or ["every closed partition has its indexes"],
        )
        self._report(sum(bool(index.problem) for index in built), "indexes could not be built")

    def retention(self, *, table: str | None, dry_run: bool, **_: Any) -> None:
        """Drop the partitions that their policies no longer keep, archived first where asked for; 3 when some stay."""
        _choose_tables(table)
        expired = drop_expired_partitions(now=timezone.now(), table=table, dry_run=dry_run)
        words = "would be dropped" if dry_run else "dropped"
        self.answer(
            [asdict(partition) for partition in expired],
            [
                f"{partition.partition}  "
                + (f"stays: {partition.problem}" if partition.problem else f"{words}, {partition.rows} rows")
                + (f", archive in {partition.archive}" if partition.archive and not partition.problem else "")
                for partition in expired
            ]
            or ["no policy has anything to drop"],
        )
        self._report(sum(bool(partition.problem) for partition in expired), "partitions stay that should go")

    def archive(self, *, partitions: list[str], directory: Path | None, dry_run: bool, **_: Any) -> None:
        """Write partitions to Parquet with a checksummed manifest, and read them back."""
        archives = archive_partitions(partitions, now=timezone.now(), root=directory, dry_run=dry_run)
        words = "would be archived" if dry_run else "archived and read back"
        self.answer(
            [asdict(archive) for archive in archives],
            [
                f"{archive.partition}  " + (archive.problem or f"{words}: {archive.rows} rows in {archive.directory}")
                for archive in archives
            ]
            or ["no policy has anything to archive"],
        )
        failed = sum(bool(archive.problem) for archive in archives)
        if failed:
            raise CommandError(f"{failed} partitions were not archived")

    def restore(self, *, directory: Path, into: str | None, dry_run: bool, **_: Any) -> None:
        """Bring back exactly the rows of an archive; with --dry-run only verify it."""
        restored = restore_partition(directory, into=into, dry_run=dry_run)
        words = "verified, would go" if dry_run else "restored"
        self.answer(asdict(restored), [f"{restored.partition}  {restored.rows} rows {words} to {restored.target}"])

    def list(self, *, table: str | None, **_: Any) -> None:
        """List the partitions with their UTC bounds, estimated rows and size."""
        found = [partition for name in _choose_tables(table) for partition in list_partitions(name)]
        self.answer(
            [asdict(partition) for partition in found],
            (
                f"{partition.name}  {partition.from_at or 'DEFAULT':<20}  {partition.to_at or '':<20}"
                f"  ~{partition.estimated_rows} rows  {partition.bytes} bytes"
                for partition in found
            ),
        )

    def _report(self, count: int, words: str) -> None:
        if count:
            raise FindingsError(f"{count} {words}")


def _describe(plan: TablePlan) -> list[str]:
    kept = (
        "keeps everything"
        if plan.keep_days is None
        else f"keeps {plan.keep_days} days" + (", archived before they go" if plan.archive else "")
    )
    lines = [
        f"{plan.table}  {plan.partitions} partitions by {plan.width}, ~{plan.estimated_rows} rows, {plan.bytes} bytes;"
        f" covered until {plan.covered_until or 'never'}; {kept}"
    ]
    lines += [f"  missing: {name}" for name in plan.missing]
    lines += [f"  to build: {name}" for name in plan.to_build]
    lines += [f"  due since {drop.ends_at}: {drop.partition}, ~{drop.estimated_rows} rows" for drop in plan.due]
    if plan.next_due:
        lines.append(f"  next, at {plan.next_due.ends_at}: {plan.next_due.partition}")
    return lines + [f"  ! {finding}" for finding in plan.findings]


def _choose_tables(table: str | None) -> list[str]:
    tables = list_partitioned_tables()
    if table is not None and table not in tables:
        raise UsageError(f"{table} is none of the time-partitioned tables {', '.join(tables)}")
    return [table] if table else tables
