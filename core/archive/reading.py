"""Reading an archive: its checksums first, then its rows as PostgreSQL takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from core.archive.columns import RowHash, join_rows, to_wire
from core.archive.extra import import_parquet, import_pyarrow
from core.archive.manifest import Manifest
from core.exceptions import Conflict

BATCH_ROWS = 20_000


def verify_archive(directory: Path, manifest: Manifest) -> None:
    """Read an archive wholly and compare it with its manifest.

    Raises:
        ArrowMissing: pyarrow is not installed.
        Conflict: a file is missing or is not what was written, or the rows are not those of the manifest; names it.
    """
    verify_files(directory, manifest)
    hashed = RowHash()
    for row in read_archive(directory, manifest):
        hashed.add(row)
    if (hashed.rows, hashed.hexdigest()) != (manifest.rows, manifest.rows_sha256):
        raise Conflict(f"The archive {directory} does not hold the rows that its manifest says.")


def verify_files(directory: Path, manifest: Manifest) -> None:
    """Compare the bytes of the files with the manifest.

    Raises:
        Conflict: as for `verify_archive`.
    """
    for file in manifest.files:
        path = directory / file.name
        if not path.is_file():
            raise Conflict(f"The archive {directory} is not whole: {file.name} is missing.")
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            raise Conflict(f"The file {path} is not what was archived: its SHA-256 differs.")


def read_archive(directory: Path, manifest: Manifest) -> Iterator[bytes]:
    """The rows of an archive in PostgreSQL's binary format, in the order they were archived.

    Raises:
        Conflict: a file is not Parquet with the columns of the manifest.
    """
    pa = import_pyarrow()
    for file in manifest.files:
        try:
            # Opened as a plain file: a memory map of a large archive would count as used memory.
            with import_parquet().ParquetFile(directory / file.name) as parquet:
                names = [column.name for column in manifest.columns]
                # Group by group: a batch that goes on into the next would take rows without regard to their size.
                for batch in (
                    batch
                    for group in range(parquet.num_row_groups)
                    for batch in parquet.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], columns=names)
                ):
                    arrays = [batch.column(column.name) for column in manifest.columns]
                    yield from join_rows(
                        [to_wire(column, array) for column, array in zip(manifest.columns, arrays, strict=True)]
                    )
        except (pa.ArrowException, OSError, KeyError) as error:
            raise Conflict(f"The file {directory / file.name} cannot be read: {error}") from error
