"""Arrow IPC streams: a record batch is a chunk of rows, its columns are the fields of the rows.

Needs pyarrow, the extra `arrow`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from core.api.bodies import Body, BodyTooLarge
from core.exceptions import FieldError
from nfcs.ingest.chunks import ARROW, MAX_ROWS, Chunk

try:
    import pyarrow as pa
except ImportError:
    pa = None

MAX_MESSAGE = 64 << 20
"""Bytes of the largest message of a stream: of a record batch, or of a dictionary."""
_CONTINUATION = b"\xff\xff\xff\xff"


@dataclass(frozen=True)
class Column:
    """A column that rows of a kind may have.

    Attributes:
        type: what it is cast to, in the words of `pyarrow`.
        required: whether it must be there, without nulls.
    """

    type: Callable[[], Any]
    required: bool = False


def read_arrow(
    body: Body, columns: dict[str, Column], read: Callable[[dict[str, Any], int, int], Chunk]
) -> Iterator[Chunk]:
    """The chunks of a stream.

    Args:
        read: from columns by name (absent ones left out), the index of the first row, and the number of rows.

    Raises:
        UnsupportedMediaType: this installation reads no Arrow, or the stream compresses its buffers.
        ParseError: it is no Arrow stream, or a column is unknown, missing or of another type.
        BodyTooLarge: a message is.
    """
    if pa is None:
        raise UnsupportedMediaType(ARROW, detail=f"{ARROW} needs the extra `arrow`, which is not installed here.")
    try:
        with pa.ipc.open_stream(_Messages(body)) as stream:
            yield from read_batches(stream, columns, read)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"The body is no Arrow stream: {str(error)[:200]}") from error


def read_batches(
    batches: Iterable[Any], columns: dict[str, Column], read: Callable[[dict[str, Any], int, int], Chunk]
) -> Iterator[Chunk]:
    """The chunks of record batches, as `read_arrow` reads them from a stream.

    Raises:
        ParseError: a column is unknown, missing or of another type.
        BodyTooLarge: a batch is.
        pyarrow.ArrowException: a batch is damaged.
    """
    first = 0
    for batch in batches:
        _check_names(batch.schema, columns)
        if batch.num_rows > MAX_ROWS:
            raise BodyTooLarge.beyond(MAX_ROWS, "rows in a record batch")
        batch.validate(full=True)
        yield read(dict(_cast(batch, columns)), first, batch.num_rows)
        first += batch.num_rows


def _check_names(schema: Any, columns: dict[str, Column]) -> None:
    if len(set(schema.names)) < len(schema.names):
        raise ParseError("A column stands twice.")
    if unknown := sorted(set(schema.names) - columns.keys()):
        raise ParseError(f"There is no column {unknown[0][:100]!r}. Known: {', '.join(columns)}.")
    if missing := [name for name, column in columns.items() if column.required and name not in schema.names]:
        raise ParseError(f"The column {missing[0]!r} is missing.")


def _cast(batch: Any, columns: dict[str, Column]) -> Iterator[tuple[str, Any]]:
    for name in batch.schema.names:
        column, array = columns[name], batch.column(name)
        wanted = column.type()
        if pa.types.is_timestamp(wanted) and not getattr(array.type, "tz", None):
            raise ParseError(f"{name}: a timestamp with a time zone is needed, not {array.type}.")
        try:
            if pa.types.is_dictionary(array.type) and not pa.types.is_dictionary(wanted):
                array = array.dictionary_decode()
            if pa.types.is_dictionary(wanted) and not pa.types.is_dictionary(array.type):
                array = array.cast(pa.string()).dictionary_encode()
            yield name, array if array.type == wanted else array.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ParseError(f"{name}: {wanted} is needed, not {array.type}: {str(error)[:100]}") from error


def find_nulls(columns: dict[str, Any], required: dict[str, Column], first: int) -> tuple[NDArray[np.bool_], Any]:
    """Which rows have all they need, bool (n,), and the errors of the others."""
    errors: list[FieldError] = []
    good: NDArray[np.bool_] | None = None
    for name, array in columns.items():
        if not required[name].required:
            continue
        good = np.ones(len(array), bool) if good is None else good
        if array.null_count:
            missing = array.is_null().to_numpy(zero_copy_only=False)
            good &= ~missing
            errors += [
                FieldError(f"{first + at}.{name}", "The value is missing.", "required")
                for at in np.flatnonzero(missing).tolist()
            ]
    return np.ones(0, bool) if good is None else good, errors


class _Messages:
    """The stream as a file, message by message; what would not fit into memory never reaches pyarrow."""

    closed = False

    def __init__(self, body: Body) -> None:
        self._body = body
        self._buffer = b""

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end."""
        while len(self._buffer) < size:
            message = self._read_message()
            if not message:
                break
            self._buffer += message
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def close(self) -> None:
        """Nothing to close: the body belongs to the request."""
        self.closed = True

    def _read_message(self) -> bytes:
        head = self._body.read_exactly(8)
        if not head:
            return b""
        if len(head) < 8 or head[:4] != _CONTINUATION:
            raise ParseError("The body is no Arrow stream: a message begins with other bytes.")
        (length,) = struct.unpack_from("<i", head, 4)
        if length == 0:
            return head
        if not 0 < length <= MAX_MESSAGE:
            raise BodyTooLarge.beyond(MAX_MESSAGE, "bytes in a message")
        metadata = self._body.read_exactly(length)
        if len(metadata) < length:
            raise ParseError("The Arrow stream ended before its end.")
        try:
            size, is_compressed = _inspect(metadata)
        except (struct.error, IndexError) as error:
            raise ParseError("The body is no Arrow stream: a message has no header.") from error
        if is_compressed:
            raise UnsupportedMediaType(ARROW, detail="Buffers are not compressed one by one: send Content-Encoding.")
        if not 0 <= size <= MAX_MESSAGE:
            raise BodyTooLarge.beyond(MAX_MESSAGE, "bytes in a message")
        content = self._body.read_exactly(size)
        if len(content) < size:
            raise ParseError("The Arrow stream ended before its end.")
        return head + metadata + content


def _inspect(metadata: bytes) -> tuple[int, bool]:
    """Of a message's flatbuffer: the length of its body, and whether the buffers in it are compressed."""
    message = struct.unpack_from("<I", metadata, 0)[0]
    kind_at, header_at, length_at = (_field(metadata, message, number) for number in (1, 2, 3))
    length = struct.unpack_from("<q", metadata, length_at)[0] if length_at else 0
    kind = metadata[kind_at] if kind_at else 0
    if kind not in (2, 3) or not header_at:
        return length, False
    batch = header_at + struct.unpack_from("<I", metadata, header_at)[0]
    if kind == 2:  # a dictionary holds a record batch
        data_at = _field(metadata, batch, 1)
        if not data_at:
            return length, False
        batch = data_at + struct.unpack_from("<I", metadata, data_at)[0]
    return length, bool(_field(metadata, batch, 3))


def _field(buffer: bytes, table: int, number: int) -> int:
    """Where field `number` of a flatbuffer's table stands; 0 where it is absent."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    if vtable < 0:
        raise IndexError(vtable)
    (size,) = struct.unpack_from("<H", buffer, vtable)
    at = 4 + 2 * number
    offset = struct.unpack_from("<H", buffer, vtable + at)[0] if at < size else 0
    return table + offset if offset else 0
