"""What searches for similar rows have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from django.core.exceptions import ObjectDoesNotExist

from core.exceptions import InvalidInput
from core.telemetry import EARLIEST, LATEST
from core.vectors import MOST_NEIGHBOURS, Vector, read_vector

Neighbours = Annotated[int, msgspec.Meta(ge=1, le=MOST_NEIGHBOURS)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def read_target(
    vector: list[float] | None,
    row_id: int | None,
    get_embedding: Callable[[int], Sequence[float] | None],
    dimensions: int,
) -> Vector:
    """The vector to look for: the one given, or that of the row named.

    Raises:
        InvalidInput: names what is wrong: not exactly one of the two, no vector of a direction, no such row that may be
            seen, or one without embedding.
    """
    if (vector is None) == (row_id is None):
        raise InvalidInput.of("vector", "Either vector or id is needed.", "required")
    if row_id is None:
        return read_vector(vector or [], dimensions, "vector")
    try:
        found = get_embedding(row_id)
    except ObjectDoesNotExist as error:
        raise InvalidInput.of("id", f"There is no row {row_id} that you may see.", "not_found") from error
    if found is None:
        raise InvalidInput.of("id", f"Row {row_id} has no embedding.", "no_embedding")
    return read_vector(found, dimensions, "id")


def read_window(
    since: datetime | None, until: datetime | None, *, now: datetime, usual: timedelta
) -> tuple[datetime, datetime]:
    """Start and end of the time to search: until now where no end is given, of the usual length where no start is.

    Raises:
        InvalidInput: a time is out of range, or the start is not before the end.
    """
    for name, at in (("since", since), ("until", until)):
        if at is not None and not EARLIEST <= at < LATEST:
            raise InvalidInput.of(name, "A time between the years 1900 and 9000 is needed.", "out_of_range")
    end = now if until is None else until
    start = end - usual if since is None else since
    if start >= end:
        raise InvalidInput.of("until", f"A time after {start.isoformat()} is needed.", "too_early")
    return start, end
