"""A body on its way into the database: chunk by chunk in one transaction, all rows or the good ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from core.exceptions import FieldError, InvalidInput
from core.models import Run
from nfcs.ingest.outcomes import Outcome, merge_outcomes

MAX_ROUNDS = 20
"""How often rows are dropped and the rest is tried again; every round a stage of checks further."""
MAX_REJECTED = 100_000
"""Rejected rows of the largest answer."""

MayWrite = Callable[[Run], bool]


@dataclass(frozen=True)
class Kind:
    """How rows of a kind are stored.

    Attributes:
        ingest: stores rows, all or none, and raises InvalidInput that names every bad one as `{index}.{field}`.
        split: rows that do not depend on each other apart, so that a bad one costs its own part a second round.
        drop: rows without those at some positions.
    """

    ingest: Callable[..., list[Outcome]]
    split: Callable[[Any], Iterable[Any]]
    drop: Callable[[Any, Collection[int]], Any]


@dataclass
class BatchResult:
    """What a body brought.

    Attributes:
        rejected: what is wrong with the rows that were not stored.
    """

    inserted: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    rejected: list[FieldError] = field(default_factory=list)


@transaction.atomic(savepoint=False)
def ingest_chunks(chunks: Iterable[Any], kind: Kind, *, may_write: MayWrite, is_partial: bool = False) -> BatchResult:
    """Store the rows of a body: all or none; with `is_partial` those that can be stored.

    Raises:
        InvalidInput: a row cannot be stored; with `is_partial` none can, or more than MAX_REJECTED cannot.
    """
    result = BatchResult()
    found: list[Outcome] = []
    for chunk in chunks:
        if chunk.errors and not is_partial:
            bad = len({index_of(error) for error in chunk.errors})
            raise InvalidInput(f"{bad} of {chunk.count} rows are not valid; none was stored.", chunk.errors)
        result.rejected += chunk.errors
        if not is_partial:
            found += kind.ingest(chunk.rows, may_write=may_write) if len(chunk.rows) else []
            continue
        for part in kind.split(chunk.rows):
            found += _store_good(part, kind, may_write, result.rejected)
        if len(result.rejected) > MAX_REJECTED:
            raise InvalidInput(f"More than {MAX_REJECTED} rows are not valid; none was stored.")
    result.outcomes = merge_outcomes(found)
    result.inserted = sum(outcome.rows for outcome in result.outcomes)
    if is_partial and not result.inserted:
        raise InvalidInput("No row is valid; none was stored.", result.rejected)
    result.rejected.sort(key=lambda error: index_of(error) or 0)
    return result


def index_of(error: FieldError) -> int | None:
    """The position of the row that an error is about; None where it is about something else."""
    index = error.field.partition(".")[0]
    return int(index) if index.isdigit() else None


def _store_good(rows: Any, kind: Kind, may_write: MayWrite, rejected: list[FieldError]) -> list[Outcome]:
    for _ in range(MAX_ROUNDS):
        if not len(rows):
            return []
        try:
            with transaction.atomic():
                return kind.ingest(rows, may_write=may_write)
        except InvalidInput as error:
            bad = {index_of(wrong) for wrong in error.errors}
            if not bad or None in bad:
                raise
            rejected += error.errors
            rows = kind.drop(rows, {index for index in bad if index is not None})
    raise InvalidInput("The rows refer to each other in too many ways; send fewer at a time.")
