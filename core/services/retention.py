"""Retention: which partitions go, after which time, and only once an archive of them is proven.

The policies stand in the configuration value `partitions.retention`, by table; without one, nothing is ever dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connections, transaction
from psycopg import sql

from core.archive.manifest import Manifest, read_manifest
from core.archive.reading import verify_archive
from core.archive.restoring import RestoredPartition, restore_archive
from core.archive.writing import hash_rows, write_archive
from core.constants import PARTITIONED_TABLES
from core.db.locking import retry_locked
from core.db.partitions import (
    Partition,
    check_table,
    list_partitioned_tables,
    list_partitions,
    parse_bound,
    reading_whole,
)
from core.db.sql import fetch_all
from core.exceptions import Conflict, DomainError, InvalidInput, NotFound
from core.selectors import get_config
from core.services.audit import record_event
from core.services.audit_checkpoints import seal_partition

CONFIG_KEY = "partitions.retention"


@dataclass(frozen=True)
class RetentionPolicy:
    """What one table keeps.

    Attributes:
        keep_days: how long after the end of its span a partition stays, days.
        archive: whether it goes only after an archive of it was written and read back.
    """

    table: str
    keep_days: int
    archive: bool

    def ends_at(self, partition: Partition) -> datetime | None:
        """When a partition may go; None for DEFAULT, which never does, and past the end of the calendar."""
        if partition.to_at is None:
            return None
        try:
            return parse_bound(partition.to_at) + timedelta(days=self.keep_days)
        except OverflowError:
            return None


@dataclass(frozen=True)
class ExpiredPartition:
    """A partition whose whole span is past the limit, and what was done about it.

    Attributes:
        rows: that it held; the planner's estimate in a dry run or where it stays.
        archive: the directory of its archive; None where the policy asks for none.
        problem: why it stays; empty when it went, or would go.
    """

    table: str
    partition: str
    from_at: str
    to_at: str
    rows: int
    archive: str | None
    problem: str = ""


@dataclass(frozen=True)
class WrittenArchive:
    """An archive that was written and read back, or would be in a dry run; or why it was not."""

    table: str
    partition: str
    directory: str
    rows: int
    problem: str = ""


def read_policies(*, using: str = "default") -> dict[str, RetentionPolicy]:
    """The policies in force, by table.

    Raises:
        InvalidInput: one is of a table that is not partitioned by time.
    """
    configured: dict[str, Any] = get_config(CONFIG_KEY, {}, using=using)
    unknown = sorted(configured.keys() - PARTITIONED_TABLES.keys())
    if unknown:
        raise InvalidInput.of(CONFIG_KEY, f"{', '.join(unknown)} is none of the time-partitioned tables.")
    return {
        table: RetentionPolicy(table, policy["keep_days"], policy["archive"]) for table, policy in configured.items()
    }


def list_expired(policy: RetentionPolicy, *, now: datetime, using: str = "default") -> list[Partition]:
    """The partitions of a policy's table whose whole span is past its limit, oldest first."""
    return [
        partition
        for partition in list_partitions(policy.table, using=using)
        if (ends_at := policy.ends_at(partition)) is not None and ends_at <= now
    ]


def drop_expired_partitions(
    *, now: datetime, table: str | None = None, dry_run: bool = False, using: str = "owner"
) -> list[ExpiredPartition]:
    """Drop the partitions that their policies no longer keep; each is archived and verified first, where asked for.

    Each is a transaction of its own: the rows are compared with the archive while nobody can add to them, and the
    partition is sealed in a signed checkpoint, detached and dropped in the same moment. What cannot be dropped stays,
    with the reason.

    Raises:
        InvalidInput: `table` is not a time-partitioned table, or a policy is of another.
    """
    expired = []
    policies = read_policies(using=using)
    for name in check_table(table):
        if policy := policies.get(name):
            for partition in list_expired(policy, now=now, using=using):
                expired.append(_expire(partition, archive=policy.archive, now=now, dry_run=dry_run, using=using))
    return expired


def archive_partitions(
    names: list[str], *, now: datetime, root: Path | None = None, dry_run: bool = False, using: str = "owner"
) -> list[WrittenArchive]:
    """Archive partitions by name; without names, those that retention will drop and has to archive first.

    Raises:
        NotFound: there is no partition of such a name.
    """
    root = root or settings.ARCHIVE_DIR
    wanted = find_partitions(names, using=using) if names else _list_awaited(now, using)
    return [_archive(partition, root, now, dry_run, using) for partition in wanted]


def restore_partition(
    directory: Path, *, into: str | None = None, dry_run: bool = False, using: str = "owner"
) -> RestoredPartition:
    """Bring back exactly the rows of an archive, and note it in the audit; see `restore_archive`."""
    with transaction.atomic(using=using):
        restored = restore_archive(directory, into=into, dry_run=dry_run, using=using)
        if not dry_run:
            record_event(
                event="partition.restored",
                action="create",
                table_name=restored.target,
                row_key=restored.partition,
                details={"rows": restored.rows, "rows_sha256": restored.rows_sha256},
                using=using,
            )
    return restored


def find_partitions(names: list[str], *, using: str = "default") -> list[Partition]:
    """Partitions by name, without the DEFAULT ones.

    Raises:
        NotFound: there is no partition of such a name.
    """
    known = {
        partition.name: partition
        for table in list_partitioned_tables()
        for partition in list_partitions(table, using=using)
        if not partition.is_default
    }
    for name in names:
        if name not in known:
            raise NotFound(f"There is no partition {name}.")
    return [known[name] for name in names]


def _list_awaited(now: datetime, using: str) -> list[Partition]:
    return [
        partition
        for policy in read_policies(using=using).values()
        if policy.archive
        for partition in list_expired(policy, now=now, using=using)
    ]


def _archive(partition: Partition, root: Path, now: datetime, dry_run: bool, using: str) -> WrittenArchive:
    directory = root / partition.table / partition.name
    rows, problem = partition.estimated_rows, ""
    if not dry_run:
        try:
            schema = _find_schema(partition.table, using)
            rows = _write(partition, schema, root, now, using).rows
        except (DomainError, OSError) as error:
            problem = str(error)
    return WrittenArchive(partition.table, partition.name, str(directory), rows, problem)


def _expire(partition: Partition, *, archive: bool, now: datetime, dry_run: bool, using: str) -> ExpiredPartition:
    directory = settings.ARCHIVE_DIR / partition.table / partition.name if archive else None
    rows, problem = partition.estimated_rows, ""
    if not dry_run:
        try:
            rows = _drop(partition, directory, now, using)
        except (DomainError, OperationalError, OSError) as error:
            problem = str(error).strip().split("\n")[0]
    return ExpiredPartition(
        partition.table,
        partition.name,
        str(partition.from_at),
        str(partition.to_at),
        rows,
        str(directory) if directory else None,
        problem,
    )


def _drop(partition: Partition, directory: Path | None, now: datetime, using: str) -> int:
    schema = _find_schema(partition.table, using)
    manifest = _prove_archive(partition, schema, directory, now, using) if directory else None
    return retry_locked(lambda: _detach_and_drop(partition, schema, manifest, now, using), using=using)


def _write(partition: Partition, schema: str, root: Path, now: datetime, using: str) -> Manifest:
    manifest = write_archive(partition=partition, schema=schema, root=root, now=now, using=using)
    _record("archived", "read", partition, schema, manifest.rows, manifest, using)
    return manifest


def _prove_archive(partition: Partition, schema: str, directory: Path, now: datetime, using: str) -> Manifest:
    """The manifest of a whole archive of the partition as it is, which is written where there is none yet.

    Raises:
        Conflict: there is an archive, and it is not whole.
    """
    try:
        manifest = read_manifest(directory)
    except NotFound:
        return _write(partition, schema, directory.parents[1], now, using)
    verify_archive(directory, manifest)
    return manifest


def _detach_and_drop(partition: Partition, schema: str, manifest: Manifest | None, now: datetime, using: str) -> int:
    leaf, parent = sql.Identifier(schema, partition.name), sql.Identifier(schema, partition.table)

    def execute(statement: str, *things: sql.Composable) -> None:
        cursor.execute(sql.SQL(statement).format(*things))

    with connections[using].cursor() as cursor:
        # From here on late rows wait, for as long as the rows are compared; then they go to DEFAULT.
        execute("LOCK TABLE {} IN SHARE MODE", leaf)
        if manifest:
            hashed = hash_rows(schema, partition.name, manifest.columns, using=using)
            if (hashed.rows, hashed.hexdigest()) != (manifest.rows, manifest.rows_sha256):
                raise Conflict(
                    f"{partition.name} is not what was archived (late rows?): archive it again; it stays until then."
                )
        with reading_whole(using):
            execute("SELECT count(*) FROM {}", leaf)
        rows = int(cursor.fetchone()[0])
        seal_partition(table=partition.table, partition=partition.name, now=now, using=using)
        execute("ALTER TABLE {} DETACH PARTITION {}", parent, leaf)
        execute("DROP TABLE {}", leaf)
    _record("dropped", "delete", partition, schema, rows, manifest, using)
    return rows


def _record(
    what: str, action: str, partition: Partition, schema: str, rows: int, manifest: Manifest | None, using: str
) -> None:
    record_event(
        event=f"partition.{what}",
        action=action,
        table_name=f"{schema}.{partition.table}",
        row_key=partition.name,
        details={
            "from": partition.from_at,
            "to": partition.to_at,
            "rows": rows,
            "rows_sha256": manifest.rows_sha256 if manifest else None,
        },
        using=using,
    )


def _find_schema(table: str, using: str) -> str:
    return str(
        fetch_all("core", "get_partitioned_table", {"table": table}, using=using, file="partitions")[0]["schema"]
    )
