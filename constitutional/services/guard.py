"""The guard of a run: the controller's state machine, fed by the monitor, overruled by operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from constitutional.models import RunGuardState
from constitutional.state_machine import (
    DEFAULT_LIMITS,
    Cause,
    GuardLimits,
    GuardState,
    Level,
    OperatorActionError,
    Ruling,
    Transition,
    advance_level,
    decide,
    force_emergency,
    release_emergency,
)
from core.exceptions import Conflict, InvalidInput
from core.models import Run
from core.selectors import get_config
from core.telemetry import FloatArray
from kuramoto.choices import EventCause, EventType
from kuramoto.models import SynchronizationEvent
from kuramoto.services import recover_run, stop_run

if TYPE_CHECKING:
    from accounts.models import User

Series = Mapping[str, tuple[FloatArray, FloatArray]]
"""By metric: times in unix seconds and values, each float64 (n,) with n >= 1; a value that is not finite is invalid."""

_EVENT_CAUSES = {
    Cause.HA: EventCause.HALLUCINATION,
    Cause.CALM: EventCause.HALLUCINATION,
    Cause.MAX_DURATION: EventCause.HALLUCINATION,
    Cause.INTEGRITY: EventCause.INVALID_DATA,
    Cause.INVALID: EventCause.INVALID_DATA,
    Cause.OPERATOR: EventCause.MANUAL,
}


@dataclass(frozen=True)
class GuardOutcome:
    """What a batch meant for the control of a run.

    Attributes:
        ruling: the decision on its last observation; None where the batch holds no Ha.
        transitions: changes of level, in order.
    """

    ruling: Ruling | None = None
    transitions: Sequence[Transition] = ()


def lock_guard(run_id: int) -> RunGuardState:
    """The run's guard, locked until the transaction ends; made with the first batch."""
    guards = RunGuardState.objects.select_for_update(of=("self",)).select_related("run")
    guard = guards.filter(pk=run_id).first()
    if guard is not None:
        return guard
    RunGuardState.objects.bulk_create([RunGuardState(run_id=run_id)], ignore_conflicts=True)
    return guards.get(pk=run_id)


def advance_guard(guard: RunGuardState, series: Series) -> GuardOutcome:
    """Feed every sample of Ha to the state machine of a locked guard, and record the stops and recoveries it brings.

    Integrity counts as 1 where nothing speaks against it; of every other metric the last sample counts.
    """
    if "ha" not in series:
        return GuardOutcome()
    limits = read_limits(guard.run)
    times, values = series["ha"]
    integrity = _hold(series, "integrity", times, 1.0)
    state = before = _read(guard)
    transitions = []
    for at_s, ha, intact in zip(times.tolist(), values.tolist(), integrity.tolist(), strict=True):
        state, transition = advance_level(state, at_s=at_s, ha=ha, integrity=intact, limits=limits)
        if transition is not None:
            transitions.append(transition)
    if state != before:
        _store(guard, state, transitions[-1] if transitions else None)
    _record_events(guard.run, transitions)
    last = {name: _last(series, name, times) for name in ("defect_density", "r", "control_max")}
    ruling = decide(
        float(values[-1]),
        float(integrity[-1]),
        rho=last["defect_density"],
        r=last["r"],
        control_max=last["control_max"],
        limits=limits,
    )
    return GuardOutcome(ruling, transitions)


@transaction.atomic
def force_emergency_stop(*, run_id: int, actor: User, reason: str, now: datetime) -> RunGuardState:
    """Stop a run by hand; only an operator lets it go on.

    Raises:
        Conflict: the run has failed and is stopped already.
        InvalidInput: there is no reason.
    """
    return _operate(force_emergency, run_id, actor, reason, now)


@transaction.atomic
def release_emergency_stop(*, run_id: int, actor: User, reason: str, now: datetime) -> RunGuardState:
    """Let a run that was stopped, or failed, go on: it recovers.

    Raises:
        Conflict: there is nothing to release.
        InvalidInput: there is no reason.
    """
    return _operate(release_emergency, run_id, actor, reason, now)


def read_limits(run: Run) -> GuardLimits:
    """The bounds in force for a run: those of the configuration, and the run's reference defect density."""
    usual = {
        "warning": DEFAULT_LIMITS.ha_warning,
        "critical": DEFAULT_LIMITS.ha_critical,
        "emergency": DEFAULT_LIMITS.ha_emergency,
        "failure": DEFAULT_LIMITS.ha_failure,
    }
    levels = get_config("nfcs.ha_levels", usual)
    return GuardLimits(
        ha_warning=float(levels["warning"]),
        ha_critical=float(levels["critical"]),
        ha_emergency=float(levels["emergency"]),
        ha_failure=float(levels["failure"]),
        rho_reference=run.defect_density_ref,
        emergency_max_s=get_config("nfcs.emergency_max_duration_s", DEFAULT_LIMITS.emergency_max_s),
    )


def _operate(
    operation: Callable[..., tuple[GuardState, Transition]], run_id: int, actor: User, reason: str, now: datetime
) -> RunGuardState:
    if not reason.strip():
        raise InvalidInput.of("reason", "A reason is needed.", "required")
    guard = lock_guard(run_id)
    state = _read(guard)
    # A level's times are the run's, whose clock need not be the wall's.
    at_s = now.timestamp() if state.seen_at_s is None else state.seen_at_s
    try:
        state, transition = operation(state, at_s=at_s, actor=actor.get_username(), reason=reason)
    except OperatorActionError as error:
        raise Conflict(str(error)) from error
    _store(guard, state, transition, actor)
    _record_events(guard.run, [transition], actor)
    return guard


def _read(guard: RunGuardState) -> GuardState:
    return GuardState.from_dict(guard.state) if guard.state else GuardState()


def _store(guard: RunGuardState, state: GuardState, transition: Transition | None, actor: User | None = None) -> None:
    guard.state = state.to_dict()
    guard.level = state.level
    guard.latched = state.is_latched
    guard.since = None if state.since_s is None else datetime.fromtimestamp(state.since_s, UTC)
    if transition is not None:
        guard.cause, guard.reason, guard.actor = transition.cause, transition.reason, actor
    guard.save(update_fields=["state", "level", "latched", "since", "cause", "reason", "actor"])


def _record_events(run: Run, transitions: Sequence[Transition], actor: User | None = None) -> None:
    """Record stops and recoveries; a stop that somebody recorded by hand is not ended by the state machine."""
    changes = [change for change in transitions if change.is_emergency_stop or change.to_level is Level.RECOVERY]
    if not changes:
        return
    last = SynchronizationEvent.objects.for_run(run.pk).emergencies().order_by("-id").first()
    for change in changes:
        is_stopped = last is not None and last.event_type == EventType.EMERGENCY_STOP
        by_hand = is_stopped and last is not None and last.cause == EventCause.MANUAL
        if is_stopped == change.is_emergency_stop or (by_hand and change.cause is not Cause.OPERATOR):
            continue
        record = stop_run if change.is_emergency_stop else recover_run
        last = record(
            run=run,
            cause=_EVENT_CAUSES[change.cause],
            reason=change.reason or f"{change.from_level} -> {change.to_level}: {change.cause}",
            now=datetime.fromtimestamp(change.at_s, UTC),
            actor_id=None if actor is None else actor.pk,
        )


def _hold(series: Series, name: str, times: FloatArray, default: float) -> FloatArray:
    """The last sample of a metric at or before each time; `default` where there is none."""
    if name not in series:
        return np.full(times.shape, default)
    order = np.argsort(series[name][0], kind="stable")
    seen_at, values = series[name][0][order], series[name][1][order]
    index = np.searchsorted(seen_at, times, side="right") - 1
    return np.where(index >= 0, values[index], default)


def _last(series: Series, name: str, times: FloatArray) -> float | None:
    value = float(_hold(series, name, times[-1:], np.nan)[0])
    return None if np.isnan(value) else value
