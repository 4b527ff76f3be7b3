"""From what describes a series to its id: found or made for a whole batch at once, and remembered."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import orjson
from django.db import connection, transaction

from core.db.sql import named_queries
from core.exceptions import FieldError
from validation.constants import CACHED_SERIES, MAX_COMPONENT, MAX_METRIC_NAME, MAX_TAGS_BYTES, MAX_UNIT

SeriesKey = tuple[str, str, str | None, bytes]
"""What describes a series within its run: metric_name, component, metric_unit, and tags as JSON with sorted keys."""

NO_TAGS = b"null"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL in JSON: after an even number of backslashes."""
_SURROGATE = re.compile("[\ud800-\udfff]")

_known: dict[tuple[int, SeriesKey], int] = {}


def resolve_series(run_id: int, keys: Collection[SeriesKey]) -> dict[SeriesKey, int]:
    """The ids of distinct series of one run, made where they are new, in at most three queries.

    Safe beside other writers of the same series. This process remembers the ids from the commit on.

    Raises:
        IntegrityError: `metric_series_run_id_fk`, there is no such run.
    """
    found = {key: _known[run_id, key] for key in keys if (run_id, key) in _known}
    if missing := [key for key in keys if key not in found]:
        found |= _find_series(run_id, missing)
        if new := [key for key in missing if key not in found]:
            with connection.cursor() as cursor:
                cursor.execute(named_queries("validation")["make_series"], _parameters(run_id, new))
            found |= _find_series(run_id, new)
        transaction.on_commit(partial(_remember, run_id, {key: found[key] for key in missing}))
    return found


def forget_series(**_: Any) -> None:
    """Empty the memory: a new connection may lead to a server that lost the last commits."""
    _known.clear()


def _remember(run_id: int, series: Mapping[SeriesKey, int]) -> None:
    if len(_known) + len(series) > CACHED_SERIES:
        _known.clear()
    _known.update({(run_id, key): series_id for key, series_id in series.items()})


def _find_series(run_id: int, keys: Sequence[SeriesKey]) -> dict[SeriesKey, int]:
    with connection.cursor() as cursor:
        cursor.execute(named_queries("validation")["find_series"], _parameters(run_id, keys))
        return {keys[position]: series_id for position, series_id in cursor.fetchall()}


def _parameters(run_id: int, keys: Sequence[SeriesKey]) -> dict[str, Any]:
    names, components, units, tags = zip(*keys, strict=True)
    return {
        "run_id": run_id,
        "names": list(names),
        "components": list(components),
        "units": list(units),
        "tags": ["{}" if text == NO_TAGS else text.decode() for text in tags],
    }


def write_tags(tags: Mapping[str, Any] | None) -> bytes:
    """Tags as the JSON of a series key.

    Raises:
        TypeError: they are not JSON: a key that is no text, half of a surrogate pair, too deep, beyond 64 bits.
    """
    return orjson.dumps(tags, option=orjson.OPT_SORT_KEYS)


@lru_cache(maxsize=CACHED_SERIES)
def find_faults(key: SeriesKey) -> tuple[FieldError, ...]:
    """Everything wrong with the description of a series, each as an error of its field."""
    return tuple(_find_faults(key))


def _find_faults(key: SeriesKey) -> Iterator[FieldError]:
    name, component, unit, tags = key
    yield from _find_text_fault("metric_name", name, MAX_METRIC_NAME)
    yield from _find_text_fault("component", component, MAX_COMPONENT)
    if unit:
        yield from _find_text_fault("metric_unit", unit, MAX_UNIT)
    if tags != NO_TAGS and not tags.startswith(b"{"):
        yield FieldError("tags", "An object is needed.", "type")
    elif len(tags) > MAX_TAGS_BYTES:
        yield FieldError("tags", f"{len(tags)} bytes of tags are more than {MAX_TAGS_BYTES}.", "too_long")
    elif _NUL.search(tags):
        yield FieldError("tags", "A text holds no NUL character.", "nul")


def _find_text_fault(field: str, text: Any, longest: int) -> Iterator[FieldError]:
    if not isinstance(text, str):
        yield FieldError(field, "A text is needed.", "type")
    elif not text:
        yield FieldError(field, "A text that is not empty is needed.", "empty")
    elif len(text) > longest:
        yield FieldError(field, f"{len(text)} characters are more than {longest}.", "too_long")
    elif "\x00" in text:
        yield FieldError(field, "A text holds no NUL character.", "nul")
    elif not text.isascii() and _SURROGATE.search(text):
        yield FieldError(field, "A text holds no half of a surrogate pair.", "surrogate")
