"""The audit chain as the database has it, read for the verifier and for exports; needs no Django."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import psycopg
from psycopg import sql

from core.audit_verifier import Entry, Lane, Link, Mark, Report

CHUNK = 20_000
"""Links read at once."""
_EPOCH_US = 946_684_800_000_000
_HEADER = 19
_FIXED = Struct(">hiqiqiqi32si32si32s")
_LENGTH = Struct(">i")
_SELECT = """
    COPY (
        SELECT l.sequence, l.entry_id, l.entry_ts, l.entry_sha256, l.previous_sha256, l.link_sha256,
               {columns}
        FROM nfcs_core.audit_links l {join}
        WHERE l.lane = {lane} AND l.sequence BETWEEN {first} AND {last}
        ORDER BY l.sequence
    ) TO STDOUT (FORMAT binary)
"""
_COLUMNS = sql.SQL(
    "coalesce(e.actor_id::text, CASE WHEN e.id IS NOT NULL THEN '-' END), e.database_role, e.action, e.table_name,"
    " e.row_key, e.payload, e.payload_sha256"
)
_JOIN = sql.SQL("LEFT JOIN nfcs_core.golden_dag_audit e ON e.id = l.entry_id AND e.ts = l.entry_ts")


@dataclass(frozen=True)
class LaneTask:
    """A stretch of one lane to verify.

    Attributes:
        after, head: the link before the stretch.
        upto: its last link.
        end: sequence and digest that the head of the lane has, where the stretch goes to its end.
    """

    lane: int
    after: int
    head: bytes
    upto: int
    end: tuple[int, bytes] | None
    marks: tuple[Mark, ...]
    retained: tuple[tuple[int, int], ...]


@dataclass
class LaneReader:
    """Reads the links of one lane with their entries, around what cannot be read.

    Attributes:
        unreadable: what the database said, by entry id.
    """

    connection: psycopg.Connection[Any]
    lane: int
    unreadable: dict[int, str] = field(default_factory=dict)

    def read(self, first: int, last: int) -> Iterator[Link]:
        """The links of a stretch in order; an entry that is gone or cannot be read is None."""
        for start in range(first, last + 1, CHUNK):
            yield from self._read_chunk(start, min(start + CHUNK - 1, last))

    def _read_chunk(self, first: int, last: int) -> Iterator[Link]:
        try:
            yield from self._copy(first, last, _COLUMNS, _JOIN)
        except psycopg.DatabaseError as error:
            if self.connection.closed:
                raise
            if first < last:
                middle = (first + last) // 2
                yield from self._read_chunk(first, middle)
                yield from self._read_chunk(middle + 1, last)
                return
            nothing = sql.SQL("NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::bytea, NULL::bytea")
            for link in self._copy(first, last, nothing, sql.SQL("")):
                self.unreadable[link.entry_id] = str(error).split("\n")[0]
                yield link

    def _copy(self, first: int, last: int, columns: sql.Composable, join: sql.Composable) -> list[Link]:
        statement = sql.SQL(_SELECT).format(
            columns=columns,
            join=join,
            lane=sql.Literal(self.lane),
            first=sql.Literal(first),
            last=sql.Literal(last),
        )
        links = []
        with self.connection.transaction(), self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            offset = _HEADER
            for row in copy:
                if len(row) - offset > 2:
                    links.append(_parse(row, offset))
                offset = 0
        return links


def _parse(row: Any, offset: int) -> Link:
    row = bytes(row)
    try:
        (_, _, sequence, _, entry_id, _, ts, one, entry_sha256, two, previous, three, link_sha256) = _FIXED.unpack_from(
            row, offset
        )
    except ValueError:
        one = two = three = 0
    if not one == two == three == 32:
        return _parse_odd(row, offset)
    at = offset + _FIXED.size
    values: list[bytes | None] = []
    for _ in range(7):
        (length,) = _LENGTH.unpack_from(row, at)
        at += 4
        if length < 0:
            values.append(None)
        else:
            values.append(row[at : at + length])
            at += length
    entry = None if values[0] is None else Entry(*values)  # type: ignore[arg-type]
    return Link(sequence, entry_id, ts + _EPOCH_US, entry_sha256, previous, link_sha256, entry)


def _parse_odd(row: bytes, offset: int) -> Link:
    """A row whose digests are no digests; only a superuser can write one."""
    at = offset + 2
    values: list[bytes | None] = []
    for _ in range(13):
        (length,) = _LENGTH.unpack_from(row, at)
        at += 4
        values.append(None if length < 0 else row[at : at + length])
        at += max(length, 0)
    numbers = [int.from_bytes(value or b"", "big", signed=True) for value in values[:3]]
    entry = None if values[6] is None else Entry(*values[6:])  # type: ignore[arg-type]
    return Link(
        numbers[0], numbers[1], numbers[2] + _EPOCH_US, values[3] or b"", values[4] or b"", values[5] or b"", entry
    )


def verify_lane(connection: psycopg.Connection[Any], task: LaneTask) -> Report:
    """Verify a stretch of a lane."""
    report = Report()
    reader = LaneReader(connection, task.lane)
    walker = Lane(
        task.lane,
        report,
        sequence=task.after,
        head=task.head,
        marks=task.marks,
        retained=task.retained,
        unreadable=reader.unreadable,
    )
    walker.walk(reader.read(task.after + 1, task.upto))
    sequence, head = task.end or (None, None)
    walker.finish(sequence=sequence, head=head)
    return report


def verify_lanes_in_process(conninfo: dict[str, Any], snapshot: str, tasks: Sequence[LaneTask]) -> list[Report]:
    """Verify lanes over a connection of this process's own, in the snapshot of another."""
    with open_snapshot(conninfo, snapshot) as connection:
        return [verify_lane(connection, task) for task in tasks]


@contextmanager
def open_snapshot(conninfo: dict[str, Any], snapshot: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection in one read-only transaction that acts for the system, in a snapshot of its own or of another."""
    with psycopg.connect(**conninfo) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        connection.execute("SELECT set_config('nfcs.user_id', '0', true)")
        yield connection
