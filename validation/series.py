"""From what describes a series to its id: found or made for a whole batch at once, and remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from core.db.sql import named_queries
from core.exceptions import FieldError
from validation.constants import CACHED_SERIES, MAX_COMPONENT, MAX_METRIC_NAME, MAX_TAGS_BYTES, MAX_UNIT


class SeriesKey(NamedTuple):
    """What describes a series within its run; tags as JSON with sorted keys."""

    metric_name: str
    component: str
    metric_unit: str | None
    tags: str


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
    names, components, units, tags = map(list, zip(*keys, strict=True))
    return {"run_id": run_id, "names": names, "components": components, "units": units, "tags": tags}


def write_tags(tags: Mapping[str, Any] | None) -> str:
    """Tags as the JSON of a series key; no tags are the empty object.

    Raises:
        ValueError: they are no JSON object that PostgreSQL can hold; the message says why.
    """
    if not tags:
        if tags is None or isinstance(tags, Mapping):
            return "{}"
        raise ValueError("An object is needed.")
    if not isinstance(tags, Mapping):
        raise ValueError("An object is needed.")
    try:
        text = orjson.dumps(tags, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(f"Not JSON that can be stored: {error}.") from error
    if len(text) > MAX_TAGS_BYTES:
        raise ValueError(f"{len(text)} bytes of tags are more than {MAX_TAGS_BYTES}.")
    if b"\\u0000" in text and _holds_nul(tags):
        raise ValueError("A text holds a NUL character.")
    return text.decode()


def find_faults(key: SeriesKey) -> Iterator[FieldError]:
    """Everything wrong with the texts of a series, each as an error of its field."""
    for field, text, longest in (
        ("metric_name", key.metric_name, MAX_METRIC_NAME),
        ("component", key.component, MAX_COMPONENT),
        ("metric_unit", key.metric_unit or "1", MAX_UNIT),
    ):
        if not isinstance(text, str):
            yield FieldError(field, "A text is needed.", "type")
        elif not text:
            yield FieldError(field, "A text that is not empty is needed.", "empty")
        elif len(text) > longest:
            yield FieldError(field, f"{len(text)} characters are more than {longest}.", "too_long")
        elif "\x00" in text:
            yield FieldError(field, "A text holds no NUL character.", "nul")
        elif not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            yield FieldError(field, "A text holds no half of a surrogate pair.", "surrogate")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(_holds_nul, value))
