"""Rows of each kind from the columns of an Arrow record batch."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.exceptions import FieldError
from nfcs.ingest.arrow import Column, find_nulls
from nfcs.ingest.chunks import Chunk
from nfcs.ingest.rows import FieldRow, OscillatorRow, locate_error
from validation.samples import SampleColumns
from validation.series import NO_TAGS, write_tags

try:
    import pyarrow as pa
except ImportError:
    pa = None


def _int64() -> Any:
    return pa.int64()


def _float64() -> Any:
    return pa.float64()


def _moment() -> Any:
    return pa.timestamp("us", "UTC")


def _label() -> Any:
    return pa.dictionary(pa.int32(), pa.string())


def _text() -> Any:
    return pa.string()


def _numbers() -> Any:
    return pa.list_(pa.float64())


METRICS = {
    "run": Column(_int64, required=True),
    "timestamp": Column(_moment, required=True),
    "metric_name": Column(_label, required=True),
    "metric_value": Column(_float64, required=True),
    "component": Column(_label, required=True),
    "metric_unit": Column(_label),
    "tags": Column(_label),
}
OSCILLATORS = {
    "run": Column(_int64, required=True),
    "timestamp": Column(_moment, required=True),
    "phases": Column(_numbers, required=True),
    "coupling_strength": Column(_float64),
    "natural_frequencies": Column(_numbers),
    "semantic_embedding": Column(_numbers),
    "sync_parameter": Column(_float64),
    "phase_coherence": Column(_float64),
    "ha": Column(_float64),
}
FIELDS = {
    "run": Column(_int64, required=True),
    "timestamp": Column(_moment, required=True),
    "resolution": Column(_int64, required=True),
    "frame": Column(lambda: pa.binary(), required=True),
    "ndim": Column(_int64),
    "length": Column(_float64),
    "keep_frame": Column(lambda: pa.bool_()),
    "c1": Column(_float64),
    "c3": Column(_float64),
    "dt": Column(_float64),
    "scheme": Column(_text),
    "coherence_level": Column(_float64),
    "energy_state": Column(_float64),
    "defect_density": Column(_float64),
    "ha": Column(_float64),
}
_LISTS = ("phases", "natural_frequencies", "semantic_embedding")


def read_metric_columns(columns: dict[str, Any], first: int, count: int) -> Chunk:
    """The samples of a record batch; `tags` are JSON objects."""
    good, errors = find_nulls(columns, METRICS, first)
    labels = {name: columns[name] for name in ("metric_name", "component", "metric_unit", "tags") if name in columns}
    values = {name: array.dictionary.to_pylist() for name, array in labels.items()}
    codes = [columns["run"].fill_null(0).to_numpy(zero_copy_only=False)]
    codes += [array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) for array in labels.values()]
    tags, refused = _read_tags(values.get("tags", []))
    if refused:
        at_fault = np.isin(codes[1 + list(labels).index("tags")], list(refused))
        errors += [FieldError(f"{first + at}.tags", "A JSON object is needed.") for at in np.flatnonzero(at_fault)]
        good &= ~at_fault
    codes = [one[good] for one in codes]
    series, distinct = _number_rows(codes)
    keys = []
    for run, *positions in distinct.tolist():
        at = dict(zip(labels, positions, strict=True))
        unit = at.get("metric_unit", -1)
        keys.append(
            (
                run,
                (
                    values["metric_name"][at["metric_name"]],
                    values["component"][at["component"]],
                    None if unit < 0 else values["metric_unit"][unit],
                    tags[at["tags"]] if at.get("tags", -1) >= 0 else NO_TAGS,
                ),
            )
        )
    times = columns["timestamp"].fill_null(0).to_numpy(zero_copy_only=False).astype("datetime64[us]")
    numbers = columns["metric_value"].fill_null(0.0).to_numpy(zero_copy_only=False)
    samples = SampleColumns(keys, series, times[good], numbers[good], first + np.flatnonzero(good))
    return Chunk(samples, errors, count)


def read_oscillator_columns(columns: dict[str, Any], first: int, count: int) -> Chunk:
    """The oscillator rows of a record batch."""
    return _read_structs(OscillatorRow, OSCILLATORS, columns, first, count)


def read_field_columns(columns: dict[str, Any], first: int, count: int) -> Chunk:
    """The field rows of a record batch."""
    return _read_structs(FieldRow, FIELDS, columns, first, count)


def _read_structs(row_type: Any, known: dict[str, Column], columns: dict[str, Any], first: int, count: int) -> Chunk:
    good, errors = find_nulls(columns, known, first)
    lists = {name: _read_lists(columns[name]) for name in _LISTS if name in columns}
    plain = {name: array.to_pylist() for name, array in columns.items() if name not in lists}
    rows = []
    for at in np.flatnonzero(good).tolist():
        fields = {name: values[at] for name, values in plain.items() if values[at] is not None}
        arrays = {name: found for name, values in lists.items() if (found := values[at]) is not None}
        # The lists stand in for themselves: they are of numbers already, and their lengths are all there is to check.
        probe = fields | {name: [0.0] * len(values) for name, values in arrays.items()}
        try:
            row = msgspec.convert(probe, row_type)
        except msgspec.ValidationError as error:
            errors.append(locate_error(str(first + at), str(error)))
            continue
        for name, values in arrays.items():
            setattr(row, name, values)
        rows.append((first + at, row))
    return Chunk(rows, errors, count)


def _read_lists(array: Any) -> list[NDArray[np.float64] | None]:
    """The rows of a list column, each float64 (m,), None for null; a null in a list is NaN."""
    offsets = array.offsets.to_numpy()
    numbers = array.values.fill_null(np.nan).to_numpy(zero_copy_only=False)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    return [numbers[offsets[at] : offsets[at + 1]] if is_valid else None for at, is_valid in enumerate(valid.tolist())]


def _read_tags(texts: list[str]) -> tuple[list[bytes], set[int]]:
    """The distinct tags in the form of series keys, and the positions of those that are no JSON objects."""
    found, refused = [], set()
    for position, text in enumerate(texts):
        try:
            found.append(write_tags(msgspec.json.decode(text, type=dict[str, Any])))
        except (msgspec.DecodeError, TypeError, UnicodeError, RecursionError, AttributeError):
            found.append(NO_TAGS)
            refused.add(position)
    return found, refused


def _number_rows(codes: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of each row's combination of codes, (n,); and the combinations, (m, len(codes))."""
    numbers = np.zeros(len(codes[0]), np.int64)
    for code in codes:
        _, inverse = np.unique(code, return_inverse=True)
        numbers = numbers * (int(inverse.max(initial=0)) + 1) + inverse
        _, numbers = np.unique(numbers, return_inverse=True)
    _, firsts = np.unique(numbers, return_index=True)
    return numbers.astype(np.int64), np.stack([code[firsts] for code in codes], axis=1)
