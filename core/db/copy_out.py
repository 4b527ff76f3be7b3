"""Many rows of numbers and times at once: read as PostgreSQL's binary format, straight into columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.db.copy import EPOCH_US

Columns = dict[str, NDArray[Any]]

_KINDS = {"int8": ">i8", "float8": ">f8", "timestamptz": ">i8"}
_NATIVE = {"int8": "i8", "float8": "f8"}
_HEADER_BYTES = 19
_TRAILER_BYTES = 2


def read_columns(cursor: Any, statement: str, parameters: Mapping[str, Any], kinds: Mapping[str, str]) -> Columns:
    """What a query answers, by column; a tenth of the time that rows of Python values take.

    Args:
        cursor: a Django cursor inside a transaction.
        kinds: by name, in the order of the query, int8, float8 or timestamptz.

    Returns:
        Arrays (n,) of int64, float64 or datetime64[us] in UTC.

    Raises:
        ValueError: a value is null, or not of its kind.
    """
    with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT binary)", parameters) as copy:
        body = b"".join(copy)
    layout = [("fields", ">i2")]
    for name, kind in kinds.items():
        layout += [(f"{name}.length", ">i4"), (name, _KINDS[kind])]
    row = np.dtype(layout)
    rows, rest = divmod(len(body) - _HEADER_BYTES - _TRAILER_BYTES, row.itemsize)
    table = np.frombuffer(body, row, count=rows, offset=_HEADER_BYTES)
    if rest or any((table[f"{name}.length"] != 8).any() for name in kinds) or (table["fields"] != len(kinds)).any():
        raise ValueError(f"a value of the query is null, or not one of {', '.join(kinds.values())}")
    return {name: _convert(table[name], kind) for name, kind in kinds.items()}


def _convert(column: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "timestamptz":
        return column.astype("i8").view("timedelta64[us]") + EPOCH_US
    return column.astype(_NATIVE[kind])
