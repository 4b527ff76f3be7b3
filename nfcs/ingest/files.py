"""Rows from files: the media types of the API, and CSV and Parquet, read piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, Any

import msgspec
from rest_framework.exceptions import ParseError

from nfcs.ingest.arrow import read_batches
from nfcs.ingest.bodies import BodyKind
from nfcs.ingest.chunks import CHUNK_BYTES, Chunk, limit_rows

try:
    import pyarrow as pa
except ImportError:
    pa = None

FORMATS = ("csv", "ndjson", "parquet", "arrow")
ROWS = 20_000
"""Rows of CSV that are stored at a time."""
MOST_ROWS = 10**12
_ENDINGS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet", ".arrow": "arrow"}
_TEXTS = {"metric_name", "component", "metric_unit", "timestamp", "recorded_at", "scheme", "frame"}


def guess_format(name: str) -> str | None:
    """The format that a file's ending stands for; None where it stands for none."""
    return _ENDINGS.get(PurePath(name).suffix.lower())


def read_file(source: IO[bytes], form: str, kind: BodyKind, run: int | None) -> Iterator[Chunk]:
    """The rows of a file, chunk by chunk.

    Args:
        form: one of FORMATS.
        run: the run of rows that name none.

    Raises:
        ParseError: it is not of that format, or holds no rows.
    """
    if form == "csv":
        chunks = _read_csv(source, kind, run)
    elif form == "ndjson":
        chunks = _read_lines(source, kind, run)
    else:
        chunks = _read_tables(source, form, kind, run)
    return limit_rows(chunks, MOST_ROWS)


def _read_lines(source: IO[bytes], kind: BodyKind, run: int | None) -> Iterator[Chunk]:
    first = 0
    while lines := source.readlines(CHUNK_BYTES):
        if run is not None:
            lines = [_name_run(line, run) for line in lines]
        chunk = kind.read_json(b"".join(lines), True, first)
        first += chunk.count
        yield chunk


def _name_run(line: bytes, run: int) -> bytes:
    head = line.lstrip()
    if not head.startswith(b"{") or b'"run"' in head:
        return line
    rest = head[1:].lstrip()
    return b'{"run":%d%s%s' % (run, b"" if rest.startswith(b"}") else b",", rest)


def _read_csv(source: IO[bytes], kind: BodyKind, run: int | None) -> Iterator[Chunk]:
    """CSV with a header of field names; an empty cell is a field that is absent, lists and objects are JSON."""
    text = io.TextIOWrapper(source, "utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    first = 0
    try:
        names = next(rows, [])
        lines: list[bytes] = []
        for cells in rows:
            if not cells:
                continue
            if len(cells) != len(names):
                raise ParseError(f"Row {first + len(lines)} has {len(cells)} cells in place of {len(names)}.")
            lines.append(_write_row(dict(zip(names, cells, strict=True)), run, first + len(lines)))
            if len(lines) == ROWS:
                yield kind.read_json(b"\n".join(lines), True, first)
                first, lines = first + len(lines), []
    except (csv.Error, UnicodeDecodeError) as error:
        raise ParseError(f"The file is no CSV: {error}") from error
    finally:
        text.detach()
    if lines:
        yield kind.read_json(b"\n".join(lines), True, first)


def _write_row(cells: dict[str, str], run: int | None, index: int) -> bytes:
    row: dict[str, Any] = {} if run is None else {"run": run}
    for name, text in cells.items():
        if text == "":
            continue
        try:
            row[name] = text if name in _TEXTS else msgspec.Raw(_check_json(text))
        except msgspec.DecodeError as error:
            raise ParseError(f"{index}.{name}: {text[:40]!r} is no number.") from error
    return msgspec.json.encode(row)


def _check_json(text: str) -> bytes:
    encoded = text.encode()
    msgspec.json.decode(encoded)
    return encoded


def _read_tables(source: IO[bytes], form: str, kind: BodyKind, run: int | None) -> Iterator[Chunk]:
    if pa is None:
        raise ParseError(f"{form} needs the extra `arrow`, which is not installed here.")
    try:
        if form == "parquet":
            import pyarrow.parquet

            batches: Any = pyarrow.parquet.ParquetFile(source).iter_batches(ROWS)
        else:
            batches = pa.ipc.open_stream(source)
        named = (batch if run is None or "run" in batch.schema.names else _add_run(batch, run) for batch in batches)
        yield from read_batches(named, dict(kind.columns), kind.read_columns)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"The file is no {form}: {str(error)[:200]}") from error


def _add_run(batch: Any, run: int) -> Any:
    return batch.append_column("run", pa.array([run] * batch.num_rows, pa.int64()))
