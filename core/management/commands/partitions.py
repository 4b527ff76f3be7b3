"""`manage.py partitions`: the time partitions of the telemetry tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.db.partitions import MAX_AHEAD, ensure_partitions, list_partitioned_tables, list_partitions
from core.management.arguments import whole
from core.management.base import NfcsCommand, UsageError


class Command(NfcsCommand):
    """Make partitions ahead of time, and list them."""

    help = "Time partitions of the telemetry tables."

    def add_arguments(self, parser: CommandParser) -> None:
        """Two verbs."""
        verbs = self.add_verbs(parser)
        ensure = self.add_verb(verbs, self.ensure, changes_data=True)
        ensure.add_argument(
            "--ahead", type=whole(0, MAX_AHEAD), default=3, help="months after the current one (default 3)"
        )
        for verb in (ensure, self.add_verb(verbs, self.list)):
            verb.add_argument("--table", help="one table instead of all")

    def ensure(self, *, ahead: int, table: str | None, dry_run: bool, **_: Any) -> None:
        """Make the partitions of this and the coming months, and move rows out of DEFAULT."""
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


def _choose_tables(table: str | None) -> list[str]:
    tables = list_partitioned_tables()
    if table is not None and table not in tables:
        raise UsageError(f"{table} is none of the time-partitioned tables {', '.join(tables)}")
    return [table] if table else tables
