"""The graphs of embeddings: which there are, and how much of the exact answer they find."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connections

from cognitive.models import MemoryExperience
from cognitive.similar import INDEX, list_similar_memories
from core.db.partitions import list_partitions
from core.vectors import Vector, read_vector
from kuramoto.constants import EMBEDDING_DIMENSIONS
from kuramoto.models import OscillatorState
from kuramoto.similar import INDEX_SUFFIX, TABLE, list_similar_states

MEMORIES = "memory_experiences"


@dataclass(frozen=True)
class Graph:
    """The graph of one table or partition, or its lack.

    Attributes:
        from_at, to_at: span of the partition, UTC; None for DEFAULT and for a table that has none.
        state: "valid"; "invalid", left by a build that was killed; or "none": searched whole.
        bytes: size of the graph, 0 where there is none.
        embeddings: how many it holds, by the planner's statistics; 0 where there is none.
    """

    table: str
    name: str
    from_at: str | None
    to_at: str | None
    state: str
    bytes: int
    embeddings: int


@dataclass(frozen=True)
class Recall:
    """How much of the exact answers a graph found.

    Attributes:
        k: neighbours asked for.
        samples: stored embeddings that were asked about.
        recall: share of the exact neighbours that were found, 0 to 1: mean, and of the worst sample.
        ms, exact_ms: median time of a search.
    """

    name: str
    k: int
    samples: int
    recall: float
    worst: float
    ms: float
    exact_ms: float


def list_graphs(*, using: str = "default") -> list[Graph]:
    """The graphs of oscillator states, partition by partition, and that of the memories."""
    leaves = [(TABLE, leaf.name, leaf.from_at, leaf.to_at) for leaf in list_partitions(TABLE, using=using)]
    graphs = []
    for table, name, from_at, to_at in [*leaves, (MEMORIES, MEMORIES, None, None)]:
        index = INDEX if table == MEMORIES else f"{name}_{INDEX_SUFFIX}"
        with connections[using].cursor() as cursor:
            cursor.execute(_DESCRIBE, {"leaf": name, "index": index})
            is_valid, size, embeddings = cursor.fetchone()
        state = {None: "none", True: "valid", False: "invalid"}[is_valid]
        graphs.append(Graph(table, name, from_at, to_at, state, size or 0, embeddings or 0))
    return graphs


_DESCRIBE = """
    SELECT i.indisvalid, pg_relation_size(i.indexrelid), greatest(x.reltuples, 0)::bigint
    FROM pg_class c
    LEFT JOIN pg_class x ON x.relname = %(index)s AND x.relnamespace = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = x.oid AND i.indrelid = c.oid
    WHERE c.oid = to_regclass(%(leaf)s)
"""


def measure_recall(*, k: int = 10, samples: int = 100) -> list[Recall]:
    """Ask every valid graph about random embeddings that it holds, and compare with the exact answers.

    Reads each partition as often as there are samples: the exact answers are what takes time.
    """
    return [
        recall
        for graph in list_graphs(using="owner")
        if graph.state == "valid" and (recall := _measure(graph, k, samples)) is not None
    ]


def _measure(graph: Graph, k: int, samples: int) -> Recall | None:
    if graph.table == MEMORIES:
        rows = MemoryExperience.objects.filter(embedding__isnull=False).values_list("id", "embedding")

        def search(vector: Vector, row: int, exact: bool) -> list[Any]:
            return list_similar_memories(vector=vector, k=k, leave_out=row, exact=exact)
    else:
        start, end = (datetime.fromisoformat(str(at)) for at in (graph.from_at, graph.to_at))
        states = OscillatorState.objects.within(start, end).filter(semantic_embedding__isnull=False)
        rows = states.values_list("id", "semantic_embedding")

        def search(vector: Vector, row: int, exact: bool) -> list[Any]:
            return list_similar_states(vector=vector, k=k, start=start, end=end, leave_out=row, exact=exact)

    shares, times, exact_times = [], [], []
    for row, embedding in rows.order_by("?")[:samples]:
        vector = read_vector(embedding, EMBEDDING_DIMENSIONS, "embedding")
        found, took = _time(partial(search, vector, row, False))
        expected, exact_took = _time(partial(search, vector, row, True))
        if expected:
            shares.append(len(found & expected) / len(expected))
            times.append(took)
            exact_times.append(exact_took)
    if not shares:
        return None
    mean, worst = statistics.fmean(shares), min(shares)
    return Recall(graph.name, k, len(shares), mean, worst, statistics.median(times), statistics.median(exact_times))


def _time(search: Callable[[], list[Any]]) -> tuple[set[int], float]:
    begun = time.perf_counter()
    found = search()
    return {row.id for row in found}, (time.perf_counter() - begun) * 1e3
