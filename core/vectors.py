"""Embeddings: what may be one, how it is written for pgvector, and how neighbours are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import orjson
from django.db import connection, transaction
from numpy.typing import ArrayLike, NDArray

from core.exceptions import InvalidInput

MOST_NEIGHBOURS = 1000
M = 16
EF_CONSTRUCTION = 64
LEAST_EF_SEARCH = 80
"""Candidates that a search of the graph keeps: recall@10 is .998 of clustered embeddings (measured)."""
MOST_EF_SEARCH = 1000

Vector = NDArray[np.float32]


def read_vector(values: ArrayLike, dimensions: int, field: str) -> Vector:
    """A vector of single precision, (dimensions,), that has a direction.

    Raises:
        InvalidInput: it has another dimension, a number that is not finite in single precision, or no direction.
    """
    with np.errstate(over="ignore"):
        numbers = np.asarray(values, np.float64).astype(np.float32)
    if numbers.shape != (dimensions,):
        raise InvalidInput.of(field, f"{dimensions} numbers are needed.", "dimensions")
    if not np.isfinite(numbers).all():
        raise InvalidInput.of(field, "Finite single-precision numbers are needed.", "not_finite")
    if not numbers.any():
        raise InvalidInput.of(field, "The zero vector has no direction.", "zero")
    return numbers


def normalise(vector: Vector) -> Vector:
    """The vector of length 1 in the same direction: the half precision of an index holds it, however long it was."""
    exact = vector.astype(np.float64)
    return np.asarray(exact / np.linalg.norm(exact / np.abs(exact).max()) / np.abs(exact).max(), np.float32)


def write_vector(vector: Vector) -> str:
    """A vector as pgvector reads it."""
    return orjson.dumps(np.ascontiguousarray(vector), option=orjson.OPT_SERIALIZE_NUMPY).decode()


def index_definition(column: str, dimensions: int) -> str:
    """What follows the name of the table in CREATE INDEX: the graph of an embedding's directions, by cosine."""
    return (
        f"USING hnsw ((l2_normalize({column})::halfvec({dimensions})) halfvec_cosine_ops)"
        f" WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})"
    )


@contextmanager
def searching(k: int, *, exact: bool = False) -> Iterator[Any]:
    """A cursor in a transaction whose searches look for `k` neighbours.

    A graph that is searched goes on past its first candidates until enough of them may be seen. An exact search leaves
    graphs aside.
    """
    settings = {
        "hnsw.ef_search": str(min(MOST_EF_SEARCH, max(LEAST_EF_SEARCH, 2 * k))),
        "hnsw.iterative_scan": "relaxed_order",
        # Nothing but an index scan reads a graph.
        "enable_indexscan": "off" if exact else "on",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        calls = ", ".join("set_config(%s, %s, true)" for _ in settings)
        cursor.execute(f"SELECT {calls}", [text for setting in settings.items() for text in setting])
        yield cursor
        if exact:
            # It would last to the end of the outermost transaction.
            cursor.execute("SELECT set_config('enable_indexscan', 'on', true)")
