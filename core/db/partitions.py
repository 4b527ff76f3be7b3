"""Time partitions of the telemetry tables: which there are, and making those of the coming months."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction
from psycopg import sql

from core.constants import PARTITIONED_TABLES
from core.db.sql import fetch_all
from core.exceptions import Conflict, FieldError, InvalidInput, NotFound

MAX_AHEAD = 120
SUFFIXES = {"month": '"_y"YYYY"m"MM', "week": '"_y"IYYY"w"IW'}
"""By width of the partitions, what follows the name of the table, for to_char."""
ENSURE = "SELECT made, moved_rows FROM nfcs_core.ensure_partition_v2(%s::regclass, %s, %s, %s)"

DEFAULT_SPANS = """
SELECT to_char(s.from_ts, %(name)s),
       to_char(s.from_ts, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       to_char(s.from_ts + %(step)s::interval, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       s.found_rows
FROM (
    SELECT date_trunc(%(width)s, {key} AT TIME ZONE 'UTC') AS from_ts, count(*) AS found_rows
    FROM {leaf}
    WHERE isfinite({key}) AND {key} >= '0001-01-08 00:00:00+00'
    GROUP BY 1
) s
ORDER BY s.from_ts
"""


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
class DrainedSpan:
    """A span of time whose rows were in DEFAULT.

    Attributes:
        name: the partition they belong to.
        found_rows: rows in DEFAULT when it was looked through.
        moved_rows: rows that moved to the partition; 0 in a dry run. More than were found where writers went on.
    """

    table: str
    name: str
    from_at: str
    to_at: str
    found_rows: int
    moved_rows: int


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


def parse_bound(bound: str) -> datetime:
    """The time of a bound in text; the last that Python knows where it lies past that."""
    return datetime.max.replace(tzinfo=UTC) if len(bound.split("-", 1)[0]) > 4 else datetime.fromisoformat(bound)


@contextmanager
def reading_whole(using: str) -> Iterator[None]:
    """Within it, in an open transaction, a policy that hides rows is an error instead of a smaller answer."""
    # After an error the transaction goes back, and with it the setting.
    with connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL row_security = off")
        yield
        cursor.execute("SET LOCAL row_security = on")


def check_table(table: str | None) -> list[str]:
    """The tables to look at: all, or the one that is named.

    Raises:
        InvalidInput: it is not a time-partitioned table.
    """
    tables = list_partitioned_tables()
    if table is not None and table not in tables:
        raise InvalidInput.of("table", f"{table} is none of the time-partitioned tables {', '.join(tables)}.")
    return [table] if table else tables


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
    ensured, refused = [], []
    for name in check_table(table):
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


def drain_default(*, table: str | None = None, dry_run: bool = False, using: str = "owner") -> list[DrainedSpan]:
    """Move the rows of the DEFAULT partitions to partitions of their own, oldest first, beside writers.

    Each span is a transaction of its own. Rows at infinity or before year 1 have no partition and stay.

    Raises:
        InvalidInput: `table` is not a time-partitioned table.
        Conflict: others held their locks on a table for too long; names each partition whose rows stay in DEFAULT.
    """
    drained, refused = [], []
    for name in check_table(table):
        for suffix, from_at, to_at, found in _list_default_spans(name, using):
            leaf, moved = name + suffix, 0
            try:
                if not dry_run:
                    moved = _ensure_partition(name, leaf, from_at, to_at, using)[1]
            except OperationalError as error:
                refused.append(FieldError(leaf, str(error).strip().split("\n")[0], "locked"))
            else:
                drained.append(DrainedSpan(name, leaf, from_at, to_at, found, moved))
    if refused:
        raise Conflict(f"The rows of {len(refused)} spans could not be moved; try again.", errors=refused)
    return drained


def _list_default_spans(table: str, using: str) -> list[tuple[str, str, str, int]]:
    """Name suffix, UTC bounds and number of rows of the spans that have rows in DEFAULT."""
    place = fetch_all("core", "get_partitioned_table", {"table": table}, using=using, file="partitions")
    if not place or not place[0]["default_leaf"]:
        raise NotFound(f"There is no partitioned table {table} with a DEFAULT partition; run migrate first.")
    width = PARTITIONED_TABLES[table]
    query = sql.SQL(DEFAULT_SPANS).format(
        key=sql.Identifier(place[0]["key_column"]), leaf=sql.Identifier(place[0]["schema"], place[0]["default_leaf"])
    )
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        with reading_whole(using):
            cursor.execute(query, {"width": width, "step": f"1 {width}", "name": SUFFIXES[width]})
        return cursor.fetchall()


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
