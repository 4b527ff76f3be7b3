"""What a client says about an event: read strictly, each fault under the name of its parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.choices import NeuronEventKind
from core.exceptions import FieldError, InvalidInput
from core.neuron_dynamics import DRIVE, GATE_NAMES, PAIR_GATES, ROTATIONS
from core.two_level import NORM_TOLERANCE

MAX_ID = 2**63 - 1
GROUND = (0.0, 0.0, 1.0)
_REQUIRED = object()


@dataclass(frozen=True)
class _Parameter:
    read: Callable[[Any], Any]
    default: Any = _REQUIRED


def read_parameters(event: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of an event that clients may send, with defaults filled in.

    prepare: `bloch`, level 0 where absent. gate: `gate`, and `angle_rad` for a rotation, or `duration_s` and `bias`
    for a drive, whose bias is the membrane's where absent. gate2: `gate` and `partner`. measure: nothing. relax:
    `elapsed_s`. sweep_start: `start_bias` and `rate`. sweep_end: `end_bias`.

    Raises:
        InvalidInput: naming `event`, or each parameter at fault as `parameters.angle_rad`.
    """
    if event not in EVENTS:
        raise InvalidInput.of("event", f"One of {', '.join(EVENTS)} is needed.", "invalid_choice")
    if not isinstance(given, Mapping):
        raise InvalidInput.of("parameters", "An object is needed.")
    expected = _list_expected(event, given)
    errors, values = [], {}
    for name in given.keys() - expected.keys():
        known = ", ".join(expected) or "none"
        errors.append(FieldError(f"parameters.{name}", f"There is no such parameter here. Known: {known}.", "unknown"))
    for name, parameter in expected.items():
        if name not in given:
            if parameter.default is _REQUIRED:
                errors.append(FieldError(f"parameters.{name}", "This is required.", "required"))
            values[name] = parameter.default
            continue
        try:
            values[name] = parameter.read(given[name])
        except ValueError as error:
            errors.append(FieldError(f"parameters.{name}", str(error)))
    if errors:
        raise InvalidInput(errors=sorted(errors, key=lambda error: error.field))
    return values


def _list_expected(event: str, given: Mapping[str, Any]) -> Mapping[str, _Parameter]:
    if event != NeuronEventKind.GATE:
        return EVENTS[event]
    gate = given.get("gate")
    more = _ROTATION if gate in list(ROTATIONS) else _DRIVE if gate == DRIVE else {}
    return EVENTS[event] | more


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("A number is needed.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("A finite number is needed.")
    return number


def _read_span(value: Any) -> float:
    if (number := _read_number(value)) < 0:
        raise ValueError("A number of at least 0 is needed.")
    return number


def _read_rate(value: Any) -> float:
    if (number := _read_number(value)) == 0:
        raise ValueError("A number other than 0 is needed.")
    return number


def _read_bloch(value: Any) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError("Three numbers are needed: x, y, z.")
    numbers = [_read_number(number) for number in value]
    if not math.fsum(number * number for number in numbers) <= 1 + NORM_TOLERANCE:
        raise ValueError("A vector of length 1 at most is needed.")
    return numbers


def _read_id(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ID:
        raise ValueError("The id of a neuron is needed.")
    return value


def _choose(*names: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"One of {', '.join(names)} is needed.")
        return value

    return read


_ROTATION = {"angle_rad": _Parameter(_read_number)}
_DRIVE = {"duration_s": _Parameter(_read_span), "bias": _Parameter(_read_number, None)}
EVENTS: dict[str, dict[str, _Parameter]] = {
    "prepare": {"bloch": _Parameter(_read_bloch, list(GROUND))},
    "gate": {"gate": _Parameter(_choose(*GATE_NAMES))},
    "gate2": {"gate": _Parameter(_choose(*PAIR_GATES)), "partner": _Parameter(_read_id)},
    "measure": {},
    "relax": {"elapsed_s": _Parameter(_read_span)},
    "sweep_start": {"start_bias": _Parameter(_read_number), "rate": _Parameter(_read_rate)},
    "sweep_end": {"end_bias": _Parameter(_read_number)},
}
"""What clients may do to a neuron, and with which parameters."""
