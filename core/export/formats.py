"""The formats of an export: rows in, bytes out, and an end that says how many rows there were and what they hash to."""

from __future__ import annotations

import base64
import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.archive.extra import import_parquet, import_pyarrow
from core.export.columns import Column, write_time

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins so is a formula to a spreadsheet."""


def write_line(columns: Sequence[Column], row: Sequence[Any]) -> bytes:
    """A row as one line of NDJSON; of these the checksum of every format is made."""
    record = {}
    for column, value in zip(columns, row, strict=True):
        if column.kind == "time" and value is not None:
            value = write_time(value)
        elif column.kind == "binary" and value is not None:
            value = base64.b64encode(value).decode()
        record[column.name] = value
    try:
        return orjson.dumps(record) + b"\n"
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits, which jsonb holds.
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class Format(ABC):
    """Writes one export; what is written so far is taken with `take`.

    Attributes:
        name: as asked for.
        content_type: of the answer.
        suffix: of the file.
    """

    name: ClassVar[str]
    content_type: ClassVar[str]
    suffix: ClassVar[str]

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns

    @abstractmethod
    def begin(self) -> bytes:
        """What comes before the rows."""

    @abstractmethod
    def write(self, rows: Sequence[Sequence[Any]], lines: Sequence[bytes]) -> bytes:
        """Rows, which are also given as lines of NDJSON."""

    @abstractmethod
    def end(self, count: int, sha256: str) -> bytes:
        """What comes after them."""


class NdjsonFormat(Format):
    """One JSON object a line; the last one, `{"nfcs_export": ...}`, holds count and checksum."""

    name, content_type, suffix = "ndjson", "application/x-ndjson", "ndjson"

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def write(self, rows: Sequence[Sequence[Any]], lines: Sequence[bytes]) -> bytes:
        """The lines."""
        return b"".join(lines)

    def end(self, count: int, sha256: str) -> bytes:
        """The last line."""
        return orjson.dumps({"nfcs_export": {"rows": count, "rows_sha256": sha256}}) + b"\n"


class CsvFormat(Format):
    """RFC 4180 with a header; the last line, a comment, holds count and checksum.

    Null is empty; lists and JSON are JSON, bytes base64. A text that a spreadsheet would take for a formula gets an
    apostrophe in front.
    """

    name, content_type, suffix = "csv", "text/csv; charset=utf-8", "csv"

    def begin(self) -> bytes:
        """The names of the columns."""
        return self._join([[column.name for column in self.columns]])

    def write(self, rows: Sequence[Sequence[Any]], lines: Sequence[bytes]) -> bytes:
        """The rows."""
        return self._join([list(map(_write_cell, self.columns, row)) for row in rows])

    def end(self, count: int, sha256: str) -> bytes:
        """The comment."""
        return f"# rows={count} rows_sha256={sha256}\r\n".encode()

    def _join(self, rows: Sequence[Sequence[Any]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()


def _write_cell(column: Column, value: Any) -> Any:
    if value is None:
        return ""
    match column.kind:
        case "text":
            return "'" + value if value.startswith(FORMULA_STARTS) else value
        case "time":
            return write_time(value)
        case "json" | "numbers":
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        case "binary":
            return base64.b64encode(value).decode()
        case "boolean":
            return "true" if value else "false"
        case "number":
            return repr(value)
    return value


class _Sink(io.RawIOBase):
    """What Arrow writes to; `take` empties it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _ArrowBased(Format):
    """Typed columns; JSON as text."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(columns)
        pa = import_pyarrow()
        types = {
            "integer": pa.int64(),
            "number": pa.float64(),
            "boolean": pa.bool_(),
            "text": pa.string(),
            "time": pa.timestamp("us", tz="UTC"),
            "json": pa.string(),
            "numbers": pa.list_(pa.float64()),
            "binary": pa.binary(),
        }
        self._schema = pa.schema([pa.field(column.name, types[column.kind]) for column in columns])
        self._sink = _Sink()

    def _make_batch(self, rows: Sequence[Sequence[Any]]) -> Any:
        pa = import_pyarrow()
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        arrays = [
            pa.array(map(_write_json, values) if column.kind == "json" else values, field.type)
            for column, values, field in zip(self.columns, cells, self._schema, strict=True)
        ]
        return pa.record_batch(arrays, schema=self._schema)


def _write_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class ParquetFormat(_ArrowBased):
    """Parquet with zstd; count and checksum stand in the footer as `nfcs_rows` and `nfcs_rows_sha256`."""

    name, content_type, suffix = "parquet", "application/vnd.apache.parquet", "parquet"

    def begin(self) -> bytes:
        """The file's first bytes."""
        self._writer = import_parquet().ParquetWriter(self._sink, self._schema, compression="zstd")
        return self._sink.take()

    def write(self, rows: Sequence[Sequence[Any]], lines: Sequence[bytes]) -> bytes:
        """A row group."""
        self._writer.write_batch(self._make_batch(rows))
        return self._sink.take()

    def end(self, count: int, sha256: str) -> bytes:
        """The footer."""
        self._writer.add_key_value_metadata({"nfcs_rows": str(count), "nfcs_rows_sha256": sha256})
        self._writer.close()
        return self._sink.take()


class ArrowFormat(_ArrowBased):
    """An Arrow IPC stream; its last batch has no rows, and count and checksum as metadata of its own."""

    name, content_type, suffix = "arrow", "application/vnd.apache.arrow.stream", "arrows"

    def begin(self) -> bytes:
        """The schema."""
        import pyarrow.ipc

        self._writer = pyarrow.ipc.new_stream(self._sink, self._schema)
        return self._sink.take()

    def write(self, rows: Sequence[Sequence[Any]], lines: Sequence[bytes]) -> bytes:
        """A record batch."""
        self._writer.write_batch(self._make_batch(rows))
        return self._sink.take()

    def end(self, count: int, sha256: str) -> bytes:
        """The last batch and the end of the stream."""
        metadata = {"nfcs_rows": str(count), "nfcs_rows_sha256": sha256}
        self._writer.write_batch(self._make_batch([]), custom_metadata=metadata)
        self._writer.close()
        return self._sink.take()


class ManifestFormat(Format):
    """No rows: only how many there are and what they hash to."""

    name, content_type, suffix = "manifest", "application/json", "json"

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def write(self, rows: Sequence[Sequence[Any]], lines: Sequence[bytes]) -> bytes:
        """Nothing."""
        return b""

    def end(self, count: int, sha256: str) -> bytes:
        """The manifest."""
        columns = [{"name": column.name, "kind": column.kind} for column in self.columns]
        return orjson.dumps({"rows": count, "rows_sha256": sha256, "columns": columns}) + b"\n"


FORMATS: dict[str, type[Format]] = {
    format.name: format for format in (CsvFormat, NdjsonFormat, ParquetFormat, ArrowFormat, ManifestFormat)
}
