"""Metric samples and the outcomes of checks, stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from core.db.copy import insert_columns
from core.exceptions import FieldError, InvalidInput
from core.models import Run
from validation.models import ValidationRun
from validation.samples import SampleColumns, distinct_runs, number_keys
from validation.series import NO_TAGS, resolve_series, write_tags

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@transaction.atomic
def record_metrics(
    *,
    run_id: int,
    names: Sequence[str],
    components: Sequence[str],
    units: Sequence[str | None],
    tags: Sequence[Mapping[str, Any] | None],
    times: Sequence[datetime] | NDArray[np.datetime64],
    values: Sequence[float] | NDArray[np.float64],
    indices: Sequence[int] | None = None,
) -> int:
    """Store samples of one run, given by column, and count them: all or none.

    Args:
        times: aware, or datetime64 in UTC; years 1900 to 9000.
        values: finite.
        indices: position of each row in the caller's batch, for the errors.

    Raises:
        InvalidInput: names every bad field of every bad row as `{index}.{field}`.
        IntegrityError: `metric_series_run_id_fk`, there is no such run.
    """
    count = len(names)
    if {len(components), len(units), len(tags), len(times), len(values)} != {count}:
        raise ValueError("the columns of a batch differ in length")
    rows = range(count) if indices is None else indices
    errors: list[FieldError] = []
    keys = zip(names, components, units, _write_tags(tags, rows, errors), strict=True)
    numbers, series = number_keys(list(keys))
    samples = SampleColumns(
        keys=[(run_id, key) for key in numbers],
        series=series,
        times=_read_times(times),
        values=_read_values(values),
        indices=np.fromiter(rows, np.int64, count),
    )
    return _store(samples, errors)


@transaction.atomic(savepoint=False)
def record_samples(*, samples: SampleColumns) -> int:
    """Store samples of any runs, and count them: all or none.

    Raises:
        InvalidInput: names every bad field of every bad sample as `{index}.{field}`.
        IntegrityError: `metric_series_run_id_fk`, there is no such run.
    """
    return _store(samples, [])


@transaction.atomic
def record_validation_run(
    *,
    validation_type: str,
    code_version: str,
    seed: int,
    test_parameters: dict[str, Any],
    results_data: dict[str, Any],
    total_tests: int,
    failed_tests: Sequence[str],
    duration_ms: float,
    executed_at: datetime,
    run: Run | None = None,
) -> ValidationRun:
    """Record the outcome of a set of checks; those that did not fail passed.

    Args:
        failed_tests: the name of every check that failed.
        run: the run whose telemetry was checked.

    Raises:
        IntegrityError: a `validation_runs_*` constraint.
    """
    return ValidationRun.objects.create(
        validation_type=validation_type,
        run=run,
        code_version=code_version,
        seed=seed,
        test_parameters=test_parameters,
        results_data=results_data,
        passed_tests=total_tests - len(failed_tests),
        total_tests=total_tests,
        failed_tests=list(failed_tests),
        duration_ms=duration_ms,
        executed_at=executed_at,
    )


def _store(samples: SampleColumns, errors: list[FieldError]) -> int:
    errors += samples.find_errors()
    if errors:
        raise InvalidInput(errors=errors)
    run_ids = samples.run_ids
    series_ids = np.empty(len(samples.keys), np.int64)
    for run_id, positions in distinct_runs(samples).items():
        keys = [samples.keys[at][1] for at in positions.tolist()]
        found = resolve_series(run_id, keys)
        series_ids[positions] = [found[key] for key in keys]
    columns = {
        "run_id": run_ids[samples.series],
        "series_id": series_ids[samples.series],
        "recorded_at": samples.times,
        "value": samples.values,
    }
    with connection.cursor() as cursor:
        return insert_columns(cursor, "metric_samples", columns)


def _write_tags(tags: Sequence[Mapping[str, Any] | None], rows: Sequence[int], errors: list[FieldError]) -> list[bytes]:
    try:
        return [write_tags(one) for one in tags]
    except TypeError:
        pass  # which rows it was is told below
    texts = []
    for row, one in zip(rows, tags, strict=True):
        try:
            texts.append(write_tags(one))
        except TypeError as error:
            errors.append(FieldError(f"{row}.tags", f"These tags cannot be stored: {error}.", "not_json"))
            texts.append(NO_TAGS)
    return texts


def _read_times(times: Sequence[datetime] | NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    if isinstance(times, np.ndarray):
        return times.astype("datetime64[us]")
    microseconds = np.fromiter(((at - _EPOCH) // _MICROSECOND for at in times), np.int64, len(times))
    return microseconds.view("datetime64[us]")


def _read_values(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64)
    except OverflowError:
        return np.array([_to_float(value) for value in values])


def _to_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond the range of double precision
        return np.inf
