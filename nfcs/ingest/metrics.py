"""Metric samples of any number of runs: stored in one statement, then watched run by run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from core.exceptions import FieldError, InvalidInput
from core.models import Run
from nfcs.ingest.outcomes import Outcome, Summary
from nfcs.ingest.watching import watch
from validation.alert_conditions import SeriesName
from validation.samples import SampleColumns, number_keys, sort_by_group
from validation.series import NO_TAGS
from validation.services import record_samples
from validation.services.alerts import Samples


@transaction.atomic(savepoint=False)
def ingest_samples(samples: SampleColumns, *, may_write: Callable[[Run], bool]) -> list[Outcome]:
    """Store metric samples and hold them to policies and rules, all or none.

    Raises:
        InvalidInput: names every bad sample as `{index}.{field}`.
    """
    runs = _find_runs(samples, may_write)
    record_samples(samples=samples)
    return [watch_samples(run_id, samples) for run_id in runs]


def watch_samples(run_id: int, samples: SampleColumns) -> Outcome:
    """Hold the stored samples of one run to policies and rules."""
    of_run = np.fromiter((key_run == run_id for key_run, _ in samples.keys), bool, len(samples.keys))
    described = [key for _, key in samples.keys]
    names, name_of_key = number_keys([key[0] for key in described])
    series, times, values = samples.series, samples.times, samples.values
    if not of_run.all():
        chosen = of_run[series]
        series, times, values = series[chosen], times[chosen], values[chosen]
    order, bounds = sort_by_group(name_of_key[series], len(names))
    seconds = times[order].astype(np.int64) / 1e6
    sorted_values, sorted_series = values[order], series[order]
    spans = {
        f"metric:{name}": slice(int(bounds[at]), int(bounds[at + 1]))
        for name, at in names.items()
        if bounds[at] < bounds[at + 1]
    }
    by_name = {name: (seconds[span], sorted_values[span]) for name, span in spans.items()}

    def split(name: str) -> Mapping[SeriesName, Samples]:
        """The samples of a metric, series by series."""
        in_name = sorted_series[spans[name]]
        at_s, numbers = by_name[name]
        positions: dict[SeriesName, list[int]] = {}
        for position in np.unique(in_name).tolist():
            _, component, unit, tags = described[position]
            # No unit and an empty one are the same series.
            key = SeriesName(name, component, unit or None, b"{}" if tags == NO_TAGS else tags)
            positions.setdefault(key, []).append(position)
        chosen = {key: np.isin(in_name, mine) for key, mine in positions.items()}
        return {key: (at_s[mine], numbers[mine]) for key, mine in chosen.items()}

    derived = _summarise(spans, sorted_values)
    watched = watch(run_id, by_name, split=split)
    return Outcome(run_id, len(series), derived, opened=watched.opened, cleared=watched.cleared)


def _find_runs(samples: SampleColumns, may_write: Callable[[Run], bool]) -> list[int]:
    """The runs of samples in the order in which every batch takes them, so that no two wait for each other."""
    used = np.unique(samples.series)
    run_ids = samples.run_ids
    wanted: list[int] = np.unique(run_ids[used]).tolist()
    runs = {run.pk: run for run in Run.objects.filter(pk__in=wanted).only("pk", "owner_id")}
    missing = [pk for pk in wanted if pk not in runs or not may_write(runs[pk])]
    if missing:
        bad = np.isin(run_ids[samples.series], missing)
        raise InvalidInput(errors=_name_runs(samples.indices[bad].tolist(), run_ids[samples.series][bad].tolist()))
    return wanted


def _name_runs(indices: Sequence[int], run_ids: Sequence[int]) -> list[FieldError]:
    return [refuse_run(index, pk) for index, pk in zip(indices, run_ids, strict=True)]


def refuse_run(index: int, run_id: int) -> FieldError:
    """The error of a row whose run is not there, or not the caller's."""
    return FieldError(f"{index}.run", f"There is no run {run_id} that you may write to.", "not_found")


def _summarise(spans: Mapping[str, slice], values: NDArray[Any]) -> dict[str, Summary]:
    if not spans:
        return {}
    starts = [span.start for span in spans.values()]
    counts = [span.stop - span.start for span in spans.values()]
    least, most = np.minimum.reduceat(values, starts).tolist(), np.maximum.reduceat(values, starts).tolist()
    means = (np.add.reduceat(values, starts) / counts).tolist()
    return {
        name: Summary(counts[at], least[at], means[at], most[at], float(values[span.stop - 1]))
        for at, (name, span) in enumerate(spans.items())
    }
