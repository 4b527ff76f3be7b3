"""Assessing memories: the forgetting curve and consolidation, worked out for all of them and kept.

The worker goes through them in batches, each a transaction; a run that was interrupted goes on where it stopped, and
the same `now` a second time changes nothing. A recall assesses its memory by itself, and an older moment never
replaces a newer one.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from cognitive.constants import FORGOTTEN_BELOW
from cognitive.forgetting import DECAY, REFERENCE_STABILITY_S, forgetting_factor
from cognitive.models import MemoryExperience

BATCH = 2000


def assess_memories(*, now: datetime, batch: int = BATCH) -> int:
    """Assess every memory that was stored and last assessed before `now`, and answer how many there were.

    Args:
        batch: memories of one transaction; recalls of these wait for it, and it for theirs.
    """
    count, after = 0, 0
    while True:
        assessed, last = _assess(now, after, batch, None)
        count += assessed
        if last is None:
            return count
        after = last


@transaction.atomic
def assess_memory(*, memory: MemoryExperience, now: datetime) -> None:
    """Assess one memory at `now`, even where it was assessed at a later moment: it has just been recalled."""
    _assess(now, 0, 1, memory.pk)


def _assess(now: datetime, after: int, batch: int, memory_id: int | None) -> tuple[int, int | None]:
    """How many memories were assessed, and the last id looked at; None where there was none left."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _ASSESS,
            {
                "now": now,
                "after": after,
                "batch": batch,
                "memory": memory_id,
                "factor": forgetting_factor(),
                "decay": DECAY,
                "reference": REFERENCE_STABILITY_S,
                # R = 1/2 after this many stabilities.
                "until_forgotten": (FORGOTTEN_BELOW ** (-1 / DECAY) - 1) / forgetting_factor(),
                # A memory of the longest stability is forgotten later than some clients can say.
                "latest": "9000-01-01T00:00:00Z",
            },
        )
        assessed, last = cursor.fetchone()
    return assessed, last


_ASSESS = """
    WITH due AS MATERIALIZED (
        SELECT id, stability_s, coalesce(last_recalled_at, stored_at) AS since
        FROM memory_experiences
        WHERE id > %(after)s AND (%(memory)s::bigint IS NULL OR id = %(memory)s) AND stored_at <= %(now)s
        ORDER BY id
        LIMIT %(batch)s
        -- Not while it is being recalled.
        FOR SHARE
    ), assessed AS (
        INSERT INTO memory_strengths AS kept (memory_id, strength, consolidation_level, forgotten_at, assessed_at)
        SELECT id,
               power(
                   1 + %(factor)s * greatest(extract(epoch FROM %(now)s - since)::float8, 0) / stability_s, -%(decay)s),
               stability_s / (stability_s + %(reference)s),
               least(since + make_interval(secs => %(until_forgotten)s * stability_s), %(latest)s),
               %(now)s
        FROM due
        ON CONFLICT (memory_id) DO UPDATE
        SET strength = EXCLUDED.strength, consolidation_level = EXCLUDED.consolidation_level,
            forgotten_at = EXCLUDED.forgotten_at, assessed_at = EXCLUDED.assessed_at
        WHERE kept.assessed_at < EXCLUDED.assessed_at OR %(memory)s::bigint IS NOT NULL
        RETURNING memory_id
    )
    SELECT (SELECT count(*) FROM assessed), (SELECT max(id) FROM due)
"""
