"""Time partitions of the telemetry tables: which there are, and making those of the coming months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction

from core.constants import PARTITIONED_TABLES
from core.db.sql import fetch_all
from core.exceptions import Conflict, FieldError, InvalidInput, NotFound

MAX_AHEAD = 120
ENSURE = "SELECT made, moved_rows FROM nfcs_core.ensure_partition_v2(%s::regclass, %s, %s, %s)"


@dataclass(frozen=True)
class Partition:
    """One partition as the database has it.

    Attributes:
        from_at: start of its span, UTC, ISO 8601, inclusive; None for DEFAULT.
        to_at: end of its span, exclusive.
        estimated_rows: the planner's estimate, as of the last analyze.
    """

    table: str
    name: str
    from_at: str | None
    to_at: str | None
    is_default: bool
    estimated_rows: int
    bytes: int


@dataclass(frozen=True)
class EnsuredPartition:
    """A partition that is there now (or would be, in a dry run).

    Attributes:
        made: whether it was missing.
        moved_rows: rows that had gone to DEFAULT and moved to it; 0 in a dry run.
    """

    table: str
    name: str
    from_at: str
    to_at: str
    made: bool
    moved_rows: int


def list_partitioned_tables() -> list[str]:
    """The time-partitioned tables that have a model."""
    return sorted({model._meta.db_table for model in apps.get_models()} & PARTITIONED_TABLES.keys())


def list_partitions(table: str, *, using: str = "default") -> list[Partition]:
    """The partitions of `table` in the order of time, DEFAULT last.

    Raises:
        NotFound: the table is not in the database, or is not partitioned.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_class WHERE oid = to_regclass(%s) AND relkind = 'p'", [table])
        if not cursor.fetchone():
            raise NotFound(f"There is no partitioned table {table}; run migrate first.")
    rows = fetch_all("core", "list_partitions", {"table": table}, using=using, file="partitions")
    return [Partition(table=table, **row) for row in rows]


def ensure_partitions(
    *, now: datetime, ahead: int = 3, table: str | None = None, dry_run: bool = False, using: str = "owner"
) -> list[EnsuredPartition]:
    """Make the partitions of the month of `now` and of the `ahead` months after it, where they are missing.

    A table by weeks gets every ISO week from that of `now` to the one in which the last of those months ends. Each
    partition is a transaction of its own; writers go on meanwhile. One that cannot get its locks does not keep the
    others from being made.

    Raises:
        InvalidInput: `ahead` is not within 0 to 120, or `table` is not a time-partitioned table.
        NotFound: a table is not in the database.
        Conflict: others held their locks on a table for too long; names each partition that is still missing.
    """
    if not 0 <= ahead <= MAX_AHEAD:
        raise InvalidInput.of("ahead", f"Between 0 and {MAX_AHEAD} months are possible.")
    tables = list_partitioned_tables()
    if table is not None and table not in tables:
        raise InvalidInput.of("table", f"{table} is none of the time-partitioned tables {', '.join(tables)}.")
    ensured, refused = [], []
    for name in [table] if table else tables:
        existing = {partition.name for partition in list_partitions(name, using=using)}
        for suffix, from_at, to_at in _list_spans(name, now, ahead):
            leaf = name + suffix
            if leaf in existing or dry_run:
                ensured.append(EnsuredPartition(name, leaf, from_at, to_at, leaf not in existing, 0))
                continue
            try:
                made, moved_rows = _ensure_partition(name, leaf, from_at, to_at, using)
            except OperationalError as error:
                refused.append(FieldError(leaf, str(error).strip().split("\n")[0], "locked"))
            else:
                ensured.append(EnsuredPartition(name, leaf, from_at, to_at, made, moved_rows))
    if refused:
        raise Conflict(f"{len(refused)} partitions could not be made; try again.", errors=refused)
    return ensured


def _ensure_partition(table: str, leaf: str, from_at: str, to_at: str, using: str) -> tuple[bool, int]:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(ENSURE, [table, leaf, from_at, to_at])
        made, moved_rows = cursor.fetchone()
    return made, moved_rows


def _list_spans(table: str, now: datetime, ahead: int) -> list[tuple[str, str, str]]:
    """Name suffix and UTC bounds of the partitions; the bounds are text, as the year may be past Python's last."""
    today = now.astimezone(UTC).date()
    match PARTITIONED_TABLES[table]:
        case "month":
            return _list_months(today, ahead)
        case "week":
            return _list_weeks(today, ahead)
        case width:
            raise ImproperlyConfigured(f"{table}: partitions by {width} are unknown")


def _list_months(today: date, ahead: int) -> list[tuple[str, str, str]]:
    first = today.year * 12 + today.month - 1
    months = [divmod(month, 12) for month in range(first, first + ahead + 2)]
    starts = [f"{year:04d}-{month + 1:02d}-01T00:00:00Z" for year, month in months]
    suffixes = [f"_y{year:04d}m{month + 1:02d}" for year, month in months]
    return list(zip(suffixes, starts, starts[1:], strict=False))


def _list_weeks(today: date, ahead: int) -> list[tuple[str, str, str]]:
    """ISO weeks, Monday to Monday, short of the last one that Python knows."""
    year, month = divmod(today.year * 12 + today.month + ahead, 12)
    end = date(year, month + 1, 1) if year <= MAXYEAR else date.max - timedelta(days=6)
    mondays = range((today - timedelta(days=today.weekday())).toordinal(), end.toordinal(), 7)
    weeks = [(date.fromordinal(monday).isocalendar(), date.fromordinal(monday)) for monday in mondays]
    return [
        (f"_y{week.year:04d}w{week.week:02d}", f"{monday}T00:00:00Z", f"{monday + timedelta(days=7)}T00:00:00Z")
        for week, monday in weeks
    ]
