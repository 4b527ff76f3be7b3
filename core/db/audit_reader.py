"""The audit chain as the database has it, read for the verifier and for exports; needs no Django.

Verification screens first: one statement a chunk, in which PostgreSQL computes every hash from the stored bytes and
says whether anything differs. Only a chunk where something does is read and walked link by link.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_SETTINGS = {
    "nfcs.user_id": "0",
    # Nobody's functions stand before PostgreSQL's own.
    "search_path": "pg_catalog",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "32MB",
}
# The bytes are those of hash_entry and hash_link; none of the chain's own functions is asked. The lateral join looks
# every entry up by its key, at the same cost however long the chain is; OFFSET keeps the planner from reading whole
# partitions instead.
_SCREEN = r"""
    SELECT count(*), count(e_id), count(*) FILTER (WHERE e_id IS NULL), count(*) FILTER (WHERE good IS NOT TRUE)
    FROM (
        SELECT e.id AS e_id,
               l.sequence = l.sequence_before + 1 AND l.previous_sha256 = l.link_before
               AND l.link_sha256 = sha256(convert_to(
                   'nfcs-audit-link-1' || n || l.lane || n || l.sequence || n || l.entry_id || n || us || n, 'UTF8')
                   || l.entry_sha256 || l.previous_sha256)
               AND CASE WHEN e.id IS NULL
                   THEN EXISTS (SELECT FROM unnest({starts}::bigint[], {ends}::bigint[]) span (start_us, end_us)
                                WHERE us >= start_us AND us < end_us)
                   ELSE e.payload_sha256 = sha256(e.payload)
                        AND l.entry_sha256 = sha256(convert_to(
                            'nfcs-audit-entry-1' || n || e.id || n || us || n || coalesce(e.actor_id::text, '-') || n
                            || octet_length(e.database_role) || ':' || e.database_role || n
                            || octet_length(e.action) || ':' || e.action || n
                            || octet_length(e.table_name) || ':' || e.table_name || n
                            || octet_length(e.row_key) || ':' || e.row_key || n, 'UTF8') || e.payload_sha256)
                   END AS good
        FROM (
            SELECT l.*, (extract(epoch FROM l.entry_ts) * 1000000)::bigint AS us, E'\n' AS n,
                   lag(l.sequence, 1, {after}::bigint) OVER place AS sequence_before,
                   lag(l.link_sha256, 1, {head}::bytea) OVER place AS link_before
            FROM nfcs_core.audit_links l
            WHERE l.lane = {lane} AND l.sequence BETWEEN {first} AND {last}
            WINDOW place AS (ORDER BY l.sequence)) l
        LEFT JOIN LATERAL (
            SELECT a.* FROM nfcs_core.golden_dag_audit a
            WHERE a.id = l.entry_id AND a.ts = l.entry_ts AND a.ts BETWEEN {oldest} AND {newest} OFFSET 0) e ON true
    ) screened
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
        first_unmarked: sequence and entry of the first link after the last checkpoint, where it is before the stretch.
    """

    lane: int
    after: int
    head: bytes
    upto: int
    end: tuple[int, bytes] | None
    marks: tuple[Mark, ...]
    retained: tuple[tuple[int, int], ...]
    first_unmarked: tuple[int, int] | None = None


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
    walker.first_unmarked = task.first_unmarked
    for first in range(task.after + 1, task.upto + 1, CHUNK):
        last = min(first + CHUNK - 1, task.upto)
        if not screen(connection, walker, first, last):
            walker.walk(reader.read(first, last))
    sequence, head = task.end or (None, None)
    walker.finish(sequence=sequence, head=head)
    return report


def screen(connection: psycopg.Connection[Any], walker: Lane, first: int, last: int) -> bool:
    """Take a walker past links in which PostgreSQL finds nothing wrong; False, and nothing done, where it does."""
    passed = [mark for mark in walker.marks if mark.sequence <= last]
    places = {last, *(mark.sequence for mark in passed), *(mark.sequence + 1 for mark in passed)}
    try:
        with connection.transaction():
            found = connection.execute(
                "SELECT min(entry_ts), max(entry_ts) FROM nfcs_core.audit_links"
                " WHERE lane = %s AND sequence BETWEEN %s AND %s",
                [walker.lane, first, last],
            ).fetchone()
            oldest, newest = found or (None, None)
            statement = sql.SQL(_SCREEN).format(
                starts=sql.Literal([start for start, _ in walker.retained]),
                ends=sql.Literal([end for _, end in walker.retained]),
                after=sql.Literal(walker.sequence),
                head=sql.Literal(walker.head),
                lane=sql.Literal(walker.lane),
                first=sql.Literal(first),
                last=sql.Literal(last),
                oldest=sql.Literal(oldest),
                newest=sql.Literal(newest),
            )
            links, entries, retained, bad = connection.execute(statement).fetchone() or (0, 0, 0, 1)
            heads = {
                sequence: (entry_id, bytes(digest))
                for sequence, entry_id, digest in connection.execute(
                    "SELECT sequence, entry_id, link_sha256 FROM nfcs_core.audit_links"
                    " WHERE lane = %s AND sequence = ANY(%s)",
                    [walker.lane, [first, *places]],
                )
            }
    except psycopg.DatabaseError:
        if connection.closed:
            raise
        return False
    if bad or links != last - first + 1 or any(heads[mark.sequence][1] != mark.head for mark in passed):
        return False
    unmarked = passed[-1].sequence + 1 if passed else first
    if passed or walker.first_unmarked is None:
        walker.first_unmarked = (unmarked, heads[unmarked][0]) if unmarked <= last else None
    del walker.marks[: len(passed)]
    walker.sequence, walker.head = last, heads[last][1]
    walker.report.links += links
    walker.report.entries += entries
    walker.report.retained += retained
    return True


@contextmanager
def open_snapshot(conninfo: dict[str, Any], snapshot: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection in one read-only transaction that acts for the system, in a snapshot of its own or of another."""
    with psycopg.connect(**conninfo) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        for name, value in _SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield connection
