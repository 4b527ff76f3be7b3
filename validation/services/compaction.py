"""Compaction: samples of days that are over move into one array a series and day, a third of the octets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import Error, connections, transaction
from psycopg import sql

from core.constants import COMPACTED_TABLES
from core.db.closing import CLOSING_DELAY
from core.db.identity import SYSTEM, on_behalf_of
from core.db.partitions import ENSURE, Partition, list_partitions, parse_bound
from core.db.sql import fetch_all
from core.exceptions import Conflict, DomainError
from core.services.audit import record_event
from validation.constants import MOST_SAMPLES_OF_A_DAY

TABLE = "metric_samples"
SORT_MEMORY = "256MB"
STALE_INDEXES = 2**20
"""Octets that the indexes of a partition may have more than its rows before they are built anew."""


@dataclass(frozen=True)
class CompactedDay:
    """One day of a closed partition whose samples were moved, or would be in a dry run.

    Attributes:
        day: UTC, ISO 8601.
        rows: samples that were moved.
        series: rows of `metric_days` that hold them; 0 in a dry run.
        problem: why they stay; empty when they moved, or would move.
    """

    partition: str
    day: str
    rows: int
    series: int
    problem: str = ""


def compact_samples(
    *, now: datetime, older_than: timedelta, dry_run: bool = False, using: str = "owner"
) -> list[CompactedDay]:
    """Move the samples of closed partitions, of days that ended `older_than` ago, into `metric_days`; oldest first.

    Each day is a transaction of its own: whoever is killed has moved it or not. Samples that come later are merged the
    next time. What cannot be moved stays, with the reason, and does not keep the others from it. Within a transaction
    of the caller's the space that the samples took is not given back.
    """
    compacted = []
    with on_behalf_of(SYSTEM):
        for partition in list_partitions(TABLE, using=using):
            if partition.to_at and partition.from_at and parse_bound(partition.to_at) <= now - CLOSING_DELAY:
                compacted += _compact_partition(partition, now - older_than, dry_run, using)
    return compacted


def _compact_partition(partition: Partition, until: datetime, dry_run: bool, using: str) -> list[CompactedDay]:
    midnight = until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    asked = {"since": partition.from_at, "until": min(midnight, parse_bound(str(partition.to_at)))}
    days = fetch_all("validation", "list_days", asked, using=using, file="compaction")
    if dry_run or not days:
        return [_describe(partition, day, day["rows"], 0) for day in days]
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        kept_in = COMPACTED_TABLES[TABLE]
        leaf = kept_in + partition.name.removeprefix(TABLE)
        cursor.execute(ENSURE, [kept_in, leaf, partition.from_at, partition.to_at])
    compacted = [_compact_day(partition, day, using) for day in days]
    if any(day.rows for day in compacted) and not connections[using].in_atomic_block:
        _shrink(partition.name, using)
    return compacted


def _compact_day(partition: Partition, day: dict[str, Any], using: str) -> CompactedDay:
    if day["most"] > MOST_SAMPLES_OF_A_DAY:
        return _describe(partition, day, 0, 0, f"a series has {day['most']} samples, too many for an array")
    try:
        with transaction.atomic(using=using):
            fetch_all("validation", "lock", using=using, file="compaction")
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT set_config('work_mem', %s, true)", [SORT_MEMORY])
            (moved,) = fetch_all("validation", "move_day", {"day": day["day"]}, using=using, file="compaction")
            if moved["before"] != moved["after"]:
                raise Conflict(f"{moved['before']} samples and their digest became {moved['after']}")
            if moved["rows"]:
                record_event(
                    event="samples.compacted",
                    action="update",
                    table_name=f"validation.{TABLE}",
                    row_key=partition.name,
                    details={"day": day["day"].isoformat(), **moved},
                    using=using,
                )
    except (DomainError, Error) as error:
        return _describe(partition, day, 0, 0, str(error).strip().split("\n")[0])
    return _describe(partition, day, moved["rows"], moved["series"])


def _shrink(leaf: str, using: str) -> None:
    """Give back what the moved samples took; of the indexes only where they are more than what is left."""
    with connections[using].cursor() as cursor:
        name = sql.Identifier("validation", leaf)
        cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))
        (sizes,) = fetch_all("validation", "get_sizes", {"leaf": leaf}, using=using, file="compaction")
        if sizes["indexes"] > sizes["heap"] + STALE_INDEXES:
            cursor.execute(sql.SQL("REINDEX TABLE CONCURRENTLY {}").format(name))


def _describe(partition: Partition, day: dict[str, Any], rows: int, series: int, problem: str = "") -> CompactedDay:
    return CompactedDay(partition.name, day["day"].isoformat(), rows, series, problem)
