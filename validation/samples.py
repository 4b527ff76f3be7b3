"""Metric samples by column: how every producer hands them over."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.exceptions import FieldError
from core.telemetry import EARLIEST, LATEST
from validation.series import SeriesKey, find_faults

_FIRST_US, _END_US = (int(bound.timestamp()) * 1_000_000 for bound in (EARLIEST, LATEST))


@dataclass(frozen=True, eq=False)
class SampleColumns:
    """Samples of any number of runs and series.

    Attributes:
        keys: the series, each once and with a sample: its run and its description.
        series: position in `keys` of each sample, int64 (n,).
        times: datetime64[us], UTC, (n,).
        values: float64 (n,).
        indices: position of each sample in what the caller sent, for errors, int64 (n,).
    """

    keys: Sequence[tuple[int, SeriesKey]]
    series: NDArray[np.int64]
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def of(
        cls,
        keys: Sequence[tuple[int, SeriesKey]],
        series: NDArray[np.int64],
        times: NDArray[np.datetime64],
        values: NDArray[np.float64],
        first: int = 0,
    ) -> Self:
        """Samples that were sent in a row, the first of them at position `first`."""
        return cls(keys, series, times, values, np.arange(first, first + len(series), dtype=np.int64))

    @property
    def run_ids(self) -> NDArray[np.int64]:
        """The run of each of `keys`, int64."""
        return np.fromiter((run_id for run_id, _ in self.keys), np.int64, len(self.keys))

    def without(self, indices: Collection[int]) -> Self:
        """The samples but those at these positions in what the caller sent."""
        kept = ~np.isin(self.indices, np.fromiter(indices, np.int64, len(indices)))
        used, series = np.unique(self.series[kept], return_inverse=True)
        return replace(
            self,
            keys=[self.keys[at] for at in used.tolist()],
            series=series.astype(np.int64),
            times=self.times[kept],
            values=self.values[kept],
            indices=self.indices[kept],
        )

    def find_errors(self) -> list[FieldError]:
        """Everything wrong with every sample, as `{index}.{field}`."""
        errors = []
        faults = {at: found for at, (_, key) in enumerate(self.keys) if (found := find_faults(key))}
        if faults:
            for position in np.flatnonzero(np.isin(self.series, list(faults))).tolist():
                errors += [
                    FieldError(f"{self.indices[position]}.{fault.field}", fault.detail, fault.code)
                    for fault in faults[int(self.series[position])]
                ]
        microseconds = self.times.astype("datetime64[us]").astype(np.int64)
        detail = "A time between the years 1900 and 9000 is needed."
        for position in np.flatnonzero((microseconds < _FIRST_US) | (microseconds >= _END_US)).tolist():
            errors.append(FieldError(f"{self.indices[position]}.timestamp", detail, "out_of_range"))
        for position in np.flatnonzero(~np.isfinite(self.values)).tolist():
            detail_of = f"{self.indices[position]}.metric_value"
            errors.append(FieldError(detail_of, "A finite number is needed.", "not_finite"))
        return errors


def number_keys(keys: Sequence[Hashable]) -> tuple[dict[Any, int], NDArray[np.int64]]:
    """The distinct keys in order, each with its number; and the number of every key, int64 (n,)."""
    numbers: dict[Any, int] = {}
    find = numbers.setdefault
    return numbers, np.array([find(key, len(numbers)) for key in keys], np.int64)


def sort_by_group(groups: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions in the order of their groups, stable, int64 (n,); and where each group begins, int64 (count + 1,)."""
    narrow = groups.astype(np.uint16) if count < 1 << 16 else groups
    order = np.argsort(narrow, kind="stable")
    return order, np.concatenate(([0], np.cumsum(np.bincount(groups, minlength=count))))


def distinct_runs(samples: SampleColumns) -> Mapping[int, NDArray[np.int64]]:
    """By run: the positions of its keys."""
    run_ids = samples.run_ids
    return {int(run_id): np.flatnonzero(run_ids == run_id) for run_id in np.unique(run_ids)}
