"""Exports and proofs: what a verifier needs that has neither Django nor the database."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.db import DatabaseError

from core import audit_verifier
from core.audit_selectors import VERIFIED_TABLE
from core.audit_verifier import EXPORT, LANES, PROOF, Checkpoint, Entry, Link, Mark, read_checkpoint
from core.db.audit_reader import LaneReader, open_snapshot
from core.exceptions import Conflict, NotFound
from core.models import AuditCheckpoint
from core.services.audit import record_event
from core.services.audit_checkpoints import make_checkpoint, read_row, render_checkpoint
from core.services.audit_verification import Span, connection_info, find_span

logger = logging.getLogger(__name__)

STEP = 10_000
"""Links after which progress is told."""


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        from_checkpoint: the checkpoint it begins after; 0 for the beginning.
        unlinked: entries that no link names.
    """

    directory: str
    from_checkpoint: int
    to_checkpoint: int
    links: int
    entries: int
    unlinked: int


def export_audit(
    *,
    directory: Path,
    now: datetime,
    alias: str = "default",
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Export:
    """Write checkpoints, links and entries into a directory, with the verifier as `verify.py`.

    A checkpoint is made first, so that all that is written is signed. What is broken is written as it is.

    Raises:
        Conflict: something stands in the directory.
    """
    if directory.exists() and any(directory.iterdir()):
        raise Conflict(f"{directory} is not empty.")
    make_checkpoint(now=now, reason="export")
    directory.mkdir(parents=True, exist_ok=True)
    with open_snapshot(connection_info(alias)) as connection:
        checkpoints = _list_checkpoints(connection)
        span = find_span(checkpoints, start=start, end=end)
        export = _write_lanes(connection, directory, checkpoints, span, progress)
    with (directory / "checkpoints.jsonl").open("w") as lines:
        for checkpoint in checkpoints:
            if checkpoint.number >= export.from_checkpoint:
                lines.write(render_checkpoint(checkpoint) + "\n")
    manifest = {
        "format": EXPORT,
        **{
            name: getattr(export, name) for name in ("from_checkpoint", "to_checkpoint", "links", "entries", "unlinked")
        },
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    shutil.copyfile(audit_verifier.__file__, directory / "verify.py")
    try:
        record_event(
            event="audit.exported",
            action="read",
            table_name=VERIFIED_TABLE,
            row_key="*",
            details={name: value for name, value in manifest.items() if name != "format"},
        )
    except DatabaseError as error:
        # A page that cannot be read keeps entries from being linked; the export that shows it stands.
        logger.warning("the export is written, its entry is not: %s", error)
    return export


def _list_checkpoints(connection: psycopg.Connection[Any]) -> list[Checkpoint]:
    return [
        read_checkpoint(*map(bytes, row))
        for row in connection.execute(
            "SELECT document, signature, public_key FROM nfcs_core.audit_checkpoints ORDER BY number"
        )
    ]


def _write_lanes(
    connection: psycopg.Connection[Any],
    directory: Path,
    checkpoints: Sequence[Checkpoint],
    span: Span,
    progress: Callable[[int, int], None],
) -> Export:
    if not checkpoints:
        raise NotFound("There is no checkpoint yet, and no link to make one of.")
    by_number = {checkpoint.number: checkpoint for checkpoint in checkpoints}
    last = by_number[span.upto] if span.upto in by_number else checkpoints[-1]
    begin = by_number[span.after].marks() if span.after in by_number else {}
    end = last.marks()
    total = sum(mark.sequence - begin.get(lane, Mark(0, b"", 0)).sequence for lane, mark in end.items())
    links = entries = 0
    for lane in range(LANES):
        if lane not in end:
            continue
        reader = LaneReader(connection, lane)
        with (directory / f"lane-{lane}.jsonl").open("w") as lines:
            for link in reader.read(begin.get(lane, Mark(0, b"", 0)).sequence + 1, end[lane].sequence):
                lines.write(json.dumps(list_link(link), ensure_ascii=False, separators=(",", ":")) + "\n")
                links += 1
                entries += link.entry is not None
                if links % STEP == 0:
                    progress(links, total)
    unlinked = list(_list_unlinked(connection))
    if unlinked:
        (directory / "unlinked.jsonl").write_text(
            "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in unlinked)
        )
    return Export(str(directory), span.after, last.number, links, entries, len(unlinked))


def _list_unlinked(connection: psycopg.Connection[Any]) -> Iterator[dict[str, Any]]:
    try:
        with connection.transaction():
            rows = connection.execute(
                """
                SELECT e.id, (extract(epoch FROM e.ts) * 1000000)::bigint, e.table_name, e.row_key
                FROM nfcs_core.golden_dag_audit e
                WHERE NOT EXISTS (
                    SELECT FROM nfcs_core.audit_links l WHERE l.entry_id = e.id AND l.entry_ts = e.ts)
                ORDER BY e.id
                """
            ).fetchall()
    except psycopg.DatabaseError:
        return  # the entry that cannot be read is missing in its lane
    for entry_id, ts, table, key in rows:
        yield {"id": entry_id, "ts": ts, "table": table, "key": key}


def list_link(link: Link) -> list[Any]:
    """A link with its entry, as a line of an export has it; a payload that is no text as hex in a list of its own."""
    line: list[Any] = [link.sequence, link.entry_id, link.ts]
    line += [link.entry_sha256.hex(), link.previous_sha256.hex(), link.link_sha256.hex()]
    if link.entry is None:
        return line
    columns = describe_entry(link.entry)
    payload = [columns.pop("payload_hex")] if "payload_hex" in columns else columns.pop("payload")
    return [*line, *columns.values(), payload]


def describe_entry(entry: Entry) -> dict[str, Any]:
    """The columns of an entry, its payload as text where it is text."""
    content: dict[str, Any] = {
        "actor": None if entry.actor == b"-" else int(entry.actor),
        "role": entry.role.decode(),
        "action": entry.action.decode(),
        "table": entry.table.decode(),
        "key": entry.key.decode(),
    }
    try:
        return content | {"payload": entry.payload.decode()}
    except UnicodeDecodeError:
        return content | {"payload_hex": entry.payload.hex()}


def prove_entries(
    *,
    now: datetime,
    entry_id: int | None = None,
    table: str | None = None,
    row_key: str | None = None,
    alias: str = "default",
) -> dict[str, Any]:
    """A proof of one entry, or of every entry of a row: along the links of its lane to a signed checkpoint.

    What no checkpoint covers yet gets one. That the entries of a row are all of them, no proof shows: an export does.

    Raises:
        NotFound: there is no such entry, or it has no link.
    """
    make_checkpoint(now=now, reason="proof")
    checkpoints = [read_row(row) for row in AuditCheckpoint.objects.order_by("number")]
    with open_snapshot(connection_info(alias)) as connection:
        condition, parameters = (
            ("l.entry_id = %s", [entry_id])
            if entry_id is not None
            else (
                "l.entry_id IN (SELECT id FROM nfcs_core.golden_dag_audit WHERE table_name = %s AND row_key = %s)",
                [table, row_key],
            )
        )
        places = connection.execute(
            f"SELECT l.lane, l.sequence FROM nfcs_core.audit_links l WHERE {condition} ORDER BY l.entry_id",
            parameters,
        ).fetchall()
        if not places:
            raise NotFound("There is no such entry in the chain.")
        return {
            "format": PROOF,
            "proofs": [_prove(connection, lane, sequence, checkpoints) for lane, sequence in places],
        }


def _prove(
    connection: psycopg.Connection[Any], lane: int, sequence: int, checkpoints: Sequence[Checkpoint]
) -> dict[str, Any]:
    checkpoint = next(
        (point for point in checkpoints if lane in point.marks() and point.marks()[lane].sequence >= sequence), None
    )
    if checkpoint is None:
        raise NotFound(f"No checkpoint covers link {sequence} of lane {lane}.")
    reader = LaneReader(connection, lane)
    link, *path = list(reader.read(sequence, checkpoint.marks()[lane].sequence))
    if link.entry is None:
        raise NotFound(f"Entry {link.entry_id} is gone: its links alone are there.")
    return {
        "id": link.entry_id,
        "ts": link.ts,
        "entry": describe_entry(link.entry),
        "lane": lane,
        "sequence": sequence,
        "previous_sha256": link.previous_sha256.hex(),
        "path": [[step.entry_id, step.ts, step.entry_sha256.hex()] for step in path],
        "checkpoint": json.loads(render_checkpoint(checkpoint)),
    }
