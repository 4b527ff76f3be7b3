"""Bringing an archive back: into its partition, or into a table beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db import connections, transaction
from psycopg import sql

from core.archive.manifest import Manifest, read_manifest
from core.archive.reading import read_archive, verify_archive
from core.archive.writing import hash_rows, list_columns
from core.constants import COMPACTED_TABLES, PARTITIONED_TABLES
from core.db.locking import retry_locked
from core.db.partitions import ENSURE, reading_whole
from core.db.sql import fetch_all
from core.exceptions import Conflict, InvalidInput


@dataclass(frozen=True)
class RestoredPartition:
    """Rows that are back, or would be in a dry run.

    Attributes:
        target: schema and name of the table that holds them.
        is_partition: whether that is a partition of the archived table.
    """

    table: str
    partition: str
    target: str
    is_partition: bool
    rows: int
    rows_sha256: str


def restore_archive(
    directory: Path, *, into: str | None = None, dry_run: bool = False, using: str = "owner"
) -> RestoredPartition:
    """Bring back exactly the rows of an archive, ids included, and compare them with its manifest; all or nothing.

    They go to the partition of their span, which is made where it is missing and has to be empty, as has the span of
    the table that its rows are compacted into; or to a new table called `into`, in the schema of the archived one,
    without its keys. A dry run verifies the archive.

    Raises:
        NotFound, Conflict, ArrowMissing: the archive is not there, not whole or cannot be read; the table lacks one of
            its columns; the partition holds rows; or others held their locks on the table for too long.
        InvalidInput: `into` is the name of something else.
        IntegrityError: a row refers to one that is gone, such as its run.
    """
    manifest = read_manifest(directory)
    if manifest.table not in PARTITIONED_TABLES:
        raise Conflict(f"The archive {directory} is of {manifest.table}, which is none of the partitioned tables.")
    verify_archive(directory, manifest)
    _check_columns(manifest, using)
    target = into or manifest.partition
    if into and (not into.isidentifier() or len(into.encode()) > 63):
        raise InvalidInput.of("into", f"{into} is no name of a table.")
    if not dry_run:
        make = _make_table if into else _make_partition
        with transaction.atomic(using=using):
            retry_locked(lambda: make(manifest, target, using), using=using)
            _copy(directory, manifest, target, using)
    return RestoredPartition(
        manifest.table,
        manifest.partition,
        f"{manifest.schema}.{target}",
        into is None,
        manifest.rows,
        manifest.rows_sha256,
    )


def _check_columns(manifest: Manifest, using: str) -> None:
    present = {column.name: column for column in list_columns(manifest.table, using=using)}
    for column in manifest.columns:
        if column.name not in present:
            raise Conflict(f"{manifest.table} has no column {column.name} any more.")
        if present[column.name].type != column.type:
            raise Conflict(f"{manifest.table}.{column.name} is {present[column.name].declared}, not {column.declared}.")


def _make_partition(manifest: Manifest, target: str, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(ENSURE, [manifest.table, target, manifest.from_at, manifest.to_at])
        leaf = sql.Identifier(manifest.schema, target)
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(leaf))
        with reading_whole(using):
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(leaf))
        if cursor.fetchone()[0]:
            raise Conflict(
                f"{target} holds rows already; restore into a table of its own (--into) and copy what is missing."
            )
    if manifest.table in COMPACTED_TABLES:
        _refuse_compacted(manifest, COMPACTED_TABLES[manifest.table], using)


def _refuse_compacted(manifest: Manifest, table: str, using: str) -> None:
    """Rows that were archived before they were compacted would be there twice."""
    place = fetch_all("core", "get_partitioned_table", {"table": table}, using=using, file="partitions")[0]
    query = sql.SQL("SELECT EXISTS (SELECT FROM {table} WHERE {key} >= %s AND {key} < %s)").format(
        table=sql.Identifier(place["schema"], table), key=sql.Identifier(place["key_column"])
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query, [manifest.from_at, manifest.to_at])
        if cursor.fetchone()[0]:
            raise Conflict(
                f"{table} holds rows of {manifest.partition} already; restore into a table of its own (--into) and copy"
                " what is missing."
            )


def _make_table(manifest: Manifest, target: str, using: str) -> None:
    table = sql.Identifier(manifest.schema, target)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_class WHERE oid = to_regclass(%s)", [f'"{manifest.schema}"."{target}"'])
        if cursor.fetchone():
            raise InvalidInput.of("into", f"There is a {manifest.schema}.{target} already.")
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING GENERATED INCLUDING COMMENTS)").format(
                table, sql.Identifier(manifest.schema, manifest.table)
            )
        )


def _copy(directory: Path, manifest: Manifest, target: str, using: str) -> None:
    table = sql.Identifier(manifest.schema, target)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in manifest.columns)
    with connections[using].cursor() as cursor:
        # The rows come back as they were: no trigger derives, counts or refuses anything.
        triggers = fetch_all("core", "list_firing_triggers", {"table": target}, using=using, file="partitions")
        for trigger in triggers:
            name = sql.Identifier(trigger["name"])
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(table, name))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, names)
        with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for row in read_archive(directory, manifest):
                copy.write(row)
            copy.write(b"\xff\xff")
        for trigger in triggers:
            name = sql.Identifier(trigger["name"])
            mode = sql.SQL("ENABLE ALWAYS TRIGGER" if trigger["always"] else "ENABLE TRIGGER")
            cursor.execute(sql.SQL("ALTER TABLE {} {} {}").format(table, mode, name))
        cursor.execute("SELECT nfcs_core.follow_identity_v1(%s::regclass, %s::regclass)", [manifest.table, target])
    hashed = hash_rows(manifest.schema, target, manifest.columns, using=using)
    if (hashed.rows, hashed.hexdigest()) != (manifest.rows, manifest.rows_sha256):
        raise Conflict(f"What {manifest.schema}.{target} holds is not what the archive says; nothing was restored.")
