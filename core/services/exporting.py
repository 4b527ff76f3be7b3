"""Exports: one query, one moment, constant memory."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.archive.manifest import sync_directory
from core.export.columns import Collection, Column, make_reader
from core.export.formats import FORMATS, write_line
from core.services.audit import record_event

CHUNK_ROWS = 1000
CHUNK_ROWS_TYPED = 10_000
"""Rows of a row group of Parquet and of a batch of Arrow."""


@dataclass
class Outcome:
    """How an export ended.

    Attributes:
        rows: that were written.
        rows_sha256: SHA-256 of the rows as NDJSON, whatever the format; empty until the export has ended.
    """

    rows: int = 0
    rows_sha256: str = ""
    columns: list[Column] = field(default_factory=list)


def record_export(collection: Collection, *, format_name: str, parameters: Mapping[str, Any]) -> None:
    """Write down in the audit trail who asks for an export, and of what, before anything is handed over."""
    _record(collection, "export.begun", {"format": format_name, "parameters": dict(parameters)})


def stream_rows(
    collection: Collection,
    rows: QuerySet[Any],
    *,
    format_name: str,
    blobs: bool = False,
    outcome: Outcome | None = None,
) -> Callable[[], Iterator[bytes]]:
    """Check that an export can be made, and answer what makes it.

    Its rows come from one server-side cursor in a transaction of its own, oldest first, as the database shows them to
    whoever acts while it is read. What is not read to its end lacks the end of its format.

    Raises:
        ArrowMissing: the format needs pyarrow, which is not installed.
    """
    columns = collection.columns(blobs=blobs)
    writer = FORMATS[format_name](columns)
    query = collection.order_by(rows).values_list(*(column.source for column in columns))
    chunk = CHUNK_ROWS_TYPED if format_name in ("parquet", "arrow") else CHUNK_ROWS
    if blobs:
        chunk = min(chunk, 100)
    outcome = outcome or Outcome()
    outcome.columns = columns

    def stream() -> Iterator[bytes]:
        digest = hashlib.sha256()
        with transaction.atomic():
            yield writer.begin()
            for batch in _read_batches(query, columns, chunk):
                lines = [write_line(columns, row) for row in batch]
                digest.update(b"".join(lines))
                outcome.rows += len(batch)
                if part := writer.write(batch, lines):
                    yield part
            outcome.rows_sha256 = digest.hexdigest()
            _record(collection, "export.finished", {"rows": outcome.rows, "rows_sha256": outcome.rows_sha256})
        yield writer.end(outcome.rows, outcome.rows_sha256)

    return stream


def _read_batches(query: QuerySet[Any], columns: Sequence[Column], size: int) -> Iterator[list[list[Any]]]:
    read = make_reader(columns)
    batch = []
    for row in query.iterator(chunk_size=size):
        batch.append(read(row))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _record(collection: Collection, event: str, details: Mapping[str, Any]) -> None:
    record_event(
        event=event,
        action="read",
        table_name=collection.model._meta.db_table,
        row_key="*",
        details={"collection": collection.name, **details},
    )


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written.

    Attributes:
        rows_sha256: of the rows as NDJSON, the same for every format.
        sha256: of the file's bytes.
    """

    path: Path
    rows: int
    rows_sha256: str
    bytes: int
    sha256: str


def export_to_file(
    collection: Collection,
    path: Path,
    *,
    format_name: str,
    run_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    blobs: bool = False,
) -> ExportedFile:
    """Export the rows of a run or a span to a file, which appears when it is whole.

    Raises:
        ArrowMissing: the format needs pyarrow, which is not installed.
        OSError: the file cannot be written.
    """
    bounds: dict[str, Any] = {
        collection.run_lookup: run_id,
        f"{collection.time_field}__gte": since,
        f"{collection.time_field}__lt": until,
    }
    given = {lookup: value for lookup, value in bounds.items() if value is not None}
    rows = collection.model._default_manager.filter(**given)
    outcome = Outcome()
    stream = stream_rows(collection, rows, format_name=format_name, blobs=blobs, outcome=outcome)
    record_export(collection, format_name=format_name, parameters={name: str(value) for name, value in given.items()})
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    digest = hashlib.sha256()
    try:
        with draft.open("xb") as file:
            for part in stream():
                file.write(part)
                digest.update(part)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.resolve().parent)
    return ExportedFile(path, outcome.rows, outcome.rows_sha256, size, digest.hexdigest())
