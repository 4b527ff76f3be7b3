"""Columns between PostgreSQL's binary format and Arrow, without loss: NaN, -0.0 and microseconds included."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.archive.extra import import_pyarrow
from core.exceptions import Conflict

if TYPE_CHECKING:
    import pyarrow as pa

Wire = bytes | None
"""A value as COPY BINARY has it; None is null."""

EPOCH_OFFSET_US = 946_684_800_000_000
"""Microseconds from 1970, which Arrow counts from, to 2000, which PostgreSQL counts from."""
_INFINITE = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)
_HASH_BITS = 256

FIXED = {
    "bool": ("u1", "bool_"),
    "int2": ("i2", "int16"),
    "int4": ("i4", "int32"),
    "int8": ("i8", "int64"),
    "float4": ("f4", "float32"),
    "float8": ("f8", "float64"),
    "timestamptz": ("i8", "timestamp"),
}
"""By type: numpy's, without byte order, and Arrow's."""
TEXTS = ("text", "varchar", "bpchar", "name")
LISTS = {"_float8": "f8", "_timestamptz": "i8", "vector": "f4"}
"""By array type numpy's type of an element; one dimension that begins at 1, without nulls: what the tables ask for."""
_ELEMENT_OIDS = {"_float8": 701, "_timestamptz": 1184}


@dataclass(frozen=True)
class Column:
    """A stored column.

    Attributes:
        type: the name of the type, such as `float8`. One that has no counterpart in Arrow goes as PostgreSQL sends it.
        declared: the type as declared, such as `vector(768)`.
    """

    name: str
    type: str
    declared: str

    def arrow_type(self) -> Any:
        """The Arrow type."""
        pa = import_pyarrow()
        if self.type == "timestamptz":
            return pa.timestamp("us", tz="UTC")
        if self.type in FIXED:
            return getattr(pa, FIXED[self.type][1])()
        if self.type in LISTS:
            elements = {"f8": pa.float64(), "f4": pa.float32(), "i8": pa.timestamp("us", tz="UTC")}
            return pa.list_(elements[LISTS[self.type]])
        return pa.string() if self.type in (*TEXTS, "jsonb", "json") else pa.binary()


class RowHash:
    """A hash of rows, whatever their order: the sum of the SHA-256 of each, modulo 2^256, and their number."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: bytes) -> None:
        """Take in one row in PostgreSQL's binary format."""
        self.rows += 1
        self._sum += int.from_bytes(hashlib.sha256(row).digest(), "big")

    def hexdigest(self) -> str:
        """The hash, 64 hex digits."""
        return f"{self._sum % (1 << _HASH_BITS):064x}"


def split_row(row: bytes) -> list[Wire]:
    """The values of a row of COPY BINARY."""
    values: list[Wire] = []
    at = 2
    for _ in range(int.from_bytes(row[:2], "big")):
        size = int.from_bytes(row[at : at + 4], "big", signed=True)
        at += 4
        values.append(None if size < 0 else row[at : at + size])
        at += max(size, 0)
    return values


def join_rows(columns: Sequence[Sequence[Wire]]) -> Iterable[bytes]:
    """Rows of COPY BINARY from the values of each column."""
    count = len(columns).to_bytes(2, "big")
    for values in zip(*columns, strict=True):
        parts = [count]
        for value in values:
            if value is None:
                parts.append(b"\xff\xff\xff\xff")
            else:
                parts += (len(value).to_bytes(4, "big"), value)
        yield b"".join(parts)


def to_arrow(column: Column, values: Sequence[Wire]) -> pa.Array:
    """The values of a column as an Arrow array.

    Raises:
        Conflict: an array has more than one dimension, another lower bound than 1, or nulls.
    """
    pa = import_pyarrow()
    if column.type in FIXED:
        return _fixed_to_arrow(column, values)
    if column.type in LISTS:
        return _lists_to_arrow(column, values)
    if column.type == "jsonb":
        return pa.array([value and value[1:] for value in values], pa.binary()).cast(pa.string())
    return pa.array(values, pa.binary()).cast(column.arrow_type())


def to_wire(column: Column, array: pa.Array) -> list[Wire]:
    """The values of an Arrow array that `to_arrow` made, as PostgreSQL sends and takes them."""
    pa = import_pyarrow()
    if column.type in FIXED:
        return _fixed_to_wire(column, array)
    if column.type in LISTS:
        return _lists_to_wire(column, array)
    values: list[Wire] = array.cast(pa.binary()).to_pylist()
    return [None if value is None else b"\x01" + value for value in values] if column.type == "jsonb" else values


def _fixed_to_arrow(column: Column, values: Sequence[Wire]) -> pa.Array:
    pa = import_pyarrow()
    kind = FIXED[column.type][0]
    width = int(kind[1])
    nothing = bytes(width)
    numbers = np.frombuffer(b"".join(nothing if value is None else value for value in values), f">{kind}")
    numbers = numbers.astype(f"<{kind}")
    if column.type == "timestamptz":
        numbers = _shift(numbers, EPOCH_OFFSET_US)
    present = np.array([value is not None for value in values], bool)
    valid = None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little").tobytes())
    data = np.packbits(numbers, bitorder="little").tobytes() if column.type == "bool" else numbers.tobytes()
    return pa.Array.from_buffers(column.arrow_type(), len(values), [valid, pa.py_buffer(data)])


def _fixed_to_wire(column: Column, array: pa.Array) -> list[Wire]:
    kind = FIXED[column.type][0]
    width = int(kind[1])
    buffer = array.buffers()[1]
    if column.type == "bool":
        bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
        numbers = bits[array.offset : array.offset + len(array)]
    else:
        numbers = np.frombuffer(buffer, f"<{kind}", count=array.offset + len(array))[array.offset :]
    if column.type == "timestamptz":
        numbers = _shift(numbers, -EPOCH_OFFSET_US)
    data = numbers.astype(f">{kind}").tobytes()
    cut: list[Wire] = [data[at : at + width] for at in range(0, len(data), width)]
    if array.null_count:
        present = array.is_valid().to_numpy(zero_copy_only=False)
        return [value if there else None for value, there in zip(cut, present, strict=True)]
    return cut


def _shift(microseconds: np.ndarray[Any, Any], offset: int) -> np.ndarray[Any, Any]:
    """Other microseconds, from another epoch; infinity stays what it is."""
    infinite = np.isin(microseconds, _INFINITE)
    with np.errstate(over="ignore"):
        return np.where(infinite, microseconds, microseconds + np.int64(offset))


def _lists_to_arrow(column: Column, values: Sequence[Wire]) -> pa.Array:
    pa = import_pyarrow()
    read = _read_vector if column.type == "vector" else _read_array
    kind = LISTS[column.type]
    parts = [None if value is None else read(column, value) for value in values]
    sizes = [0 if part is None else len(part) for part in parts]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    numbers = np.concatenate([np.empty(0, f"<{kind}"), *(part for part in parts if part is not None)])
    if column.type == "_timestamptz":
        numbers = _shift(numbers, EPOCH_OFFSET_US)
    elements = pa.Array.from_buffers(
        column.arrow_type().value_type, len(numbers), [None, pa.py_buffer(numbers.astype(f"<{kind}").tobytes())]
    )
    absent = np.array([part is None for part in parts], bool)
    return pa.ListArray.from_arrays(
        pa.array(offsets), elements, type=column.arrow_type(), mask=pa.array(absent) if absent.any() else None
    )


def _lists_to_wire(column: Column, array: pa.Array) -> list[Wire]:
    elements = array.values
    numbers = np.frombuffer(elements.buffers()[1] or b"", f"<{LISTS[column.type]}")[elements.offset :]
    if column.type == "_timestamptz":
        numbers = _shift(numbers, -EPOCH_OFFSET_US)
    offsets = array.offsets.to_numpy()
    present = array.is_valid().to_numpy(zero_copy_only=False)
    write = _write_vector if column.type == "vector" else _write_array
    return [
        write(column, numbers[offsets[at] : offsets[at + 1]]) if there else None for at, there in enumerate(present)
    ]


def _read_array(column: Column, value: bytes) -> np.ndarray[Any, Any]:
    kind = f">{LISTS[column.type]}"
    dimensions, has_nulls = struct.unpack_from(">ii", value)
    if dimensions == 0:
        return np.empty(0, kind)
    if dimensions != 1 or has_nulls or int.from_bytes(value[16:20], "big", signed=True) != 1:
        raise Conflict(f"{column.name} holds an array that is not a plain list of numbers; it cannot be archived.")
    return np.frombuffer(value, [("size", ">i4"), ("value", kind)], offset=20)["value"]


def _write_array(column: Column, numbers: np.ndarray[Any, Any]) -> bytes:
    oid = _ELEMENT_OIDS[column.type]
    if not len(numbers):
        return struct.pack(">iii", 0, 0, oid)
    elements = np.empty(len(numbers), [("size", ">i4"), ("value", f">{LISTS[column.type]}")])
    elements["size"] = 8
    elements["value"] = numbers
    return struct.pack(">iiiii", 1, 0, oid, len(numbers), 1) + elements.tobytes()


def _read_vector(column: Column, value: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(value, ">f4", offset=4)


def _write_vector(column: Column, numbers: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(">HH", len(numbers), 0) + numbers.astype(">f4").tobytes()
