"""A body in chunks of bounded size: rows of one kind with the errors of those that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import ParseError

from core.api.bodies import Body, BodyTooLarge
from core.exceptions import FieldError

CHUNK_BYTES = 4 << 20
"""Bytes of lines decoded at a time."""
MAX_ROWS = 100_000
"""Rows of the largest JSON document, and of the largest Arrow record batch."""
JSON = "application/json"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True, eq=False)
class Chunk:
    """Part of a body.

    Attributes:
        rows: what could be read: `SampleColumns`, or a list of (index, row).
        errors: what is wrong with the others, as `{index}.{field}`.
        count: rows of the body that the chunk stands for.
    """

    rows: Any
    errors: list[FieldError] = field(default_factory=list)
    count: int = 0


Reader = Callable[[bytes, bool, int], Chunk]
"""From JSON (or with True NDJSON) and the index of its first row to its rows."""


def read_documents(body: Body, read: Reader) -> Iterator[Chunk]:
    """The one chunk of a JSON document.

    Raises:
        ParseError: it is not JSON.
        BodyTooLarge: it holds more than MAX_ROWS rows.
    """
    chunk = read(body.read_all(), False, 0)
    if chunk.count > MAX_ROWS:
        raise BodyTooLarge.beyond(MAX_ROWS, f"rows; more go as {NDJSON} or {ARROW}")
    yield chunk


def read_lines(body: Body, read: Reader) -> Iterator[Chunk]:
    """The chunks of NDJSON, each of whole lines.

    Raises:
        ParseError: it is not JSON, or a line is longer than a chunk may grow.
    """
    first = 0
    for lines in _split_lines(body):
        chunk = read(lines, True, first)
        first += chunk.count
        if chunk.count:
            yield chunk


def limit_rows(chunks: Iterable[Chunk], limit: int) -> Iterator[Chunk]:
    """The chunks, as long as they stay within `limit` rows.

    Raises:
        ParseError: there is no row.
        BodyTooLarge: there are more.
    """
    count = 0
    for chunk in chunks:
        count += chunk.count
        if count > limit:
            raise BodyTooLarge.beyond(limit, "rows")
        yield chunk
    if count == 0:
        raise ParseError("A batch holds at least one row.")


def drop_rows(rows: list[tuple[int, Any]], indices: Collection[int]) -> list[tuple[int, Any]]:
    """The rows but those at these positions of the body."""
    dropped = set(indices)
    return [(index, row) for index, row in rows if index not in dropped]


def _split_lines(body: Body) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for piece in body:
        parts.append(piece)
        size += len(piece)
        if size < CHUNK_BYTES or b"\n" not in piece:
            continue
        lines, _, rest = b"".join(parts).rpartition(b"\n")
        yield lines
        parts, size = [rest], len(rest)
    if size:
        yield b"".join(parts)
