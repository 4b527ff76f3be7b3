"""Oscillator states whose embedding points in about the same direction.

Partitions that closed have a graph of their embeddings (HNSW, in half precision); the open one and DEFAULT have none
and are searched whole. What the graphs answer is ordered by the exact distance; where they answer too
little, as when few rows of a partition may be seen, everything is searched whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from core.exceptions import InvalidInput
from core.vectors import Vector, index_definition, normalise, searching, write_vector
from kuramoto.constants import EMBEDDING_DIMENSIONS
from kuramoto.models import OscillatorState

TABLE = "kuramoto_oscillators"
INDEX_SUFFIX = "hnsw"
INDEX_DEFINITION = index_definition("semantic_embedding", EMBEDDING_DIMENSIONS)
MOST_MONTHS = 24
SPARE = 10
"""Candidates beyond those asked for, so that the exact distance may still reorder them."""


@dataclass(frozen=True)
class SimilarState:
    """A state and how far its embedding is from the one asked about.

    Attributes:
        distance: cosine distance, 0 (same direction) to 2 (opposite).
    """

    id: int
    run: int
    timestamp: datetime
    sync_parameter: float
    distance: float


@dataclass(frozen=True)
class _Span:
    start: datetime
    end: datetime
    has_graph: bool


def list_similar_states(
    *,
    vector: Vector,
    k: int,
    start: datetime,
    end: datetime,
    run_id: int | None = None,
    leave_out: int | None = None,
    exact: bool = False,
) -> list[SimilarState]:
    """The `k` states with start <= timestamp < end nearest to a vector, nearest first.

    Args:
        vector: float32, (EMBEDDING_DIMENSIONS,), not zero.
        leave_out: the id of a state that is not among them.
        exact: search everything whole, whatever graphs there are.

    Raises:
        InvalidInput: the time spans more than 24 months.
    """
    spans = list(_list_spans(start, end, exact))
    parameters = {
        "direction": write_vector(normalise(vector)),
        "run": run_id,
        "leave_out": leave_out,
        "k": k,
        "candidates": k + SPARE,
    }
    has_graph = any(span.has_graph for span in spans)
    found = _search(spans, parameters, exact=not has_graph) if spans else []
    if len(found) < k and has_graph:
        return _search([_Span(start, end, False)], parameters, exact=True)
    return found


def get_embedding(state_id: int) -> Sequence[float] | None:
    """The embedding of a state; None where it has none.

    Raises:
        OscillatorState.DoesNotExist: there is no such state that may be seen.
    """
    found: Sequence[float] | None = OscillatorState.objects.values_list("semantic_embedding", flat=True).get(
        pk=state_id
    )
    return found


def _search(spans: list[_Span], parameters: dict[str, Any], *, exact: bool) -> list[SimilarState]:
    times = {f"{name}{index}": getattr(span, name) for index, span in enumerate(spans) for name in ("start", "end")}
    parts = [_write_part(index, span, parameters) for index, span in enumerate(spans)]
    statement = f"{' UNION ALL '.join(parts)} ORDER BY distance, id LIMIT %(k)s"
    with searching(parameters["candidates"], exact=exact) as cursor:
        cursor.execute(statement, parameters | times)
        return [SimilarState(*row) for row in cursor.fetchall()]


def _write_part(index: int, span: _Span, parameters: dict[str, Any]) -> str:
    filters = [f'"timestamp" >= %(start{index})s AND "timestamp" < %(end{index})s AND semantic_embedding IS NOT NULL']
    if parameters["run"] is not None:
        filters.append("run_id = %(run)s")
    if parameters["leave_out"] is not None:
        filters.append("id <> %(leave_out)s")
    # Of directions, since squares of single-precision numbers need not be any.
    distance = "l2_normalize(semantic_embedding) <=> %(direction)s::vector"
    order, limit = distance, "k"
    if span.has_graph:
        half = f"halfvec({EMBEDDING_DIMENSIONS})"
        order, limit = f"l2_normalize(semantic_embedding)::{half} <=> %(direction)s::{half}", "candidates"
    return f"""(
        SELECT id, run_id, "timestamp", sync_parameter, {distance} AS distance
        FROM (
            SELECT id, run_id, "timestamp", sync_parameter, semantic_embedding
            FROM {TABLE}
            WHERE {" AND ".join(filters)}
            ORDER BY {order}
            LIMIT %({limit})s
        ) AS nearest_{index}
    )"""


def _list_spans(start: datetime, end: datetime, exact: bool) -> Iterator[_Span]:
    """The time by partitions: those with a graph by themselves, those without joined where they touch."""
    months = list(_list_months(start, end))
    graphs = set() if exact else _list_graphs([name for name, _, _ in months])
    joined: _Span | None = None
    for name, first, last in months:
        if name in graphs:
            if joined:
                yield joined
            joined = None
            yield _Span(first, last, True)
        else:
            joined = _Span(joined.start if joined else first, last, False)
    if joined:
        yield joined


def _list_months(start: datetime, end: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Name of the graph of each month's partition, and the part of the time within it."""
    at = start = start.astimezone(UTC)
    end = end.astimezone(UTC)
    if (end.year - start.year) * 12 + end.month - start.month >= MOST_MONTHS:
        raise InvalidInput.of("since", f"Ask for {MOST_MONTHS} months at most.", "too_long")
    while at < end:
        following = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
        yield f"{TABLE}_y{at.year:04d}m{at.month:02d}_{INDEX_SUFFIX}", at, min(end, following)
        at = following


def _list_graphs(names: list[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT x.relname FROM pg_class x JOIN pg_index i ON i.indexrelid = x.oid AND i.indisvalid"
            " WHERE x.relname = ANY(%s) AND x.relkind = 'i'",
            [names],
        )
        return {name for (name,) in cursor.fetchall()}
