"""The audit chain as the database has it, read for the verifier and for exports; needs no Django."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from core.audit_verifier import Entry, Lane, Link, Mark, Report

CHUNK = 20_000
"""Links read at once."""
_EPOCH_US = 946_684_800_000_000
_SELECT = """
    SELECT l.sequence, l.entry_id, timestamptz_send(l.entry_ts), l.entry_sha256, l.previous_sha256, l.link_sha256,
           {columns}
    FROM nfcs_core.audit_links l {join}
    WHERE l.lane = {lane} AND l.sequence BETWEEN {first} AND {last}
    ORDER BY l.sequence
"""
_COLUMNS = sql.SQL(
    "convert_to(coalesce(e.actor_id::text, CASE WHEN e.id IS NOT NULL THEN '-' END), 'UTF8'),"
    " convert_to(e.database_role, 'UTF8'), convert_to(e.action, 'UTF8'), convert_to(e.table_name, 'UTF8'),"
    " convert_to(e.row_key, 'UTF8'), e.payload, e.payload_sha256"
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
            yield from self._fetch(first, last, _COLUMNS, _JOIN)
        except psycopg.DatabaseError as error:
            if self.connection.closed:
                raise
            if first < last:
                middle = (first + last) // 2
                yield from self._read_chunk(first, middle)
                yield from self._read_chunk(middle + 1, last)
                return
            nothing = sql.SQL(", ".join(["NULL::bytea"] * 7))
            for link in self._fetch(first, last, nothing, sql.SQL("")):
                self.unreadable[link.entry_id] = str(error).split("\n")[0]
                yield link

    def _fetch(self, first: int, last: int, columns: sql.Composable, join: sql.Composable) -> list[Link]:
        statement = sql.SQL(_SELECT).format(
            columns=columns,
            join=join,
            lane=sql.Literal(self.lane),
            first=sql.Literal(first),
            last=sql.Literal(last),
        )
        # The binary protocol hands over octets as they are.
        with self.connection.transaction():
            rows = self.connection.execute(statement, binary=True).fetchall()
        read = int.from_bytes
        return [
            Link(
                row[0],
                row[1],
                read(row[2], "big", signed=True) + _EPOCH_US,
                row[3],
                row[4],
                row[5],
                None if row[6] is None else Entry._make(row[6:]),
            )
            for row in rows
        ]


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
