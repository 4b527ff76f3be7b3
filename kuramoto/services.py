"""Every write of the kuramoto app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from core.db.copy import insert_rows
from core.exceptions import FieldError, InvalidInput
from core.hallucination import HA_VERSION, drift_component, hallucination_number
from core.models import Run
from core.series import select_on_time
from core.telemetry import FloatArray, HaComponents, check_claims, check_times, none_for_nan, unix_seconds
from kuramoto.choices import EventCause, EventType
from kuramoto.constants import EMBEDDING_DIMENSIONS, MAX_PHASE_RAD
from kuramoto.dynamics import order_parameter, wrap_phase
from kuramoto.forecaster import ForecasterState, score_persistence
from kuramoto.models import SynchronizationEvent, SynchronizationState
from kuramoto.synchronization import DetectorSettings, DetectorState, detect_events, minimum_dwell_s

COLUMNS = {
    "run_id": "bigint",
    "timestamp": "timestamptz",
    "phases": "float8[]",
    "sync_parameter": "float8",
    "mean_phase": "float8",
    "coupling_strength": "float8",
    "semantic_embedding": "vector",
    "prediction_horizons": "jsonb",
    "ha": "float8",
    "ha_version": "smallint",
    "ha_defect": "float8",
    "ha_forecast": "float8",
    "ha_drift": "float8",
}
DEFAULT_DWELL_S = 5.0
"""Dwell of synchronization events where the critical coupling is not known."""


@dataclass(frozen=True)
class OscillatorBatch:
    """States of the oscillators of one run, in the order they came.

    Attributes:
        indices: position of each row in the client's batch, for error messages.
        phases: rad, float64 (m, n), finite; wrapped on the way in.
        coupling_strength: K in rad/s, (m,), NaN where it is not known.
        embeddings: float32 (m, 768), a row of NaN where there is none; None when no row has one.
        horizons: predicted order parameter by horizon, or None, for each row.
        claims: by field, derived values that the client sent for each row.
    """

    indices: Sequence[int]
    timestamps: Sequence[datetime]
    phases: FloatArray
    coupling_strength: FloatArray
    embeddings: NDArray[np.float32] | None = None
    horizons: Sequence[Mapping[str, Any] | None] | None = None
    claims: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedOscillators:
    """What was recorded: r, Ha and the events it brought; float64 (m,), NaN where there is none."""

    times_s: FloatArray
    r: FloatArray
    ha: FloatArray
    events: list[SynchronizationEvent]
    late: int


def lock_state(run: Run, coupling_strength: float) -> SynchronizationState:
    """The run's memory between batches, locked until the transaction ends; made with the first batch.

    The dwell is three relaxation times of the run, `minimum_dwell_s`, where both couplings are known.
    """
    dwell_s = DEFAULT_DWELL_S
    if run.critical_coupling is not None and np.isfinite(coupling_strength):
        dwell_s = minimum_dwell_s(coupling_strength, run.critical_coupling)
    SynchronizationState.objects.bulk_create(
        [
            SynchronizationState(
                run=run,
                settings={"threshold_on": 0.8, "threshold_off": 0.6, "dwell_on_s": dwell_s, "dwell_off_s": dwell_s},
                detector=DetectorState().to_dict(),
                forecaster=ForecasterState().to_dict(),
            )
        ],
        ignore_conflicts=True,
    )
    return SynchronizationState.objects.select_for_update().get(run=run)


@transaction.atomic
def record_oscillators(*, run: Run, batch: OscillatorBatch, defect: FloatArray) -> RecordedOscillators:
    """Store oscillator states of one run with order parameter and Ha, and the events they bring; all or none.

    Args:
        run: where they belong; its oscillator count is set by its first rows.
        batch: the states.
        defect: defect component of Ha that holds for each row, NaN where none does.

    Raises:
        InvalidInput: phases out of range or as many as other than the run's, a bad embedding, a claim that disagrees.
    """
    _check_batch(run, batch)
    state = lock_state(run, float(batch.coupling_strength[0]))
    phases = wrap_phase(batch.phases)
    r, psi = order_parameter(phases)
    times_s = unix_seconds(batch.timestamps)
    before = DetectorState.from_dict(state.detector)
    on_time = select_on_time(times_s, before.last_seen_s)
    forecast = np.full(len(times_s), np.nan)
    forecaster, forecast[on_time] = score_persistence(ForecasterState.from_dict(state.forecaster), r[on_time])
    drift = _measure_drift(state, batch.embeddings, len(times_s))
    components = HaComponents(defect, forecast, drift)
    ha = hallucination_number(components.defect, components.forecast, components.drift, run.ha_weights).ha
    computed = {"sync_parameter": r, "phase_coherence": r**2, "ha": ha}
    check_claims(batch.claims, computed, batch.indices)
    _insert(run, batch, phases, r, psi, ha, components)

    settings = DetectorSettings(n_oscillators=phases.shape[1], **state.settings)
    detector, found = detect_events(before, times_s, r, settings=settings)
    events = [
        SynchronizationEvent(
            run=run,
            event_type=event.event_type,
            cause=EventCause.ORDER_PARAMETER,
            sync_level_before=event.sync_before,
            sync_level_after=event.sync_after,
            event_data={"incoherent": event.incoherent},
            entered_at=datetime.fromtimestamp(event.entered_at_s, UTC),
            occurred_at=datetime.fromtimestamp(event.occurred_at_s, UTC),
            threshold_on=event.threshold_on,
            threshold_off=event.threshold_off,
            dwell_s=event.dwell_s,
            n_oscillators=event.n_oscillators,
            coupling_strength=none_for_nan(batch.coupling_strength[-1:])[0],
        )
        for event in found
    ]
    for event in events:
        event.save(force_insert=True)
    state.forecaster, state.detector = forecaster.to_dict(), detector.to_dict()
    state.save(update_fields=["forecaster", "detector", "reference_embedding"])
    return RecordedOscillators(times_s, r, ha, events, detector.late_count - before.late_count)


@transaction.atomic
def stop_run(
    *, run: Run, cause: EventCause, reason: str, now: datetime, actor_id: int | None = None
) -> SynchronizationEvent:
    """Record an emergency stop, which stays latched until `recover_run`.

    Raises:
        ConstraintViolation (as IntegrityError): the run is stopped already, or nobody or no reason is named.
    """
    return _record_control(run, EventType.EMERGENCY_STOP, cause, reason, now, actor_id)


@transaction.atomic
def recover_run(
    *, run: Run, cause: EventCause = EventCause.MANUAL, reason: str, now: datetime, actor_id: int | None = None
) -> SynchronizationEvent:
    """Record that a stopped run may go on: an operator let it, or what stopped it is over.

    Raises:
        ConstraintViolation (as IntegrityError): the run is not stopped, or nobody or no reason is named.
    """
    return _record_control(run, EventType.RECOVERY, cause, reason, now, actor_id)


def _record_control(
    run: Run, event_type: EventType, cause: EventCause, reason: str, now: datetime, actor_id: int | None
) -> SynchronizationEvent:
    return SynchronizationEvent.objects.create(
        run=run, event_type=event_type, cause=cause, reason=reason, occurred_at=now, actor_id=actor_id
    )


def _check_batch(run: Run, batch: OscillatorBatch) -> None:
    errors = check_times(batch.timestamps, batch.indices)
    for index, row in zip(batch.indices, batch.phases, strict=True):
        if not np.isfinite(row).all() or np.abs(row).max() > MAX_PHASE_RAD:
            errors.append(FieldError(f"{index}.phases", f"Finite phases within {MAX_PHASE_RAD:g} rad are needed."))
    if batch.embeddings is not None:
        for index, row in zip(batch.indices, batch.embeddings, strict=True):
            given = ~np.isnan(row)
            norm = float(np.linalg.norm(row[given].astype(np.float64)))
            if given.any() and not (given.all() and 0 < norm < np.inf):
                detail = f"{EMBEDDING_DIMENSIONS} finite numbers, not all zero, are needed."
                errors.append(FieldError(f"{index}.semantic_embedding", detail))
    n = batch.phases.shape[1]
    if run.n_oscillators is not None and n != run.n_oscillators:
        detail = f"Run {run.pk} has {run.n_oscillators} oscillators; the row has {n} phases."
        errors += [FieldError(f"{index}.phases", detail, "kuramoto_oscillators_n_ck") for index in batch.indices]
    if errors:
        raise InvalidInput(errors=errors)
    if run.n_oscillators is None:
        run.n_oscillators = n
        run.save(update_fields=["n_oscillators"])


def _measure_drift(state: SynchronizationState, embeddings: NDArray[np.float32] | None, n: int) -> FloatArray:
    if embeddings is None:
        return np.full(n, np.nan)
    vectors = embeddings.astype(np.float64)
    given = ~np.isnan(vectors[:, 0])
    if state.reference_embedding is None and given.any():
        state.reference_embedding = embeddings[given][0]
    drift = np.full(n, np.nan)
    if given.any():
        reference = np.asarray(state.reference_embedding, dtype=np.float64)
        drift[given] = drift_component(vectors[given], reference)
    return drift


def _insert(
    run: Run,
    batch: OscillatorBatch,
    phases: FloatArray,
    r: FloatArray,
    psi: FloatArray,
    ha: FloatArray,
    components: HaComponents,
) -> None:
    n = len(batch.timestamps)
    embeddings: list[Any] = [None] * n
    if batch.embeddings is not None:
        embeddings = [None if np.isnan(row[0]) else row for row in batch.embeddings]
    ha_values = none_for_nan(ha)
    rows = zip(
        [run.pk] * n,
        batch.timestamps,
        phases.tolist(),
        r.tolist(),
        psi.tolist(),
        none_for_nan(batch.coupling_strength),
        embeddings,
        batch.horizons or [None] * n,
        ha_values,
        [None if value is None else HA_VERSION for value in ha_values],
        none_for_nan(components.defect),
        none_for_nan(components.forecast),
        none_for_nan(components.drift),
        strict=True,
    )
    with connection.cursor() as cursor:
        insert_rows(cursor, "kuramoto_oscillators", list(COLUMNS), list(COLUMNS.values()), list(rows))
