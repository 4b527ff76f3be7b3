"""The one path of telemetry: every producer's rows are stored, derived from and watched in a single transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from core.exceptions import FieldError, InvalidInput
from core.field import decode_frame
from core.models import Run
from core.services.fields import FieldSample, record_fields
from core.telemetry import HaComponents, unix_seconds
from kuramoto.services import OscillatorBatch, record_oscillators
from nfcs.ingest.carried import carry_defect, carry_forecast_and_drift
from nfcs.ingest.frames import keep_frames
from nfcs.ingest.metrics import refuse_run, watch_samples
from nfcs.ingest.outcomes import Outcome, summarise
from nfcs.ingest.rows import FieldRow, OscillatorRow
from nfcs.ingest.watching import watch
from validation.samples import SampleColumns, number_keys
from validation.series import write_tags
from validation.services import record_samples
from validation.services.alerts import Samples

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Item = TypeVar("Item", OscillatorRow, FieldRow)


@transaction.atomic(savepoint=False)
def ingest_oscillators(rows: Sequence[tuple[int, OscillatorRow]], *, may_write: Callable[[Run], bool]) -> list[Outcome]:
    """Store oscillator states of any number of runs, each with its position in the batch, all or none."""
    return [_ingest_run_oscillators(run, part) for run, part in _by_run(rows, may_write)]


@transaction.atomic(savepoint=False)
def ingest_fields(rows: Sequence[tuple[int, FieldRow]], *, may_write: Callable[[Run], bool]) -> list[Outcome]:
    """Store fields of any number of runs, each with its position in the batch, all or none."""
    return [_ingest_run_fields(run, part) for run, part in _by_run(rows, may_write)]


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
) -> Outcome:
    """Store and watch metric samples of one run, given by column: the path below every producer."""
    count = len(names)
    described = [write_tags(one or {}) for one in tags] if tags else [b"{}"] * count
    numbers, series = number_keys(list(zip(names, components, units, described, strict=True)))
    microseconds = [(at - _EPOCH) // _MICROSECOND for at in times]
    samples = SampleColumns(
        keys=[(run.pk, key) for key in numbers],
        series=series,
        times=np.array(microseconds, np.int64).view("datetime64[us]"),
        values=np.array(values, np.float64),
        indices=np.arange(count),
    )
    with transaction.atomic():
        record_samples(samples=samples)
        return watch_samples(run.pk, samples)


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
            embeddings = np.array(
                [nothing if row.semantic_embedding is None else row.semantic_embedding for row in rows]
            ).astype(np.float32)
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


def _watch(run: Run, rows: int, series: dict[str, Samples], events: Sequence[str] = (), late: int = 0) -> Outcome:
    # A value that is not there is missing, not invalid: everything that was sent is finite by now.
    known = {name: (times[~np.isnan(values)], values[~np.isnan(values)]) for name, (times, values) in series.items()}
    known = {name: pair for name, pair in known.items() if pair[0].size}
    watched = watch(run.pk, known)
    return Outcome(
        run=run.pk,
        rows=rows,
        derived={name: summarise(values) for name, (_, values) in known.items()},
        events=list(events),
        late=late,
        opened=watched.opened,
        cleared=watched.cleared,
    )


def split_runs(rows: Sequence[tuple[int, Item]]) -> list[list[tuple[int, Item]]]:
    """The rows of each run apart, in the order of runs, in which every batch takes them."""
    parts: dict[int, list[tuple[int, Item]]] = defaultdict(list)
    for index, row in rows:
        parts[row.run].append((index, row))
    return [parts[run] for run in sorted(parts)]


def _by_run(
    rows: Sequence[tuple[int, Item]], may_write: Callable[[Run], bool]
) -> list[tuple[Run, list[tuple[int, Item]]]]:
    parts = {part[0][1].run: part for part in split_runs(rows)}
    runs = {run.pk: run for run in Run.objects.filter(pk__in=parts)}
    errors = [
        refuse_run(index, pk)
        for pk, part in parts.items()
        if pk not in runs or not may_write(runs[pk])
        for index, _ in part
    ]
    if errors:
        raise InvalidInput(errors=errors)
    # In one order, so that two batches over the same runs cannot wait for each other.
    return [(runs[pk], part) for pk, part in parts.items()]


def _settle_frequencies(run: Run, part: list[tuple[int, OscillatorRow]]) -> None:
    """Natural frequencies belong to the run: the first row that has them sets them, any other agrees."""
    given = [(index, row.natural_frequencies) for index, row in part if row.natural_frequencies is not None]
    if not given:
        return
    if run.natural_frequencies is None:
        n = run.n_oscillators or len(part[0][1].phases)
        errors = [
            FieldError(f"{index}.natural_frequencies", f"{n} natural frequencies are needed.")
            for index, values in given
            if len(values) != n
        ]
        if errors:
            raise InvalidInput(errors=errors)
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
