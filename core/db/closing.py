"""What is built when a partition closes: indexes that would slow down its writers while it is open.

An app names them at import time with `register_closing_index`; the worker builds them daily, beside readers and late
writers. What is there already is left alone and what a killed build left invalid is built anew, so that closing goes on
where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error, connections
from django.db.transaction import TransactionManagementError
from psycopg import sql

from core.db.partitions import list_partitioned_tables, list_partitions, parse_bound
from core.db.sql import fetch_all

CLOSING_DELAY = timedelta(hours=6)
"""How long after the end of its span a partition counts as closed: late rows are still on their way."""


@dataclass(frozen=True)
class ClosingIndex:
    """An index of the closed partitions of one table.

    Attributes:
        table: the partitioned table.
        suffix: the index of partition P is called `P_<suffix>`; 12 characters at most.
        definition: what follows the name of the table in CREATE INDEX, such as `USING btree (series_id, recorded_at)`.
        memory: `maintenance_work_mem` of the build, such as `1GB`; the server's where None.
    """

    table: str
    suffix: str
    definition: str
    memory: str | None = None


@dataclass(frozen=True)
class BuiltIndex:
    """What was done about one index of a closed partition, or would be in a dry run.

    Attributes:
        action: "build", "rebuild" of one that a killed build left invalid, or "keep".
        problem: why it is not there; empty when it is, or would be.
    """

    table: str
    partition: str
    name: str
    action: str
    problem: str = ""


CLOSING_INDEXES: dict[tuple[str, str], ClosingIndex] = {}
"""By table and suffix."""


def register_closing_index(index: ClosingIndex) -> None:
    """Have an index built on each partition of a table once it closes.

    Raises:
        ValueError: the suffix is too long for the name of an index.
    """
    if not 0 < len(index.suffix) <= 12:
        raise ValueError(f"the suffix {index.suffix!r} is empty or longer than 12 characters")
    CLOSING_INDEXES[index.table, index.suffix] = index


def close_partitions(
    *, now: datetime, table: str | None = None, dry_run: bool = False, using: str = "owner"
) -> list[BuiltIndex]:
    """Build the indexes of the partitions that closed by `now`, oldest first.

    One that cannot be built does not keep the others from it.

    Raises:
        TransactionManagementError: within a transaction, where nothing can be built concurrently.
    """
    if connections[using].in_atomic_block and not dry_run:
        raise TransactionManagementError("Nothing can be built concurrently within a transaction.")
    built = []
    for name in [table] if table else list_partitioned_tables():
        closed = [
            partition
            for partition in list_partitions(name, using=using)
            if partition.to_at and parse_bound(partition.to_at) <= now - CLOSING_DELAY
        ]
        for partition in closed:
            for index in CLOSING_INDEXES.values():
                if index.table == name:
                    built.append(_build_index(index, partition.name, dry_run, using))
    return built


def is_closing_index(table: str, name: str) -> bool:
    """Whether an index called `name` is one that closing builds on partitions of `table`."""
    return any(index.table == table and name.endswith(f"_{index.suffix}") for index in CLOSING_INDEXES.values())


def _build_index(index: ClosingIndex, partition: str, dry_run: bool, using: str) -> BuiltIndex:
    name = f"{partition}_{index.suffix}"
    found = fetch_all("core", "get_leaf_index", {"leaf": partition, "name": name}, using=using, file="partitions")[0]
    action = "build" if found["is_valid"] is None else "keep" if found["is_valid"] else "rebuild"
    problem = ""
    if action != "keep" and found["is_busy"]:
        problem = "the partition is being maintained by somebody else"
    elif action != "keep" and not dry_run:
        try:
            _run_build(index, sql.Identifier(found["schema"], partition), found["schema"], name, action, using)
        except Error as error:
            problem = str(error).strip().replace("\n", "; ")
    return BuiltIndex(index.table, partition, name, action, problem)


def _run_build(index: ClosingIndex, leaf: sql.Identifier, schema: str, name: str, action: str, using: str) -> None:
    with connections[using].cursor() as cursor:
        if action == "rebuild":
            cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name)))
        if index.memory:
            cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [index.memory])
        try:
            cursor.execute(
                sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} {}").format(
                    sql.Identifier(name),
                    leaf,
                    sql.SQL(index.definition),
                )
            )
        finally:
            if index.memory:
                cursor.execute("RESET maintenance_work_mem")
