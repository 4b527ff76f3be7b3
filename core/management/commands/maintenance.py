"""`manage.py maintenance`: statistics, indexes and what ought to be vacuumed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.db import maintenance
from core.management.arguments import number, whole
from core.management.base import FindingsError, NfcsCommand, show_progress


class Command(NfcsCommand):
    """Analyze, repair indexes, advise."""

    help = "Maintenance of tables and indexes: what the worker does on schedule."

    def add_arguments(self, parser: CommandParser) -> None:
        """Three verbs."""
        verbs = self.add_verbs(parser)
        analyze = self.add_verb(verbs, self.analyze, changes_data=True)
        _add_share(analyze, "--share", maintenance.STALE_SHARE, "changed rows by all rows that make statistics stale")
        reindex = self.add_verb(verbs, self.reindex, changes_data=True)
        reindex.add_argument(
            "--bloated", action="store_true", help="rebuild bloated indexes too; takes their space twice"
        )
        reindex.add_argument(
            "--min-bloat",
            type=whole(0),
            default=maintenance.MIN_BLOAT_BYTES,
            help=f"bytes that a bloated index could do without, at least ({maintenance.MIN_BLOAT_BYTES})",
        )
        advise = self.add_verb(verbs, self.advise)
        _add_share(advise, "--dead-share", maintenance.DEAD_SHARE, "dead rows by all rows that call for a vacuum")
        advise.add_argument(
            "--max-age", type=whole(0), help="transactions and multixacts that call for one (the server's)"
        )

    def analyze(self, *, share: float, dry_run: bool, **_: Any) -> None:
        """Analyze the tables that changed a lot since their last analyze, partitioned ones too."""
        tables = maintenance.analyze_tables(share=share, dry_run=dry_run)
        words = "would be analyzed" if dry_run else "analyzed"
        self.answer(
            [asdict(table) for table in tables],
            [f"{table.schema}.{table.name}  {words}, {table.modified_rows} rows changed" for table in tables]
            or ["the statistics are fresh"],
        )

    def reindex(self, *, bloated: bool, min_bloat: int, dry_run: bool, **_: Any) -> None:
        """Rebuild invalid indexes, summarise BRIN of closed partitions, find bloat; exit code 3 for what is left."""
        repairs = maintenance.repair_indexes(dry_run=dry_run)
        summarised = maintenance.summarise_closed_partitions(now=timezone.now(), dry_run=dry_run)
        found = maintenance.list_bloated_indexes(min_bytes=min_bloat)
        rebuilt = bloated and not dry_run
        if rebuilt:
            for index in show_progress(found, total=len(found), label="bloated indexes"):
                maintenance.rebuild_index(index)
        self.answer(
            {
                "repairs": [asdict(repair) for repair in repairs],
                "summarised": [asdict(index) for index in summarised],
                "bloated": [{**asdict(index), "rebuilt": rebuilt} for index in found],
            },
            [
                *(f"{repair.schema}.{repair.name}  {_tell_repair(repair, dry_run)}" for repair in repairs),
                *(
                    f"{index.schema}.{index.name}  {index.summarised_ranges} ranges summarised"
                    for index in summarised
                    if index.summarised_ranges
                ),
                *(
                    f"{index.schema}.{index.name}  {index.bytes} bytes, needs some {index.needed_bytes}"
                    + ("; rebuilt" if rebuilt else "")
                    for index in found
                ),
            ]
            or ["every index is valid and of its size"],
        )
        left = sum(bool(repair.problem) or dry_run for repair in repairs) + (0 if rebuilt else len(found))
        if left:
            raise FindingsError(f"{left} findings")

    def advise(self, *, dead_share: float, max_age: int | None, **_: Any) -> None:
        """Say which tables ought to be vacuumed and why; exit code 3 when there are any."""
        states = maintenance.list_vacuum_states(dead_share=dead_share, max_age=max_age)
        advised = [state for state in states if state.statement]
        oldest = states[0]
        self.answer(
            {"tables": [asdict(state) for state in states]},
            [
                *(f"{state.statement}  -- {'; '.join(state.reasons)}" for state in advised),
                f"the oldest table is {oldest.schema}.{oldest.name}, {oldest.xid_age} transactions",
            ],
        )
        if advised:
            raise FindingsError(f"{len(advised)} of {len(states)} tables ought to be vacuumed")


def _tell_repair(repair: maintenance.IndexRepair, dry_run: bool) -> str:
    if repair.problem:
        return f"invalid: {repair.problem}"
    done = {"rebuild": "rebuilt", "drop": "dropped"}[repair.action]
    return f"would be {done}" if dry_run else done


def _add_share(parser: CommandParser, option: str, default: float, words: str) -> None:
    parser.add_argument(option, type=number(0, 1), default=default, help=f"{words} ({default})")
