"""Metric rows from JSON straight into columns: one sample a row, or the times and values of a series together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from rest_framework.exceptions import ParseError

from core.exceptions import FieldError
from nfcs.ingest.chunks import Chunk
from nfcs.ingest.rows import MetricRow, Moment, RunId, decode_each, locate_error
from nfcs.ingest.times import parse_utc
from validation.samples import SampleColumns, number_keys
from validation.series import SeriesKey, write_tags

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_TAGS = msgspec.Raw(b"{}")


class QuickRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A `MetricRow` whose time and tags are left as text; what it cannot take, `MetricRow` tells about."""

    run: RunId
    metric_name: str
    metric_value: float
    component: str
    metric_unit: str | None = None
    tags: msgspec.Raw = _NO_TAGS
    timestamp: str = ""
    recorded_at: str = ""


class SeriesGroup(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Samples of one series: times in `times` as ISO 8601, or in `times_us` as microseconds since 1970, UTC."""

    run: RunId
    metric_name: str
    component: str
    values: list[float]
    times: list[str] | None = None
    times_us: list[Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]] | None = None
    metric_unit: str | None = None
    tags: dict[str, Any] = {}


class GroupedBody(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A body grouped by series."""

    series: list[SeriesGroup]


_quick_array = msgspec.json.Decoder(list[QuickRow])
_quick_lines = msgspec.json.Decoder(QuickRow)
_grouped = msgspec.json.Decoder(GroupedBody)
_moments = list[Moment]


def read_metrics(body: bytes, is_lines: bool, first: int) -> Chunk:
    """The samples of JSON or NDJSON.

    Raises:
        ParseError: it is not JSON, or no batch.
        InvalidInput: of a body grouped by series, where something is wrong with it.
    """
    if not is_lines and body[:64].lstrip()[:1] == b"{":
        return _read_groups(body)
    samples = _read_quickly(body, is_lines, first)
    if samples is not None:
        return Chunk(samples, count=len(samples))
    rows, errors, count = decode_each(body, is_lines, MetricRow, first)
    return _join_rows(rows, errors, count)


def _read_quickly(body: bytes, is_lines: bool, first: int) -> SampleColumns | None:
    """The samples where every row is as most are; None for rows that need another look."""
    try:
        rows = _quick_lines.decode_lines(body) if is_lines else _quick_array.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    texts = [row.timestamp for row in rows]
    seconds = [row.recorded_at for row in rows]
    if any(seconds):
        if any(map(_are_both, texts, seconds)):
            return None
        texts = [one or other for one, other in zip(texts, seconds, strict=True)]
    times = parse_utc(texts)
    if times is None:
        return None
    raw_keys = [(row.run, row.metric_name, row.component, row.metric_unit, bytes(row.tags)) for row in rows]
    numbers, series = number_keys(raw_keys)
    try:
        keys = [(run, (name, component, unit, _canonical(tags))) for run, name, component, unit, tags in numbers]
    except (msgspec.DecodeError, TypeError, UnicodeDecodeError, RecursionError):
        return None
    values = np.array([row.metric_value for row in rows], np.float64)
    return SampleColumns.of(keys, series, times, values, first)


def _are_both(one: str, other: str) -> bool:
    return bool(one) and bool(other)


@lru_cache(maxsize=16_384)
def _canonical(tags: bytes) -> bytes:
    """Tags as they stand in the body, in the form of a series key."""
    return write_tags(msgspec.json.decode(tags, type=dict[str, Any]))


def _join_rows(rows: list[tuple[int, MetricRow]], errors: list[FieldError], count: int) -> Chunk:
    kept, keys, times = [], [], []
    for index, row in rows:
        at = row.timestamp or row.recorded_at
        try:
            if at is None or (row.timestamp and row.recorded_at):
                detail = "Either timestamp or recorded_at is needed."
                errors.append(FieldError(f"{index}.timestamp", detail, "required"))
                continue
            key: SeriesKey = (row.metric_name, row.component, row.metric_unit, write_tags(row.tags))
        except TypeError as error:
            errors.append(FieldError(f"{index}.tags", f"These tags cannot be stored: {error}.", "not_json"))
            continue
        kept.append((index, row.metric_value))
        keys.append((row.run, key))
        times.append((at - _EPOCH) // _MICROSECOND)
    numbers, series = number_keys(keys)
    samples = SampleColumns(
        list(numbers),
        series,
        np.array(times, np.int64).view("datetime64[us]"),
        np.array([value for _, value in kept], np.float64),
        np.array([index for index, _ in kept], np.int64),
    )
    return Chunk(samples, errors, count)


def _read_groups(body: bytes) -> Chunk:
    try:
        groups = _grouped.decode(body).series
    except msgspec.ValidationError as error:
        found = locate_error("", str(error))
        raise ParseError(f"{found.field.strip('.') or 'body'}: {found.detail}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    times = [_read_group_times(position, group) for position, group in enumerate(groups)]
    lengths = [len(group.values) for group in groups]
    try:
        raw_keys = [(g.run, (g.metric_name, g.component, g.metric_unit, write_tags(g.tags))) for g in groups]
    except TypeError as error:
        raise ParseError(f"tags: they cannot be stored: {error}.") from error
    numbers, positions = number_keys(raw_keys)
    values = np.fromiter(chain.from_iterable(group.values for group in groups), np.float64, sum(lengths))
    samples = SampleColumns.of(
        list(numbers),
        np.repeat(positions, lengths),
        np.concatenate(times) if times else np.empty(0, "datetime64[us]"),
        values,
    )
    return Chunk(samples, count=len(samples))


def _read_group_times(position: int, group: SeriesGroup) -> NDArray[np.datetime64]:
    if (group.times is None) == (group.times_us is None):
        raise ParseError(f"series.{position}.times: either times or times_us is needed.")
    given: Sequence[Any] = group.times or group.times_us or ()
    if len(given) != len(group.values):
        raise ParseError(f"series.{position}.values: {len(group.values)} values stand with {len(given)} times.")
    if group.times is None:
        return np.array(given, np.int64).view("datetime64[us]")
    parsed = parse_utc(group.times)
    if parsed is not None:
        return parsed
    try:
        moments = msgspec.convert(group.times, _moments)
    except msgspec.ValidationError as error:
        found = locate_error("", str(error))
        raise ParseError(f"series.{position}.times{found.field}: {found.detail}") from error
    return np.array([(at - _EPOCH) // _MICROSECOND for at in moments], np.int64).view("datetime64[us]")
