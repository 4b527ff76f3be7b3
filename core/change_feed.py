"""Which rows changed since a place in the audit chain, whoever changed them: what a live stream tells of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from core.audit_verifier import LANES
from core.exceptions import InvalidInput
from core.models import AuditLane

MOST = 500
"""Entries read of one lane at a time."""

Position = tuple[int, ...]
"""How far each lane was read: its last sequence, 0 for none."""


@dataclass(frozen=True)
class Changes:
    """What one look at the feed found.

    Attributes:
        position: up to where; the next look begins there.
        keys: by table of the catalogue, the keys of its changed rows, in the order in which they changed first.
        is_all: whether nothing was left.
    """

    position: Position
    keys: dict[str, list[str]]
    is_all: bool


def find_head() -> Position:
    """The place after everything that was committed."""
    heads = dict(AuditLane.objects.values_list("lane", "sequence"))
    return tuple(heads.get(lane, 0) for lane in range(LANES))


def format_position(position: Position) -> str:
    """A place as text: `12.0.7.0.0.0.0.3`."""
    return ".".join(map(str, position))


def parse_position(text: str, *, field: str) -> Position:
    """The place that `format_position` wrote.

    Raises:
        InvalidInput: it is none, or lies ahead of the chain (of another installation, or from before a restore).
    """
    parts = text.split(".")
    if len(parts) != LANES or not all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in parts):
        raise InvalidInput.of(field, "This is not the id of an event of this stream.", "invalid")
    position = tuple(map(int, parts))
    if any(seen > head for seen, head in zip(position, find_head(), strict=True)):
        raise InvalidInput.of(field, "This id lies ahead of all events: begin without one.", "ahead")
    return position


def read_changes(position: Position, *, tables: Collection[str]) -> Changes:
    """What changed in `tables` after `position`, up to MOST entries of each lane."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nfcs_core.list_changes_v1(%s::bigint[], %s)", [list(position), MOST])
        rows = cursor.fetchall()
    reached = list(position)
    counts = [0] * LANES
    keys: dict[str, dict[str, None]] = {}
    for lane, sequence, table, key in rows:
        reached[lane] = sequence
        counts[lane] += 1
        if table in tables:
            keys.setdefault(table, {})[key] = None
    return Changes(tuple(reached), {table: list(found) for table, found in keys.items()}, max(counts) < MOST)
