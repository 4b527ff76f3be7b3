"""Samples as they are read: columns of numpy, or a table of pandas or Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LABELS = ("metric_name", "component", "metric_unit")


@dataclass(frozen=True, eq=False)
class Samples:
    """Metric samples, oldest first.

    Attributes:
        times: datetime64[us], UTC, (n,).
        values: float64 (n,).
        series: number of the series of each sample, int64 (n,).
        described: by that number: run, metric_name, component, metric_unit and tags.
    """

    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    series: NDArray[np.int64]
    described: Mapping[int, Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Samples:
        """The samples of rows as the API lists them, in any order."""
        listed = list(rows)
        described = {
            int(row["series"]): {name: row[name] for name in ("run", *_LABELS, "tags")} for row in reversed(listed)
        }
        times = np.array([row["recorded_at"].removesuffix("Z") for row in listed], "datetime64[us]")
        order = np.argsort(times, kind="stable")
        values = np.array([row["metric_value"] for row in listed], np.float64)
        series = np.array([row["series"] for row in listed], np.int64)
        return cls(times[order], values[order], series[order], described)

    def of_series(self, number: int) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
        """Times and values of one series."""
        mine = self.series == number
        return self.times[mine], self.values[mine]

    def to_pandas(self) -> Any:
        """A DataFrame with a row a sample; needs pandas."""
        import pandas as pd

        columns: dict[str, Any] = {"recorded_at": pd.to_datetime(self.times, utc=True), "value": self.values}
        columns["series"] = self.series
        for name in _LABELS:
            columns[name] = pd.Categorical([self.described[at][name] for at in self.series.tolist()])
        return pd.DataFrame(columns)

    def to_arrow(self) -> Any:
        """A table with a row a sample; needs pyarrow."""
        import pyarrow as pa

        columns: dict[str, Any] = {
            "recorded_at": pa.array(self.times, pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
            "value": pa.array(self.values),
            "series": pa.array(self.series),
        }
        for name in _LABELS:
            texts = [self.described[at][name] for at in self.series.tolist()]
            columns[name] = pa.array(texts, pa.string()).dictionary_encode()
        return pa.table(columns)
