"""Maintenance of tables and indexes, as the owner: fresh statistics, whole indexes, what ought to be vacuumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import Error, connections
from django.db.transaction import TransactionManagementError
from psycopg import sql

from core.db.partitions import list_partitioned_tables
from core.db.prepare import SEARCH_PATH
from core.db.sql import fetch_all

STALE_SHARE = 0.1
"""Changed rows of a table, by its rows, from which on its statistics are stale."""
BLOAT_SHARE = 0.5
"""Bytes of a B-tree that its entries do not need, by its size, from which on it is bloated."""
MIN_BLOAT_BYTES = 8 * 1024 * 1024
DEAD_SHARE = 0.2
"""Dead rows by all rows, from which on a vacuum is advised."""
MIN_DEAD_ROWS = 1000
WRAPAROUND = 2**31
"""Age, transactions, that no table may reach: the server stops taking writes some millions before."""


@dataclass(frozen=True)
class StaleTable:
    """A table whose statistics are out of date.

    Attributes:
        rows: as of its last analyze.
        modified_rows: inserted, changed and deleted since.
    """

    schema: str
    name: str
    is_partitioned: bool
    rows: int
    modified_rows: int


@dataclass(frozen=True)
class IndexRepair:
    """What was done about an invalid index, or would be in a dry run.

    Attributes:
        action: "rebuild"; "drop", of a leftover; or "look", where only a person can help.
        problem: why it is still invalid; empty when it was repaired, or would be.
    """

    schema: str
    name: str
    table: str
    action: str
    problem: str = ""


@dataclass(frozen=True)
class BloatedIndex:
    """A B-tree much larger than its entries need, by an estimate from the planner's statistics."""

    schema: str
    name: str
    table: str
    bytes: int
    needed_bytes: int


@dataclass(frozen=True)
class SummarisedIndex:
    """A BRIN index of a closed partition, and how many page ranges were added to it; None in a dry run."""

    schema: str
    name: str
    table: str
    summarised_ranges: int | None


@dataclass(frozen=True)
class VacuumState:
    """Dead rows and age of one table, and what they call for.

    Attributes:
        xid_age: transactions since the oldest row that is not frozen.
        multixact_age: the same in multixacts.
        reasons: why it ought to be vacuumed, with the numbers; empty when it need not.
        statement: what to run as the owner; empty when nothing.
    """

    schema: str
    name: str
    live_rows: int
    dead_rows: int
    vacuumed_at: datetime | None
    xid_age: int
    multixact_age: int
    reasons: tuple[str, ...]
    statement: str


def analyze_tables(*, share: float = STALE_SHARE, dry_run: bool = False, using: str = "owner") -> list[StaleTable]:
    """Analyze the tables of which more than `share` changed since the last analyze, as after a large import.

    Partitioned tables too: autovacuum analyzes partitions, and never the whole.
    """
    stale = [StaleTable(**row) for row in _ask("list_stale_tables", using, share=share)]
    if not dry_run:
        for table in stale:
            _execute("ANALYZE {}", table.schema, table.name, using)
    return stale


def repair_indexes(*, dry_run: bool = False, using: str = "owner") -> list[IndexRepair]:
    """Rebuild the invalid indexes beside their readers and writers, and drop what failed rebuilds left over.

    One index that cannot be rebuilt does not keep the others from it.

    Raises:
        TransactionManagementError: within a transaction, where nothing can be built concurrently.
    """
    _refuse_transaction(using)
    repairs = [
        _repair_index(row, "REINDEX INDEX CONCURRENTLY {}", dry_run, using)
        for row in _ask("list_invalid_indexes", using)
        if not row["is_left_over"]
    ]
    # Only now: a rebuild that failed has left one over too.
    leftovers = [row for row in _ask("list_invalid_indexes", using) if row["is_left_over"]]
    return repairs + [_repair_index(row, "DROP INDEX CONCURRENTLY {}", dry_run, using) for row in leftovers]


def list_bloated_indexes(
    *, share: float = BLOAT_SHARE, min_bytes: int = MIN_BLOAT_BYTES, using: str = "owner"
) -> list[BloatedIndex]:
    """The B-trees of which at least `share` and `min_bytes` are not needed by their entries, worst first."""
    return [BloatedIndex(**row) for row in _ask("list_bloated_indexes", using, share=share, min_bytes=min_bytes)]


def rebuild_index(index: BloatedIndex, *, using: str = "owner") -> None:
    """Rebuild an index beside its readers and writers.

    Raises:
        TransactionManagementError: within a transaction.
    """
    _refuse_transaction(using)
    _execute("REINDEX INDEX CONCURRENTLY {}", index.schema, index.name, using)


def summarise_closed_partitions(*, now: datetime, dry_run: bool = False, using: str = "owner") -> list[SummarisedIndex]:
    """Bring the BRIN indexes of partitions whose span ended by `now` up to date: a range without summary is read."""
    indexes = []
    for row in _ask("list_closed_brin_indexes", using, tables=list_partitioned_tables(), now=now):
        ranges = None
        if not dry_run:
            name = sql.Identifier(row["schema"], row["name"]).as_string()
            ranges = _ask("summarise_brin_index", using, index=name)[0]["summarised_ranges"]
        indexes.append(SummarisedIndex(**row, summarised_ranges=ranges))
    return indexes


def list_vacuum_states(
    *, dead_share: float = DEAD_SHARE, max_age: int | None = None, using: str = "owner"
) -> list[VacuumState]:
    """What every table has in dead rows and age, oldest first, with advice where it passed a limit.

    Args:
        dead_share: of all rows, of which at least `MIN_DEAD_ROWS` are dead.
        max_age: in transactions and in multixacts; by default the server's, from which on autovacuum is forced to
            freeze a table: one that is older has been waiting for it.
    """
    return [_judge(row, dead_share, max_age) for row in _ask("list_vacuum_states", using)]


def _repair_index(row: dict[str, Any], statement: str, dry_run: bool, using: str) -> IndexRepair:
    names = {key: row[key] for key in ("schema", "name", "table")}
    if row["is_partitioned"]:
        return IndexRepair(**names, action="look", problem="a partition has no valid index attached to it")
    action = "drop" if row["is_left_over"] else "rebuild"
    if row["is_busy"]:
        return IndexRepair(**names, action=action, problem="its table is being maintained by somebody else")
    problem = ""
    if not dry_run:
        try:
            _execute(statement, row["schema"], row["name"], using)
        except Error as error:
            problem = str(error).strip().replace("\n", "; ")
    return IndexRepair(**names, action=action, problem=problem)


def _judge(row: dict[str, Any], dead_share: float, max_age: int | None) -> VacuumState:
    limits = {"xid_age": row.pop("max_xid_age"), "multixact_age": row.pop("max_multixact_age")}
    reasons, options = [], []
    for kind, words in (("xid_age", "transactions"), ("multixact_age", "multixacts")):
        limit = limits[kind] if max_age is None else max_age
        if row[kind] >= limit:
            reasons.append(f"{row[kind]} {words} old, {limit} is the limit and {WRAPAROUND} the end")
            options = ["FREEZE"]
    rows = row["live_rows"] + row["dead_rows"]
    if row["dead_rows"] >= max(MIN_DEAD_ROWS, dead_share * rows):
        last = f"{row['vacuumed_at']:%Y-%m-%d %H:%M}" if row["vacuumed_at"] else "never"
        reasons.append(f"{row['dead_rows']} of {rows} rows are dead ({row['dead_rows'] / rows:.0%}), vacuumed: {last}")
        options.append("ANALYZE")
    table = sql.Identifier(row["schema"], row["name"]).as_string()
    statement = f"VACUUM ({', '.join(options)}) {table}" if options else ""
    return VacuumState(**row, reasons=tuple(reasons), statement=statement)


def _refuse_transaction(using: str) -> None:
    if connections[using].in_atomic_block:
        raise TransactionManagementError("Nothing can be built concurrently within a transaction.")


def _execute(statement: str, schema: str, name: str, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(schema, name)))


def _ask(name: str, using: str, **parameters: Any) -> list[dict[str, Any]]:
    parameters["schemas"] = list(SEARCH_PATH)
    return fetch_all("core", name, parameters, using=using, file="maintenance")
