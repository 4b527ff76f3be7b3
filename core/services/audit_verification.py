"""Verification of the audit chain as it stands in the database."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any

import psycopg
from django.db import connections

from core.audit_selectors import VERIFIED_ROW, VERIFIED_TABLE, get_last_verification
from core.audit_verifier import (
    LANES,
    ZERO,
    Checkpoint,
    Finding,
    Mark,
    Report,
    find_dropped,
    list_retained,
    read_checkpoint,
    verify_checkpoints,
)
from core.db.audit_reader import LaneTask, open_snapshot, verify_lane
from core.db.identity import SYSTEM, acting_as
from core.services.audit import record_event
from core.services.audit_checkpoints import list_closed_partitions
from core.signing_key import list_trusted_keys

logger = logging.getLogger(__name__)

STRETCH = 100_000
"""Links after which progress is told and another connection may go on."""
MAX_UNLINKED = 1000
Work = Callable[[psycopg.Connection[Any]], Report]
"""A part of a verification, over any connection in the snapshot."""


@dataclass(frozen=True)
class Span:
    """What is verified: from the heads of one checkpoint to those of another.

    Attributes:
        after: number of the checkpoint it begins after; 0 for the beginning.
        upto: number of the checkpoint it ends with; None for the end of every lane.
    """

    after: int = 0
    upto: int | None = None


def connection_info(alias: str = "default") -> dict[str, Any]:
    """How to open a connection of one's own to the database of an alias, without Django's cursors."""
    wrapper = connections[alias]
    parameters: dict[str, Any] = wrapper.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name not in ("cursor_factory", "context", "server_side_binding") and value is not None
    }


def find_span(checkpoints: Sequence[Checkpoint], *, start: datetime | None, end: datetime | None) -> Span:
    """The span between checkpoints that covers a span of time."""
    made = [(checkpoint.number, datetime.fromisoformat(checkpoint.content["made_at"])) for checkpoint in checkpoints]
    after = max((number for number, at in made if start and at <= start), default=0)
    upto = min((number for number, at in made if end and at >= end), default=None)
    return Span(after, upto)


def verify_chain(
    *,
    alias: str = "default",
    start: datetime | None = None,
    end: datetime | None = None,
    after: int | None = None,
    processes: int = 1,
    trusted_keys: Sequence[bytes] | None = None,
    earlier: Sequence[Checkpoint] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Verify entries, links, lanes and checkpoints in one snapshot of the database.

    Args:
        start, end: verify only what lies between the checkpoints around them.
        after: verify only what came after this checkpoint; 0 for all. Overrides `start` and `end`.
        trusted_keys: keys that may have signed; the installation's own by default, () for whichever stand there.
        earlier: checkpoints kept elsewhere.
        processes: connections over which it is done at once, each with a server process of its own.
        progress: called with links done and links in all.
    """
    report = Report()
    info = connection_info(alias)
    with open_snapshot(info) as connection:
        checkpoints = _read_checkpoints(connection, report)
        span = Span(after) if after is not None else find_span(checkpoints, start=start, end=end)
        tasks = _list_tasks(connection, checkpoints, span)
        total = sum(task.upto - task.after for task in tasks)
        # The longest first; each connection takes the next one when it is done with one.
        work: list[Work] = [
            partial(verify_lane, task=task) for task in sorted(tasks, key=lambda task: task.after - task.upto)
        ]
        if span.upto is None:
            since = [datetime.fromisoformat(c.content["made_at"]) for c in checkpoints if c.number == span.after]
            work.insert(0, partial(_find_unlinked, since=since[0] if since else datetime(1, 1, 1, tzinfo=UTC)))
        for part in _run(work, info, connection, processes):
            _merge(report, part)
            progress(report.links, total)
    if any(finding.kind == "unreadable" and finding.entry is not None for finding in report.findings):
        # Which entry it is says more than that there is one.
        report.findings = [f for f in report.findings if f.kind != "unreadable" or f.entry is not None]
    verify_checkpoints(
        checkpoints,
        report,
        trusted_keys=list_trusted_keys() if trusted_keys is None else trusted_keys,
        earlier=earlier,
        first=1,
    )
    if checkpoints and span.upto is None:
        dropped = {(gone["table"], gone["partition"]) for point in checkpoints for gone in point.content["retained"]}
        report.findings += find_dropped(checkpoints[-1], list_closed_partitions(), dropped)
    return report


def _read_checkpoints(connection: psycopg.Connection[Any], report: Report) -> list[Checkpoint]:
    checkpoints = []
    for number, document, digest, signature, public_key in connection.execute(
        "SELECT number, document, sha256, signature, public_key FROM nfcs_core.audit_checkpoints ORDER BY number"
    ):
        try:
            checkpoint = read_checkpoint(bytes(document), bytes(signature), bytes(public_key))
        except ValueError as error:
            report.findings.append(Finding("checkpoint", f"checkpoint {number} cannot be read: {error}"))
            continue
        if checkpoint.number != number or checkpoint.sha256 != bytes(digest).hex():
            report.findings.append(Finding("checkpoint", f"checkpoint {number} is not what its columns say"))
        checkpoints.append(checkpoint)
    return checkpoints


def _list_tasks(connection: psycopg.Connection[Any], checkpoints: Sequence[Checkpoint], span: Span) -> list[LaneTask]:
    by_number = {checkpoint.number: checkpoint for checkpoint in checkpoints}
    begin = by_number[span.after].marks() if span.after in by_number else {}
    end = by_number[span.upto].marks() if span.upto is not None else None
    heads = {
        lane: (sequence, bytes(head))
        for lane, sequence, head in connection.execute("SELECT lane, sequence, head FROM nfcs_core.audit_lanes")
    }
    last_links: dict[int, int] = dict(
        connection.execute("SELECT lane, max(sequence) FROM nfcs_core.audit_links GROUP BY lane").fetchall()
    )
    retained = tuple(list_retained(checkpoints))
    tasks = []
    for lane in range(LANES):
        first = begin.get(lane, Mark(0, ZERO, 0))
        marks = [
            checkpoint.marks()[lane]
            for checkpoint in checkpoints
            if checkpoint.number > span.after
            and (span.upto is None or checkpoint.number <= span.upto)
            and lane in checkpoint.marks()
        ]
        head = None if end is not None else heads.get(lane, (0, ZERO))
        upto = end.get(lane, first).sequence if end is not None else max(last_links.get(lane, 0), first.sequence)
        if not (upto or marks or head not in (None, (0, ZERO))):
            continue
        for before, last, unmarked in _split(connection, lane, first, upto, marks):
            inside = tuple(mark for mark in marks if before.sequence < mark.sequence <= last.sequence)
            ends = last.sequence == upto
            tasks.append(
                LaneTask(
                    lane,
                    before.sequence,
                    before.head,
                    last.sequence,
                    head if ends else (last.sequence, last.head),
                    inside + tuple(mark for mark in marks if ends and mark.sequence > upto),
                    retained,
                    unmarked,
                )
            )
    return tasks


def _split(
    connection: psycopg.Connection[Any], lane: int, first: Mark, upto: int, marks: Sequence[Mark]
) -> list[tuple[Mark, Mark, tuple[int, int] | None]]:
    """Stretches of a lane: the mark before, the last one, and the first link after the last checkpoint before it.

    Each ends with what the next one begins after, so that none is verified for itself.
    """
    bounds = list(range(first.sequence + STRETCH, upto, STRETCH))
    passed = [first.sequence, *sorted(mark.sequence for mark in marks)]
    unmarked = {bound: passed[bisect_right(passed, bound) - 1] + 1 for bound in bounds}
    found = {
        sequence: (entry_id, bytes(digest))
        for sequence, entry_id, digest in connection.execute(
            "SELECT sequence, entry_id, link_sha256 FROM nfcs_core.audit_links WHERE lane = %s AND sequence = ANY(%s)",
            [lane, sorted({*bounds, *unmarked.values()})],
        )
    }
    points = [first, *(Mark(bound, found[bound][1], 0) for bound in bounds if bound in found), Mark(upto, ZERO, 0)]
    stretches = []
    for before, last in pairwise(points):
        since = unmarked.get(before.sequence, before.sequence + 1)
        began = since <= before.sequence and since in found
        stretches.append((before, last, (since, found[since][0]) if began else None))
    return stretches


def _run(
    work: Sequence[Work], info: dict[str, Any], connection: psycopg.Connection[Any], processes: int
) -> Iterator[Report]:
    """Do it over as many connections; the server's processes compute, so threads do here."""
    if processes <= 1:
        for part in work:
            yield part(connection)
        return
    (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)

    def run(part: Work) -> Report:
        with open_snapshot(info, snapshot) as own:
            return part(own)

    with ThreadPoolExecutor(processes) as pool:
        for future in as_completed([pool.submit(run, part) for part in work]):
            yield future.result()


def _merge(report: Report, part: Report) -> None:
    report.links += part.links
    report.entries += part.entries
    report.retained += part.retained
    report.findings += part.findings


def _find_unlinked(connection: psycopg.Connection[Any], since: datetime) -> Report:
    """Entries that no link names: somebody wrote them past the trigger."""
    try:
        with connection.transaction():
            rows = connection.execute(
                """
                SELECT e.id, e.table_name, e.row_key FROM nfcs_core.golden_dag_audit e
                WHERE e.ts >= %s AND NOT EXISTS (
                    SELECT FROM nfcs_core.audit_links l WHERE l.entry_id = e.id AND l.entry_ts = e.ts)
                ORDER BY e.id LIMIT %s
                """,
                [since, MAX_UNLINKED],
            ).fetchall()
    except psycopg.DatabaseError as error:
        if connection.closed:
            raise
        return Report(
            findings=[Finding("unreadable", f"{VERIFIED_TABLE} cannot be read: {str(error).splitlines()[0]}")]
        )
    return Report(
        findings=[
            Finding("inserted", f"entry {entry_id} about {table} {key} was never linked", entry_id)
            for entry_id, table, key in rows
        ]
    )


def verify_and_record(*, now: datetime, full: bool) -> Report:
    """Verify in the background, all of it or what came after the last verified checkpoint, and record the outcome."""
    last = get_last_verification()
    after = 0 if full or last is None or not last["ok"] else last["last_checkpoint"]
    report = verify_chain(after=after)
    details = {
        **{name: value for name, value in report.describe().items() if name != "findings"},
        "full": after == 0,
        "verified_at": now.astimezone(UTC).isoformat(),
        "findings": [str(finding) for finding in report.findings[:20]],
    }
    with acting_as(SYSTEM):
        record_event(
            event="audit.verified", action="read", table_name=VERIFIED_TABLE, row_key=VERIFIED_ROW, details=details
        )
    if report.first_bad is not None:
        logger.warning("the audit chain is broken: %s", report.first_bad)
    return report
