"""Writing an archive: one COPY, so one moment; files of row groups, so constant memory."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from psycopg import sql

from core.archive.columns import TEXTS, Column, RowHash, split_row, to_arrow
from core.archive.extra import import_parquet, import_pyarrow
from core.archive.manifest import NAME, ArchivedFile, Manifest, sync_directory, write_manifest
from core.archive.reading import verify_archive
from core.db.partitions import Partition, reading_whole
from core.db.sql import fetch_all

GROUP_ROWS = 50_000
GROUP_BYTES = 32 * 2**20
FILE_ROWS = 20_000_000
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_TRAILER = b"\xff\xff"


def list_columns(table: str, *, using: str) -> list[Column]:
    """The columns that an archive of a table or partition holds: all but the generated ones."""
    rows = fetch_all("core", "list_stored_columns", {"table": table}, using=using, file="partitions")
    return [Column(**row) for row in rows]


def write_archive(*, partition: Partition, schema: str, root: Path, now: datetime, using: str) -> Manifest:
    """Archive a partition under `root/TABLE/PARTITION` and read it back; an earlier archive of it gives way.

    Raises:
        ArrowMissing: pyarrow is not installed.
        Conflict: a row cannot be archived exactly, or what was written is not what is read back.
        OSError: the directory cannot be written.
    """
    import_parquet()
    columns = list_columns(partition.name, using=using)
    directory = root / partition.table / partition.name
    directory.mkdir(parents=True, exist_ok=True)
    writer = _Writer(columns, directory)
    hashed = RowHash()
    try:
        with transaction.atomic(using=using):
            version = fetch_all("core", "get_server", {}, using=using, file="status")[0]["server_version"]
            for row in read_rows(schema, partition.name, columns, using=using):
                hashed.add(row)
                writer.add(row)
        files = writer.finish()
        manifest = Manifest(
            schema=schema,
            table=partition.table,
            partition=partition.name,
            from_at=str(partition.from_at),
            to_at=str(partition.to_at),
            rows=hashed.rows,
            rows_sha256=hashed.hexdigest(),
            columns=tuple(columns),
            files=tuple(files),
            made_at=now.astimezone(UTC).isoformat(),
            server_version=str(version),
        )
        verify_archive(directory, manifest)
    except BaseException:
        writer.discard()
        raise
    write_manifest(manifest, directory)
    _remove_others(directory, {file.name for file in files})
    return manifest


def hash_rows(schema: str, leaf: str, columns: Sequence[Column], *, using: str) -> RowHash:
    """The hash of the rows of a partition as they are now; inside a transaction."""
    hashed = RowHash()
    for row in read_rows(schema, leaf, columns, using=using):
        hashed.add(row)
    return hashed


def read_rows(schema: str, leaf: str, columns: Sequence[Column], *, using: str) -> Iterator[bytes]:
    """The rows of a table in PostgreSQL's binary format, one at a time; inside a transaction."""
    statement = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(
        sql.Identifier(schema, leaf), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    )
    with (
        connections[using].cursor() as cursor,
        reading_whole(using),
        cursor.db.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        for data in copy:
            # libpq hands over whole rows; the first comes with the file's header.
            row = bytes(data)
            if row.startswith(_SIGNATURE):
                row = row[19 + int.from_bytes(row[15:19], "big") :]
            if row and row != _TRAILER:
                yield row


class _Writer:
    """Collects rows into row groups and row groups into files."""

    def __init__(self, columns: Sequence[Column], directory: Path) -> None:
        pa = import_pyarrow()
        self._columns = columns
        self._directory = directory
        self._token = secrets.token_hex(4)
        self._schema = pa.schema([pa.field(column.name, column.arrow_type()) for column in columns])
        self._texts = [column.name for column in columns if column.type in TEXTS]
        self._files: list[tuple[Path, int]] = []
        self._open: Any = None
        self._file_rows = 0
        self._rows: list[bytes] = []
        self._bytes = 0

    def add(self, row: bytes) -> None:
        self._rows.append(row)
        self._bytes += len(row)
        if len(self._rows) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()

    def finish(self) -> list[ArchivedFile]:
        self._write_group()
        self._close_file()
        written = []
        for path, rows in self._files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            written.append(ArchivedFile(path.name, rows, path.stat().st_size, digest))
        sync_directory(self._directory)
        return written

    def discard(self) -> None:
        if self._open:
            self._open.close()
        for path, _ in self._files:
            path.unlink(missing_ok=True)

    def _write_group(self) -> None:
        if not self._rows:
            return
        pa = import_pyarrow()
        if self._open is None:
            path = self._directory / f"{self._token}-{len(self._files):05d}.parquet"
            self._files.append((path, 0))
            self._open = import_parquet().ParquetWriter(
                path, self._schema, compression="zstd", use_dictionary=self._texts or False
            )
        values = list(zip(*map(split_row, self._rows), strict=True))
        arrays = [to_arrow(column, cells) for column, cells in zip(self._columns, values, strict=True)]
        self._open.write_batch(pa.record_batch(arrays, schema=self._schema))
        path, rows = self._files[-1]
        self._files[-1] = (path, rows + len(self._rows))
        self._file_rows += len(self._rows)
        self._rows, self._bytes = [], 0
        if self._file_rows >= FILE_ROWS:
            self._close_file()

    def _close_file(self) -> None:
        if self._open:
            self._open.close()
            self._open = None
            self._file_rows = 0


def _remove_others(directory: Path, kept: set[str]) -> None:
    """Remove the files of the archive that this one replaces."""
    for path in directory.glob("*.parquet"):
        if path.name not in kept and path.name != NAME:
            path.unlink()
