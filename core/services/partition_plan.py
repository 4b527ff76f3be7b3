"""What stands, what is missing, and what retention will do, table by table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

from core.archive.manifest import NAME
from core.constants import PARTITIONED_TABLES
from core.db.closing import CLOSING_INDEXES, close_partitions
from core.db.partitions import (
    Partition,
    check_table,
    ensure_partitions,
    list_partitions,
    parse_bound,
)
from core.db.sql import fetch_all
from core.services.retention import RetentionPolicy, list_expired, read_policies

COVERED_AHEAD = timedelta(days=14)
"""How far ahead of now the partitions have to reach without a gap."""


@dataclass(frozen=True)
class PlannedDrop:
    """A partition that retention will drop, and when it may go."""

    partition: str
    ends_at: str
    estimated_rows: int
    is_archived: bool


@dataclass(frozen=True)
class TablePlan:
    """One partitioned table.

    Attributes:
        width: month or week.
        from_at: start of its oldest partition; None where there is none but DEFAULT.
        covered_until: until when every time from now on has a partition; None where now has none.
        missing: partitions that `apply` would make.
        default_rows: rows in DEFAULT, counted to 10,000.
        to_build: indexes that closing would build.
        keep_days: by policy; None where everything is kept.
        archive: whether the policy has partitions archived first.
        due: the partitions that are past their limit.
        next_due: the partition that is next.
        findings: what calls for somebody, in words.
    """

    table: str
    width: str
    partitions: int
    estimated_rows: int
    bytes: int
    from_at: str | None
    covered_until: str | None
    missing: tuple[str, ...]
    default_rows: int
    to_build: tuple[str, ...]
    keep_days: int | None
    archive: bool | None
    due: tuple[PlannedDrop, ...]
    next_due: PlannedDrop | None
    findings: tuple[str, ...]


def plan_partitions(
    *, now: datetime, ahead: int = 3, table: str | None = None, using: str = "default"
) -> list[TablePlan]:
    """The state of every partitioned table, or of one.

    Raises:
        InvalidInput: `table` is not a time-partitioned table, or a policy is of another.
    """
    policies = read_policies(using=using)
    return [_plan(name, policies.get(name), now, ahead, using) for name in check_table(table)]


def _plan(table: str, policy: RetentionPolicy | None, now: datetime, ahead: int, using: str) -> TablePlan:
    partitions = list_partitions(table, using=using)
    ensured = ensure_partitions(now=now, ahead=ahead, table=table, dry_run=True, using=using)
    built = close_partitions(now=now, table=table, dry_run=True, using=using) if _has_closing(table) else []
    default_rows = fetch_all("core", "count_default_rows", {"table": table}, using=using, file="partitions")[0]["rows"]
    covered_until = find_covered_until(partitions, now)
    due = [_plan_drop(partition, policy) for partition in list_expired(policy, now=now, using=using)] if policy else []
    drops = [_plan_drop(partition, policy) for partition in partitions if not partition.is_default] if policy else []
    return TablePlan(
        table=table,
        width=PARTITIONED_TABLES[table],
        partitions=sum(not partition.is_default for partition in partitions),
        estimated_rows=sum(partition.estimated_rows for partition in partitions),
        bytes=sum(partition.bytes for partition in partitions),
        from_at=partitions[0].from_at if partitions else None,
        covered_until=covered_until.isoformat() if covered_until else None,
        missing=tuple(partition.name for partition in ensured if partition.made),
        default_rows=default_rows,
        to_build=tuple(index.name for index in built if index.action != "keep"),
        keep_days=policy.keep_days if policy else None,
        archive=policy.archive if policy else None,
        due=tuple(due),
        next_due=next((drop for drop in drops if drop not in due), None),
        findings=tuple(_judge(default_rows, covered_until, now)),
    )


def find_covered_until(partitions: list[Partition], now: datetime) -> datetime | None:
    """Until when every time from `now` on has a partition; None where `now` has none."""
    until = None
    for partition in partitions:
        if partition.from_at and partition.to_at:
            begins, ends = parse_bound(partition.from_at), parse_bound(partition.to_at)
            if begins <= (until or now) < ends:
                until = ends
    return until


def _has_closing(table: str) -> bool:
    return any(name == table for name, _ in CLOSING_INDEXES)


def _plan_drop(partition: Partition, policy: RetentionPolicy) -> PlannedDrop:
    ends_at = policy.ends_at(partition)
    return PlannedDrop(
        partition.name,
        ends_at.astimezone(UTC).isoformat() if ends_at else "never",
        partition.estimated_rows,
        (settings.ARCHIVE_DIR / partition.table / partition.name / NAME).exists(),
    )


def _judge(default_rows: int, covered_until: datetime | None, now: datetime) -> list[str]:
    findings = []
    if default_rows:
        findings.append(f"{default_rows} rows lie in DEFAULT: manage.py partitions drain")
    if covered_until is None:
        findings.append("no partition holds the rows of now: manage.py partitions apply")
    elif covered_until < now + COVERED_AHEAD:
        findings.append(f"no partitions from {covered_until:%Y-%m-%d} on: manage.py partitions apply")
    return findings
