"""The constitutional decision on one observation, and the level it takes a run to.

The decision is Algorithm 1 corrected: not-a-number is no longer taken for harmless. The levels are

    normal <-> warning <-> critical -> emergency -> recovery -> normal,    failure from anywhere

with lower bounds on the way down than on the way up. Emergency is latched; failure ends by an operator only.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from core.hallucination import ALARM_BOUNDS, HA_MAX, REFERENCE_DEFECT_DENSITY
from core.series import read_stored_fields


class Decision(StrEnum):
    """What to do with the control that is proposed."""

    ACCEPT = "accept"
    MONITOR = "monitor"
    FORCED_SYNC = "forced_sync"
    EMERGENCY = "emergency"
    REJECT = "reject"
    INVALID = "invalid"


class Level(StrEnum):
    """How a run stands."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"
    EMERGENCY = "emergency"
    RECOVERY = "recovery"
    FAILURE = "failure"


class Cause(StrEnum):
    """Why a level was entered."""

    HA = "ha"
    INTEGRITY = "integrity"
    INVALID = "invalid"
    CALM = "calm"
    MAX_DURATION = "max_duration"
    OPERATOR = "operator"


class OperatorActionError(ValueError):
    """The level does not allow what the operator asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """The bounds of decision and levels; Ha beyond them is high, integrity I is low.

    Attributes:
        rho_limit: defect density in units of rho_reference from which a run is monitored.
        control_limit: largest |u| that is accepted, in rad/s.
        invalid_limit: consecutive invalid observations that make an emergency.
        warning_exit, critical_exit: a level is left once Ha, and the deficit 1 - I, are below this share of the
            bound that entered it.
        emergency_exit: the same for an emergency that reached its maximum duration: below this share of ha_emergency
            it recovers, else it is a failure.
        calm_s: how long Ha < ha_warning and I > integrity_warning end an emergency.
        recovery_s: how long they end the recovery.
        max_gap_s: a longer silence restarts these times.

    Raises ValueError naming the field.
    """

    ha_warning: float = ALARM_BOUNDS[0]
    ha_critical: float = ALARM_BOUNDS[1]
    ha_emergency: float = ALARM_BOUNDS[2]
    ha_failure: float = ALARM_BOUNDS[3]
    integrity_warning: float = 0.7
    integrity_critical: float = 0.5
    integrity_failure: float = 0.3
    rho_reference: float = REFERENCE_DEFECT_DENSITY
    rho_limit: float = 1.0
    control_limit: float = 0.5
    invalid_limit: int = 3
    warning_exit: float = 0.85
    critical_exit: float = 0.75
    emergency_exit: float = 0.70
    calm_s: float = 5.0
    recovery_s: float = 30.0
    emergency_max_s: float = 300.0
    max_gap_s: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 < getattr(self, field.name) < math.inf:
                raise ValueError(f"{field.name}: expected a finite number > 0")
        if not self.ha_warning < self.ha_critical < self.ha_emergency < self.ha_failure <= HA_MAX:
            raise ValueError("ha_warning to ha_failure: expected to increase, up to 10 at most")
        if not 1 > self.integrity_warning > self.integrity_critical > self.integrity_failure:
            raise ValueError("integrity_warning to integrity_failure: expected to decrease, from below 1")
        for name in ("warning_exit", "critical_exit", "emergency_exit"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name}: expected a share of at most 1")


DEFAULT_LIMITS = GuardLimits()


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision and every reason for it."""

    decision: Decision
    reasons: tuple[str, ...] = ()


def decide(
    ha: float,
    integrity: float,
    rho: float | None = None,
    r: float | None = None,
    control_max: float | None = None,
    *,
    is_valid: bool = True,
    limits: GuardLimits = DEFAULT_LIMITS,
) -> Ruling:
    """Return the gravest decision that holds: invalid, emergency, forced_sync, reject, monitor, accept.

    Args:
        rho: defect density per unit area; None where there is no field.
        r: order parameter; None where there are no oscillators.
        control_max: largest |u| of the proposed control in rad/s; None where none is proposed.
        is_valid: whether the source vouches for the values.
    """
    if invalid := _find_invalid(ha, integrity, rho, r, is_valid=is_valid):
        return Ruling(Decision.INVALID, invalid)
    findings = [
        (ha > limits.ha_emergency, Decision.EMERGENCY, f"ha {ha:g} > {limits.ha_emergency:g}"),
        (
            integrity < limits.integrity_critical,
            Decision.FORCED_SYNC,
            f"integrity {integrity:g} < {limits.integrity_critical:g}",
        ),
        (
            control_max is not None and not 0 <= control_max <= limits.control_limit,
            Decision.REJECT,
            f"control_max {control_max} not within 0 to {limits.control_limit:g}",
        ),
        (ha > limits.ha_warning, Decision.MONITOR, f"ha {ha:g} > {limits.ha_warning:g}"),
        (
            integrity < limits.integrity_warning,
            Decision.MONITOR,
            f"integrity {integrity:g} < {limits.integrity_warning:g}",
        ),
        (
            rho is not None and rho >= limits.rho_limit * limits.rho_reference,
            Decision.MONITOR,
            f"rho {rho} >= {limits.rho_limit:g} x {limits.rho_reference:g}",
        ),
    ]
    held = [(decision, reason) for holds, decision, reason in findings if holds]
    return Ruling(held[0][0] if held else Decision.ACCEPT, tuple(reason for _, reason in held))


@dataclass(frozen=True, slots=True)
class GuardState:
    """Where a run stands between observations; storable as JSON.

    Attributes:
        since_s: when the level was entered; None at first.
        is_manual: whether an operator made the emergency: then only an operator ends it.
        seen_at_s: the last observation.
        calm_since_s: first of the calm observations up to now; None while there is none.
        invalid_streak: invalid observations in a row up to now.
        late_count: observations at or before one already seen, left out.
    """

    level: Level = Level.NORMAL
    since_s: float | None = None
    is_manual: bool = False
    seen_at_s: float | None = None
    calm_since_s: float | None = None
    invalid_streak: int = 0
    late_count: int = 0

    @property
    def is_latched(self) -> bool:
        """Whether the level stays although the observations are fine."""
        return self.level in (Level.EMERGENCY, Level.FAILURE)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self) | {"level": str(self.level)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the state `to_dict` stored; raises ValueError when its fields are others."""
        values = read_stored_fields(cls, stored)
        return cls(**values | {"level": Level(values["level"])})


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of level; actor and reason are an operator's."""

    from_level: Level
    to_level: Level
    at_s: float
    cause: Cause
    actor: str = ""
    reason: str = ""

    @property
    def is_emergency_stop(self) -> bool:
        """Whether control has to stop now."""
        stopped = (Level.EMERGENCY, Level.FAILURE)
        return self.to_level in stopped and self.from_level not in stopped


def advance_level(
    state: GuardState,
    *,
    at_s: float,
    ha: float,
    integrity: float,
    is_valid: bool = True,
    limits: GuardLimits = DEFAULT_LIMITS,
) -> tuple[GuardState, Transition | None]:
    """Feed one observation and return the new state, and the transition if the level changed.

    An invalid observation changes no level until there are invalid_limit in a row, and is never calm. Raises
    ValueError when at_s is not finite.
    """
    _require_time(at_s)
    if state.seen_at_s is not None and at_s <= state.seen_at_s:
        return replace(state, late_count=state.late_count + 1), None
    is_valid = not _find_invalid(ha, integrity, None, None, is_valid=is_valid)
    is_calm = is_valid and ha < limits.ha_warning and integrity > limits.integrity_warning
    is_silent = state.seen_at_s is not None and at_s - state.seen_at_s > limits.max_gap_s
    calm_since_s = at_s if state.calm_since_s is None or is_silent else state.calm_since_s
    state = replace(
        state,
        since_s=at_s if state.since_s is None else state.since_s,
        seen_at_s=at_s,
        calm_since_s=calm_since_s if is_calm else None,
        invalid_streak=0 if is_valid else state.invalid_streak + 1,
    )
    next_level = _choose_level(state, at_s, ha, integrity, limits)
    if next_level is None or next_level[0] is state.level:
        return state, None
    transition = Transition(state.level, next_level[0], at_s, next_level[1])
    return _enter(state, transition, calm_since_s=at_s if is_calm else None)


def force_emergency(state: GuardState, *, at_s: float, actor: str, reason: str) -> tuple[GuardState, Transition]:
    """Stop a run by hand; only an operator ends this emergency.

    Raises OperatorActionError in failure, where everything is stopped already, and ValueError without actor,
    reason or a finite time.
    """
    if state.level is Level.FAILURE:
        raise OperatorActionError("The run has failed and is stopped already.")
    return _operate(state, Level.EMERGENCY, at_s, actor, reason)


def release_emergency(state: GuardState, *, at_s: float, actor: str, reason: str) -> tuple[GuardState, Transition]:
    """Take a run from emergency or failure to recovery by hand.

    Raises OperatorActionError at any other level, and ValueError without actor, reason or a finite time.
    """
    if not state.is_latched:
        raise OperatorActionError(f"There is nothing to release: the run's level is {state.level}.")
    return _operate(state, Level.RECOVERY, at_s, actor, reason)


def _find_invalid(
    ha: float, integrity: float, rho: float | None, r: float | None, *, is_valid: bool
) -> tuple[str, ...]:
    """Return what is wrong with an observation; nothing is compared before this has found nothing."""
    bounds = {"ha": (ha, HA_MAX), "integrity": (integrity, 1.0), "rho": (rho, math.inf), "r": (r, 1.0)}
    invalid = [] if is_valid else ["marked invalid by its source"]
    for name, (value, high) in bounds.items():
        if value is not None and not (0 <= value <= high and math.isfinite(value)):
            invalid.append(f"{name} is {value}")
    return tuple(invalid)


def _choose_level(
    state: GuardState, at_s: float, ha: float, integrity: float, limits: GuardLimits
) -> tuple[Level, Cause] | None:
    """Return the level after an observation that the state already counts; None stays."""
    if state.level is Level.FAILURE:
        return None
    is_valid = state.invalid_streak == 0
    if is_valid and ha > limits.ha_failure:
        return Level.FAILURE, Cause.HA
    if is_valid and integrity < limits.integrity_failure:
        return Level.FAILURE, Cause.INTEGRITY
    if state.level is Level.EMERGENCY:
        return _choose_exit(state, at_s, ha, limits)
    if state.invalid_streak >= limits.invalid_limit:
        return Level.EMERGENCY, Cause.INVALID
    if is_valid and ha > limits.ha_emergency:
        return Level.EMERGENCY, Cause.HA
    if state.level is Level.RECOVERY:
        return (Level.NORMAL, Cause.CALM) if _is_calm_for(state, at_s, limits.recovery_s) else None
    return _grade(state.level, ha, integrity, limits) if is_valid else None


def _choose_exit(state: GuardState, at_s: float, ha: float, limits: GuardLimits) -> tuple[Level, Cause] | None:
    """Return where an emergency goes that was calm for long enough, or lasted for too long."""
    if state.is_manual:
        return None
    if _is_calm_for(state, at_s, limits.calm_s):
        return Level.RECOVERY, Cause.CALM
    if state.since_s is not None and at_s - state.since_s >= limits.emergency_max_s:
        recedes = state.invalid_streak == 0 and ha < limits.emergency_exit * limits.ha_emergency
        return (Level.RECOVERY if recedes else Level.FAILURE), Cause.MAX_DURATION
    return None


def _is_calm_for(state: GuardState, at_s: float, duration_s: float) -> bool:
    return state.calm_since_s is not None and at_s - state.calm_since_s >= duration_s


def _grade(level: Level, ha: float, integrity: float, limits: GuardLimits) -> tuple[Level, Cause]:
    """Return normal, warning or critical, with the exit share of the levels that hold."""
    critical_share = limits.critical_exit if level is Level.CRITICAL else 1.0
    warning_share = limits.warning_exit if level in (Level.WARNING, Level.CRITICAL) else 1.0
    for grade, ha_bound, integrity_bound, share in (
        (Level.CRITICAL, limits.ha_critical, limits.integrity_critical, critical_share),
        (Level.WARNING, limits.ha_warning, limits.integrity_warning, warning_share),
    ):
        if _reaches(ha, ha_bound, share):
            return grade, Cause.HA
        if _reaches(1 - integrity, 1 - integrity_bound, share):
            return grade, Cause.INTEGRITY
    return Level.NORMAL, Cause.CALM


def _reaches(value: float, bound: float, share: float) -> bool:
    """Return whether a level is entered (above its bound) or, below its bound's share of 1, kept."""
    return value > bound or (share < 1 and value >= share * bound)


def _operate(state: GuardState, level: Level, at_s: float, actor: str, reason: str) -> tuple[GuardState, Transition]:
    _require_time(at_s)
    for name, text in (("actor", actor), ("reason", reason)):
        if not text.strip():
            raise ValueError(f"{name}: an operator's action needs one")
    return _enter(state, Transition(state.level, level, at_s, Cause.OPERATOR, actor, reason))


def _require_time(at_s: float) -> None:
    if not math.isfinite(at_s):
        raise ValueError("at_s: expected finite seconds")


def _enter(
    state: GuardState, transition: Transition, *, calm_since_s: float | None = None
) -> tuple[GuardState, Transition]:
    """Begin a level: its times start here."""
    level = transition.to_level
    is_manual = level is Level.EMERGENCY and transition.cause is Cause.OPERATOR
    return (
        replace(state, level=level, since_s=transition.at_s, is_manual=is_manual, calm_since_s=calm_since_s),
        transition,
    )
