"""Memories whose embedding points in about the same direction, found on a graph of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cognitive.models import MemoryExperience
from core.vectors import Vector, normalise, searching, write_vector
from kuramoto.constants import EMBEDDING_DIMENSIONS

INDEX = "memory_experiences_hnsw"
SPARE = 10
"""Candidates beyond those asked for, so that the exact distance may still reorder them."""


@dataclass(frozen=True)
class SimilarMemory:
    """A memory and how far its embedding is from the one asked about.

    Attributes:
        distance: cosine distance, 0 (same direction) to 2 (opposite).
    """

    id: int
    experience_type: str
    stored_at: datetime
    distance: float


def list_similar_memories(
    *,
    vector: Vector,
    k: int,
    start: datetime | None = None,
    end: datetime | None = None,
    experience_type: str | None = None,
    leave_out: int | None = None,
    exact: bool = False,
) -> list[SimilarMemory]:
    """The `k` memories with start <= stored_at < end nearest to a vector, nearest first.

    Args:
        vector: float32, (EMBEDDING_DIMENSIONS,), not zero.
        leave_out: the id of a memory that is not among them.
        exact: search all of them, whatever the graph says.
    """
    parameters = {
        "direction": write_vector(normalise(vector)),
        "start": start,
        "end": end,
        "type": experience_type,
        "leave_out": leave_out,
        "k": k,
        "candidates": k + SPARE,
    }
    found = _search(parameters, exact=exact)
    return _search(parameters, exact=True) if len(found) < k and not exact else found


def get_embedding(memory_id: int) -> Sequence[float] | None:
    """The embedding of a memory; None where it has none.

    Raises:
        MemoryExperience.DoesNotExist: there is no such memory that may be seen.
    """
    found: Sequence[float] | None = MemoryExperience.objects.values_list("embedding", flat=True).get(pk=memory_id)
    return found


def _search(parameters: dict[str, Any], *, exact: bool) -> list[SimilarMemory]:
    filters = ["embedding IS NOT NULL"]
    for name, condition in (
        ("start", "stored_at >= %(start)s"),
        ("end", "stored_at < %(end)s"),
        ("type", "experience_type = %(type)s"),
        ("leave_out", "id <> %(leave_out)s"),
    ):
        if parameters[name] is not None:
            filters.append(condition)
    # Of directions, since squares of single-precision numbers need not be any.
    order = distance = "l2_normalize(embedding) <=> %(direction)s::vector"
    if not exact:
        half = f"halfvec({EMBEDDING_DIMENSIONS})"
        order = f"l2_normalize(embedding)::{half} <=> %(direction)s::{half}"
    statement = f"""
        SELECT id, experience_type, stored_at, {distance} AS distance
        FROM (
            SELECT id, experience_type, stored_at, embedding
            FROM memory_experiences
            WHERE {" AND ".join(filters)}
            ORDER BY {order}
            LIMIT %(candidates)s
        ) AS nearest
        ORDER BY distance, id
        LIMIT %(k)s
    """
    with searching(parameters["candidates"], exact=exact) as cursor:
        cursor.execute(statement, parameters)
        return [SimilarMemory(*row) for row in cursor.fetchall()]
