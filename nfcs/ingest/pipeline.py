"""The one path of telemetry: every producer's rows are stored, derived from and watched in a single transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from constitutional.services.monitor import monitor_samples
from core.exceptions import FieldError, InvalidInput
from core.field import decode_frame
from core.models import Run
from core.services.fields import FieldSample, record_fields
from core.telemetry import FloatArray, HaComponents, unix_seconds
from kuramoto.services import OscillatorBatch, record_oscillators
from nfcs.ingest.carried import carry_defect, carry_forecast_and_drift
from nfcs.ingest.frames import keep_frames
from nfcs.ingest.rows import FieldRow, MetricRow, OscillatorRow
from validation.alert_conditions import SeriesName
from validation.series import write_tags
from validation.services import evaluate_alerts, record_metrics
from validation.services.alerts import Samples, Split

Item = TypeVar("Item", OscillatorRow, FieldRow, MetricRow)


@dataclass(frozen=True)
class Outcome:
    """What a batch of one run brought.

    Attributes:
        derived: by name, the smallest, mean, largest and last value of what was computed.
        events: types of the synchronization events found.
        late: rows older than the run's newest, stored but not fed to the detector of events.
        opened, cleared: violations that began and ended.
    """

    run: int
    rows: int
    derived: dict[str, dict[str, float]]
    events: list[str]
    late: int
    opened: int
    cleared: int


@transaction.atomic
def ingest_oscillators(rows: Sequence[OscillatorRow], *, may_write: Callable[[Run], bool]) -> list[Outcome]:
    """Store oscillator states of any number of runs, all or none."""
    return [_ingest_run_oscillators(run, part) for run, part in _by_run(rows, may_write)]


@transaction.atomic
def ingest_fields(rows: Sequence[FieldRow], *, may_write: Callable[[Run], bool]) -> list[Outcome]:
    """Store fields of any number of runs, all or none."""
    return [_ingest_run_fields(run, part) for run, part in _by_run(rows, may_write)]


@transaction.atomic
def ingest_metrics(rows: Sequence[MetricRow], *, may_write: Callable[[Run], bool]) -> list[Outcome]:
    """Store metric samples of any number of runs, all or none."""
    return [_ingest_run_metrics(run, part) for run, part in _by_run(rows, may_write)]


def record_run_oscillators(run: Run, batch: OscillatorBatch) -> Outcome:
    """Store, derive from and watch oscillator states of one run: the path below every producer."""
    with transaction.atomic():
        times = unix_seconds(batch.timestamps)
        recorded = record_oscillators(run=run, batch=batch, defect=carry_defect(run.pk, batch.timestamps))
        series = {"r": (times, recorded.r), "ha": (times, recorded.ha)}
        return _watch(run, len(times), series, [event.event_type for event in recorded.events], recorded.late)


def record_run_fields(run: Run, samples: Sequence[FieldSample]) -> Outcome:
    """Store, derive from and watch fields of one run: the path below every producer.

    Where the run has oscillators too, their rows feed Ha to the monitor: they carry all three components.
    """
    with transaction.atomic():
        timestamps = [sample.timestamp for sample in samples]
        times = unix_seconds(timestamps)
        forecast, drift = carry_forecast_and_drift(run.pk, timestamps)
        carried = HaComponents(np.full(times.shape, np.nan), forecast, drift)
        recorded = record_fields(run=run, samples=samples, carried=carried)
        series = {
            "coherence": (times, recorded.coherence_level),
            "energy": (times, recorded.energy_state),
            "defect_density": (times, recorded.defect_density),
        }
        if run.n_oscillators is None:
            series["ha"] = (times, recorded.ha)
        return _watch(run, len(times), series)


def record_run_metrics(
    run: Run,
    *,
    names: Sequence[str],
    components: Sequence[str],
    units: Sequence[str | None],
    times: Sequence[datetime],
    values: Sequence[float],
    tags: Sequence[dict[str, Any]] | None = None,
    indices: Sequence[int] | None = None,
) -> Outcome:
    """Store and watch metric samples of one run, given by column: the path below every producer."""
    with transaction.atomic():
        record_metrics(
            run_id=run.pk,
            names=names,
            components=components,
            units=units,
            tags=tags or [{}] * len(names),
            times=times,
            values=values,
            indices=indices or range(len(names)),
        )
        positions: dict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(names):
            positions[f"metric:{name}"].append(position)
        seconds, numbers = unix_seconds(times), np.array(values, dtype=np.float64)

        def split(name: str) -> dict[SeriesName, Samples]:
            """The samples of a metric, series by series."""
            parts: dict[SeriesName, list[int]] = defaultdict(list)
            for at in positions[name]:
                described = write_tags((tags[at] if tags else None) or {})
                parts[SeriesName(name, components[at], units[at] or None, described)].append(at)
            return {series: (seconds[at], numbers[at]) for series, at in parts.items()}

        by_name = {name: (seconds[at], numbers[at]) for name, at in positions.items()}
        return _watch(run, len(names), by_name, split=split)


def _ingest_run_oscillators(run: Run, part: list[tuple[int, OscillatorRow]]) -> Outcome:
    indices = [index for index, _ in part]
    rows = [row for _, row in part]
    _settle_frequencies(run, part)
    lengths = {len(row.phases) for row in rows}
    if len(lengths) > 1:
        n = run.n_oscillators or len(rows[0].phases)
        raise InvalidInput(
            errors=[
                FieldError(f"{index}.phases", f"{n} phases are needed, as in every row of run {run.pk}.")
                for index, row in part
                if len(row.phases) != n
            ]
        )
    embeddings = None
    if any(row.semantic_embedding is not None for row in rows):
        nothing = [np.nan] * 768
        with np.errstate(over="ignore"):
            # What does not fit becomes infinite and is refused with its row.
            embeddings = np.array([row.semantic_embedding or nothing for row in rows]).astype(np.float32)
    batch = OscillatorBatch(
        indices=indices,
        timestamps=[row.timestamp for row in rows],
        phases=np.array([row.phases for row in rows], dtype=np.float64),
        coupling_strength=np.array(
            [np.nan if row.coupling_strength is None else row.coupling_strength for row in rows], dtype=np.float64
        ),
        embeddings=embeddings,
        horizons=[_horizons(row) for row in rows],
        claims={name: [getattr(row, name) for row in rows] for name in ("sync_parameter", "phase_coherence", "ha")},
    )
    return record_run_oscillators(run, batch)


def _ingest_run_fields(run: Run, part: list[tuple[int, FieldRow]]) -> Outcome:
    samples, errors = [], []
    kept = keep_frames(run, [row.timestamp for _, row in part], [row.keep_frame for _, row in part])
    for (index, row), keep in zip(part, kept, strict=True):
        try:
            amplitude = _read_amplitude(row)
        except ValueError as error:
            name, _, detail = str(error).partition(": ")
            errors.append(FieldError(f"{index}.{name}", detail))
            continue
        descriptor = {name: getattr(row, name) for name in ("c1", "c3", "dt", "scheme")}
        samples.append(
            FieldSample(
                index=index,
                timestamp=row.timestamp,
                amplitude=amplitude,
                # Where no length is known, the spacing counts as 1.
                length=row.length or float(row.resolution),
                descriptor={name: value for name, value in descriptor.items() if value is not None},
                keep_frame=keep,
                claims={
                    name: getattr(row, name) for name in ("coherence_level", "energy_state", "defect_density", "ha")
                },
            )
        )
    if errors:
        raise InvalidInput(errors=errors)
    return record_run_fields(run, samples)


def _ingest_run_metrics(run: Run, part: list[tuple[int, MetricRow]]) -> Outcome:
    rows = [row for _, row in part]
    errors, times = [], []
    for index, row in part:
        at = row.timestamp or row.recorded_at
        if at is None or (row.timestamp and row.recorded_at):
            errors.append(FieldError(f"{index}.timestamp", "Either timestamp or recorded_at is needed.", "required"))
        else:
            times.append(at)
    if errors:
        raise InvalidInput(errors=errors)
    return record_run_metrics(
        run,
        names=[row.metric_name for row in rows],
        components=[row.component for row in rows],
        units=[row.metric_unit for row in rows],
        tags=[row.tags for row in rows],
        times=times,
        values=[row.metric_value for row in rows],
        indices=[index for index, _ in part],
    )


def _watch(
    run: Run,
    rows: int,
    series: dict[str, Samples],
    events: Sequence[str] = (),
    late: int = 0,
    split: Split | None = None,
) -> Outcome:
    # A value that is not there is missing, not invalid: everything that was sent is finite by now.
    known = {name: (times[~np.isnan(values)], values[~np.isnan(values)]) for name, (times, values) in series.items()}
    known = {name: pair for name, pair in known.items() if pair[0].size}
    watched = monitor_samples(run_id=run.pk, series=known)
    evaluate_alerts(run_id=run.pk, series=known, split=split, now=timezone.now())
    return Outcome(
        run=run.pk,
        rows=rows,
        derived={name: _summarise(values) for name, (_, values) in known.items()},
        events=list(events),
        late=late,
        opened=len(watched.opened),
        cleared=len(watched.cleared),
    )


def _summarise(values: FloatArray) -> dict[str, float]:
    return {
        "min": float(values.min()),
        "mean": float(values.mean()),
        "max": float(values.max()),
        "last": float(values[-1]),
    }


def _by_run(rows: Sequence[Item], may_write: Callable[[Run], bool]) -> list[tuple[Run, list[tuple[int, Item]]]]:
    parts: dict[int, list[tuple[int, Item]]] = defaultdict(list)
    for index, row in enumerate(rows):
        parts[row.run].append((index, row))
    # In one order, so that two batches over the same runs cannot wait for each other.
    runs = {run.pk: run for run in Run.objects.filter(pk__in=parts).order_by("pk")}
    errors = [
        FieldError(f"{part[0][0]}.run", f"There is no run {pk} that you may write to.", "not_found")
        for pk, part in parts.items()
        if pk not in runs or not may_write(runs[pk])
    ]
    if errors:
        raise InvalidInput(errors=errors)
    return [(run, parts[run.pk]) for run in runs.values()]


def _settle_frequencies(run: Run, part: list[tuple[int, OscillatorRow]]) -> None:
    """Natural frequencies belong to the run: the first row that has them sets them, any other agrees."""
    given = [(index, row.natural_frequencies) for index, row in part if row.natural_frequencies is not None]
    if not given:
        return
    if run.natural_frequencies is None:
        n = run.n_oscillators or len(part[0][1].phases)
        if len(given[0][1]) != n:
            raise InvalidInput.of(f"{given[0][0]}.natural_frequencies", f"{n} natural frequencies are needed.")
        run.n_oscillators, run.natural_frequencies = n, given[0][1]
        run.save(update_fields=["n_oscillators", "natural_frequencies"])
    known = np.array(run.natural_frequencies)
    errors = [
        FieldError(f"{index}.natural_frequencies", f"Run {run.pk} has other natural frequencies.", "disagrees")
        for index, values in given
        if len(values) != known.size or not np.allclose(values, known, rtol=1e-9, atol=1e-12)
    ]
    if errors:
        raise InvalidInput(errors=errors)


def _horizons(row: OscillatorRow) -> dict[str, float] | None:
    if row.prediction_horizons is None:
        return None
    values = {
        "30": row.prediction_horizons.s30,
        "180": row.prediction_horizons.s180,
        "600": row.prediction_horizons.s600,
    }
    return {name: value for name, value in values.items() if value is not None}


def _read_amplitude(row: FieldRow) -> NDArray[Any]:
    """The field of a row, complex, (resolution,) * ndim; a ValueError begins with the field's name."""
    shape = (row.resolution,) * row.ndim
    if (row.frame is None) == (row.real is None):
        raise ValueError("frame: either frame, or real and imag, is needed")
    if row.frame is not None:
        if row.imag is not None:
            raise ValueError("imag: goes with real, not with frame")
        try:
            return decode_frame(row.frame, shape)
        except ValueError as error:
            raise ValueError(f"frame: {str(error).partition(': ')[2] or error}") from error
    if row.imag is None:
        raise ValueError("imag: goes with real")
    parts = []
    for name, values in (("real", row.real), ("imag", row.imag)):
        try:
            part = np.array(values, dtype=np.float64)
        except ValueError as error:
            raise ValueError(f"{name}: the rows have different lengths") from error
        if part.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {part.shape}")
        parts.append(part)
    return np.asarray(parts[0] + 1j * parts[1])
