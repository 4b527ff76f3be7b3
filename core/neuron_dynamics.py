"""What each event does to a two-level system, computed from what was recorded of it alone: so histories replay."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.pair_state import PURE_TOLERANCE, apply_cnot, concurrence, exchange_systems, project_pair, reduce_pair
from core.two_level import (
    GATES,
    MAX_SWEEP_STEPS,
    TUNNELING_RATIO,
    Relaxation,
    apply_gate,
    drive_bloch,
    excited_probability,
    read_bloch,
    rotate_bloch,
    sweep_bias,
)

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

ROTATIONS = {"rx": (1.0, 0.0, 0.0), "ry": (0.0, 1.0, 0.0), "rz": (0.0, 0.0, 1.0)}
DRIVE = "drive"
GATE_NAMES = (*GATES, *ROTATIONS, DRIVE)
PAIR_GATES = ("cnot",)
MAX_TURN_RAD = 1e12
"""Beyond this the phase of a turn has lost its last digits."""
SWEEP_STEP_RAD = 0.05
"""How far one step of a sweep turns the state at most."""


@dataclass(frozen=True)
class Evolution:
    """A neuron after an event.

    Attributes:
        bloch: float64 (3,).
        sweep_bias: where the sweep stands that the event left open, rad/s; None where none is.
        outcome: what a measurement found.
        concurrence: of the pair that the neuron is one of after the event.
    """

    bloch: FloatArray
    sweep_bias: float | None = None
    outcome: int | None = None
    concurrence: float = 0.0


def evolve(event: str, bloch: ArrayLike, parameters: Mapping[str, Any]) -> Evolution:
    """Compute what an event makes of a neuron.

    Args:
        bloch: the state before, (3,).
        parameters: as the history has them.

    Raises:
        ValueError: naming the parameter the computation fails on.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        after = _EVENTS[event](read_bloch(bloch), parameters)
    if not np.isfinite(after.bloch).all():
        raise ValueError(f"{next(iter(parameters))}: the numbers are too large or too small to compute with")
    return after


def choose_entry(start_bias: float, rate: float, delta: float) -> float:
    """Return the bias at which a sweep enters the crossing, |V| <= 3 Delta: its start, where that lies inside.

    Raises ValueError when there is no crossing, or the sweep leads away from it.
    """
    edge = TUNNELING_RATIO * delta
    if not delta > 0:
        raise ValueError("start_bias: the neuron has no tunnelling, delta is 0")
    if abs(start_bias) <= edge:
        return start_bias
    if (start_bias > 0) == (rate > 0):
        raise ValueError("rate: the sweep leads away from the crossing")
    return math.copysign(edge, start_bias)


def read_pair(numbers: ArrayLike) -> ComplexArray:
    """Return the (4,) state of a pair that `list_pair` wrote."""
    return np.asarray(numbers, dtype=np.float64).view(np.complex128)


def list_pair(state: ComplexArray) -> list[float]:
    """Return the state of a pair as eight numbers, real and imaginary parts in turn."""
    return np.ascontiguousarray(state, dtype=np.complex128).view(np.float64).tolist()


def apply_pair_gate(state: ArrayLike, control: int) -> ComplexArray:
    """Return the state after a cnot whose control is system 0 or 1."""
    if control == 0:
        return apply_cnot(state)
    return exchange_systems(apply_cnot(exchange_systems(state)))


def _prepare(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    return Evolution(read_bloch(parameters["bloch"]))


def _gate(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    name = parameters["gate"]
    if name == DRIVE:
        bias, delta, duration = parameters["bias"], parameters["delta"], parameters["duration_s"]
        _check_turn("duration_s", 2 * math.hypot(bias, delta) * duration)
        return Evolution(drive_bloch(bloch, bias, delta, duration))
    if name in ROTATIONS:
        _check_turn("angle_rad", parameters["angle_rad"])
        return Evolution(rotate_bloch(bloch, ROTATIONS[name], parameters["angle_rad"]))
    return Evolution(apply_gate(bloch, name))


def _gate2(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    state = apply_pair_gate(_read_pair_of(bloch, parameters), parameters["control"])
    return Evolution(reduce_pair(state)[parameters["system"]], concurrence=float(concurrence(state)))


def _measure(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    outcome = int(parameters["draw"] < excited_probability(bloch))
    return Evolution(np.array([0.0, 0.0, 1.0 - 2.0 * outcome]), outcome=outcome)


def _relax(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    elapsed = parameters["elapsed_s"]
    _check_turn("elapsed_s", parameters["omega"] * elapsed)
    contact = Relaxation(parameters["t1_s"], parameters["t2_s"], parameters["omega"], parameters["p_eq"])
    return Evolution(contact.decay(bloch, elapsed))


def _sweep_start(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    entry = choose_entry(parameters["start_bias"], parameters["rate"], parameters["delta"])
    return Evolution(_sweep(bloch, parameters["start_bias"], entry, parameters), sweep_bias=entry)


def _sweep_end(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    return Evolution(_sweep(bloch, parameters["start_bias"], parameters["end_bias"], parameters))


def _sweep(bloch: FloatArray, start: float, end: float, parameters: Mapping[str, Any]) -> FloatArray:
    duration = (end - start) / parameters["rate"]
    if not duration >= 0:
        raise ValueError("end_bias: the sweep runs the other way")
    if duration == 0:
        return bloch
    turn = 2 * math.hypot(max(abs(start), abs(end)), parameters["delta"]) * duration
    if not turn <= MAX_SWEEP_STEPS * SWEEP_STEP_RAD:
        raise ValueError("rate: the sweep is too slow for its length to be computed")
    n_steps = max(100, math.ceil(turn / SWEEP_STEP_RAD))
    return sweep_bias(bloch, start, end, parameters["delta"], duration, n_steps)


def _disentangle(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    if parameters["cause"] != "measure":
        return Evolution(bloch)
    system = parameters["system"]
    state = project_pair(_read_pair_of(bloch, parameters), 1 - system, parameters["outcome"])
    return Evolution(reduce_pair(state)[system])


def _read_pair_of(bloch: FloatArray, parameters: Mapping[str, Any]) -> ComplexArray:
    """Read the state of the pair before an event; raise ValueError when it is not that of a neuron at `bloch`."""
    state = read_pair(parameters["pair_state"])
    if np.abs(reduce_pair(state)[parameters["system"]] - bloch).max() > PURE_TOLERANCE:
        raise ValueError("pair_state: the neuron was in another state")
    return state


def _calibrate(bloch: FloatArray, parameters: Mapping[str, Any]) -> Evolution:
    return Evolution(bloch)


def _check_turn(name: str, angle_rad: float) -> None:
    if not abs(angle_rad) <= MAX_TURN_RAD:
        raise ValueError(f"{name}: the state would turn by more than {MAX_TURN_RAD:g} rad")


_EVENTS: dict[str, Callable[[FloatArray, Mapping[str, Any]], Evolution]] = {
    "prepare": _prepare,
    "gate": _gate,
    "gate2": _gate2,
    "measure": _measure,
    "relax": _relax,
    "sweep_start": _sweep_start,
    "sweep_end": _sweep_end,
    "disentangle": _disentangle,
    "calibrate": _calibrate,
}
