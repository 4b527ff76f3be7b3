"""Many rows at once: encoded here as PostgreSQL's binary format, sent by COPY or, when they are few, as parameters.

COPY goes into a temporary table and from there on by INSERT: PostgreSQL refuses COPY into a table with row security.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
import orjson
import psycopg
from numpy.typing import ArrayLike, NDArray
from psycopg import sql
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from core.metrics import count_ingested

SMALL_BATCH = 3000
"""Values, or rows of plain columns, up to which parameters are quicker than COPY (measured)."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_US = np.datetime64("2000-01-01", "us")
"""From when the binary format counts times."""
_MICROSECOND = timedelta(microseconds=1)
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_FLOAT8_OID = 701


def insert_rows(
    cursor: Any, table: str, columns: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Insert rows of any columns and count them.

    Args:
        cursor: a Django cursor inside a transaction.
        types: the PostgreSQL type of each column, one of ENCODERS.
        rows: values in the order of `columns`; None is null.

    Raises:
        ValueError: a value cannot be encoded as its type; the message names the column.
        IntegrityError, DataError: the database refuses a row; none is inserted.
    """
    encoders = [ENCODERS[name] for name in types]
    encoded = [_encode_row(columns, encoders, row) for row in rows]
    if not encoded:
        return 0
    if len(encoded) * len(columns) <= SMALL_BATCH:
        _insert_as_parameters(cursor, table, columns, types, encoded)
    else:
        _insert_by_copy(cursor, table, columns, types, _join_rows(encoded))
    count_ingested(table, len(encoded))
    return len(encoded)


def insert_columns(cursor: Any, table: str, columns: Mapping[str, NDArray[Any]]) -> int:
    """Insert rows given as columns of equal length without nulls, and count them.

    Args:
        cursor: a Django cursor inside a transaction.
        columns: int64 for bigint, float64 for double precision, datetime64[us] in UTC for timestamptz; (n,).

    Raises:
        ValueError: the columns differ in length, or a time is NaT.
        IntegrityError, DataError: the database refuses a row; none is inserted.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise ValueError(f"the columns of {table} differ in length: {sorted(lengths)}")
    for name, column in columns.items():
        if column.dtype.kind == "M" and np.isnat(column).any():
            raise ValueError(f"{name}: a time is missing")
    count = lengths.pop()
    if count == 0:
        return 0
    types = [_COLUMN_TYPES[column.dtype.kind] for column in columns.values()]
    if count <= SMALL_BATCH:
        arrays = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(name)) for name in types)
        statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
            sql.Identifier(table), _join_names(columns), arrays
        )
        cursor.execute(statement, [write_array(column) for column in columns.values()])
    else:
        _insert_by_copy(cursor, table, list(columns), types, _pack_columns(list(columns.values())))
    count_ingested(table, count)
    return count


def write_array(values: NDArray[Any]) -> str:
    """A one-dimensional array of numbers or of UTC times as the text of a PostgreSQL array."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return "{" + ",".join(map(str, values.tolist())) + "}"  # JSON has null for these
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC
    return "{" + orjson.dumps(np.ascontiguousarray(values), option=options)[1:-1].decode() + "}"


def _encode_row(columns: Sequence[str], encoders: Sequence[Encoder], row: Sequence[Any]) -> list[bytes | None]:
    try:
        return [None if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, struct.error):
        for column, encode, value in zip(columns, encoders, row, strict=True):
            try:
                encode(value) if value is not None else None
            except (ValueError, TypeError, AttributeError, OverflowError, struct.error) as error:
                raise ValueError(f"{column}: {error}") from error
        raise


def _join_names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _insert_as_parameters(
    cursor: Any, table: str, columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[bytes | None]]
) -> None:
    one = sql.SQL("({})").format(sql.SQL(", ").join(sql.SQL("%s::{}").format(sql.SQL(name)) for name in types))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        sql.Identifier(table), _join_names(columns), sql.SQL(", ").join([one] * len(rows))
    )
    # Django's own cursor writes parameters into the statement as text; these are bytes in PostgreSQL's format.
    with cursor.db.wrap_database_errors, psycopg.Cursor(cursor.connection) as binary:
        binary.adapters.register_dumper(bytes, _EncodedDumper)
        binary.execute(statement, list(chain.from_iterable(rows)))


def _insert_by_copy(cursor: Any, table: str, columns: Sequence[str], types: Sequence[str], body: bytes) -> None:
    staged = sql.Identifier(f"staged_{table}"[:63])
    definitions = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(name))
        for column, name in zip(columns, types, strict=True)
    )
    names = _join_names(columns)
    cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(staged, definitions))
    with (
        cursor.db.wrap_database_errors,
        cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(staged)) as copy,
    ):
        copy.write(body)
    cursor.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(sql.Identifier(table), names, names, staged))
    # The next batch of this transaction makes its own.
    cursor.execute(sql.SQL("DROP TABLE {}").format(staged))


def _join_rows(rows: Iterable[Sequence[bytes | None]]) -> bytes:
    parts = [_HEADER]
    for row in rows:
        parts.append(len(row).to_bytes(2, "big"))
        for value in row:
            if value is None:
                parts.append(_NULL)
            else:
                parts += (len(value).to_bytes(4, "big"), value)
    parts.append(_TRAILER)
    return b"".join(parts)


def _pack_columns(columns: Sequence[NDArray[Any]]) -> bytes:
    fields = chain.from_iterable(
        ((f"size{i}", ">i4"), (f"value{i}", _WIRE[c.dtype.kind])) for i, c in enumerate(columns)
    )
    body = np.empty(len(columns[0]), np.dtype([("fields", ">i2"), *fields]))
    body["fields"] = len(columns)
    for index, column in enumerate(columns):
        body[f"size{index}"] = 8
        body[f"value{index}"] = _count_microseconds(column) if column.dtype.kind == "M" else column
    return _HEADER + body.tobytes() + _TRAILER


def _count_microseconds(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (times.astype("datetime64[us]") - EPOCH_US).astype(np.int64)


class _EncodedDumper(Dumper):
    """Bytes that are in PostgreSQL's binary format already; the statement's cast tells the type."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Any) -> Buffer:
        return obj


def _encode_text(value: str) -> bytes:
    return value.encode()


def _encode_json(value: Any) -> bytes:
    return b"\x01" + json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def _encode_time(value: datetime) -> bytes:
    if value.tzinfo is None:
        raise ValueError("the time has no time zone")
    return struct.pack(">q", (value - _EPOCH) // _MICROSECOND)


def _encode_floats(value: ArrayLike) -> bytes:
    numbers = np.asarray(value, np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"an array of shape {numbers.shape} is not (n,)")
    if numbers.size == 0:
        return struct.pack(">iii", 0, 0, _FLOAT8_OID)
    elements = np.empty(numbers.size, [("size", ">i4"), ("value", ">f8")])
    elements["size"] = 8
    elements["value"] = numbers
    return struct.pack(">iiiii", 1, 0, _FLOAT8_OID, numbers.size, 1) + elements.tobytes()


def _encode_vector(value: ArrayLike) -> bytes:
    numbers = np.asarray(value, np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"a vector of shape {numbers.shape} is not (n,)")
    with np.errstate(over="ignore"):
        return struct.pack(">HH", numbers.size, 0) + numbers.astype(">f4").tobytes()


def _packer(layout: str) -> Encoder:
    return struct.Struct(layout).pack


Encoder = Callable[[Any], bytes]

ENCODERS: Mapping[str, Encoder] = {
    "boolean": _packer(">?"),
    "smallint": _packer(">h"),
    "integer": _packer(">i"),
    "bigint": _packer(">q"),
    "real": _packer(">f"),
    "float8": _packer(">d"),
    "float8[]": _encode_floats,
    "text": _encode_text,
    "bytea": lambda value: bytes(memoryview(value)),
    "jsonb": _encode_json,
    "timestamptz": _encode_time,
    "uuid": lambda value: uuid.UUID(str(value)).bytes,
    "vector": _encode_vector,
}
"""By PostgreSQL type, how a value becomes its binary format; varchar columns take text."""

_COLUMN_TYPES = {"i": "bigint", "f": "float8", "M": "timestamptz"}
_WIRE = {"i": ">i8", "f": ">f8", "M": ">i8"}
"""By kind of numpy dtype: the type of a column, and its eight bytes in the binary format."""
