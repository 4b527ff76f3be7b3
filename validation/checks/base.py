"""A check: a name, a measurement, what it has to agree with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from validation.choices import ValidationType

FAILURES = (ValueError, ArithmeticError, RuntimeError, np.linalg.LinAlgError)
"""What a check may raise when the code it measures is wrong; anything else is a fault of the check."""


@dataclass(frozen=True)
class Measurement:
    """What a check found.

    Attributes:
        measured: the value.
        expected: closed form, reference or budget.
        tolerance: how far it may lie from `expected`.
        one_sided: the value may lie anywhere below `expected + tolerance`.
        unit: UCUM.
        details: further figures, such as n, median and quartiles.
    """

    measured: float
    expected: float
    tolerance: float = 0.0
    one_sided: bool = False
    unit: str = "1"
    details: dict[str, float | int | str] | None = None

    @property
    def passed(self) -> bool:
        """Whether the value agrees; NaN never does."""
        if self.one_sided:
            return bool(self.measured <= self.expected + self.tolerance)
        return bool(abs(self.measured - self.expected) <= self.tolerance)


@dataclass(frozen=True)
class CheckResult:
    """One check, carried out.

    Attributes:
        error: what was raised in place of a measurement, or ''.
    """

    name: str
    passed: bool
    duration_ms: float
    measurement: Measurement | None
    error: str = ""

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values; a number JSON does not have becomes text."""
        found: dict[str, object] = {"name": self.name, "passed": self.passed, "duration_ms": round(self.duration_ms, 3)}
        if self.error:
            found["error"] = self.error
        if self.measurement is not None:
            one = self.measurement
            found |= {
                "measured": float(one.measured) if math.isfinite(one.measured) else str(one.measured),
                "expected": float(one.expected),
                "tolerance": float(one.tolerance),
                "unit": one.unit,
            }
            if one.details:
                found["details"] = one.details
        return found


@dataclass(frozen=True)
class Check:
    """A named measurement of one type; `measure` takes a seeded generator."""

    name: str
    validation_type: ValidationType
    about: str
    measure: Callable[[np.random.Generator], Measurement]


CHECKS: dict[str, Check] = {}


def check(
    validation_type: ValidationType,
) -> Callable[[Callable[[np.random.Generator], Measurement]], Callable[[np.random.Generator], Measurement]]:
    """Register a function as a check under its own name; its docstring says what is checked."""

    def register(
        measure: Callable[[np.random.Generator], Measurement],
    ) -> Callable[[np.random.Generator], Measurement]:
        CHECKS[measure.__name__] = Check(measure.__name__, validation_type, (measure.__doc__ or "").strip(), measure)
        return measure

    return register


def run_checks(checks: Iterable[Check], seed: int) -> Iterator[CheckResult]:
    """Carry out checks one by one; each has a generator of its own, so that the order makes no difference."""
    for one in checks:
        rng = np.random.default_rng([seed, *one.name.encode()])
        started = time.perf_counter()
        measurement, error = None, ""
        try:
            measurement = one.measure(rng)
        except FAILURES as raised:
            error = f"{type(raised).__name__}: {raised}"
        elapsed_ms = (time.perf_counter() - started) * 1000
        yield CheckResult(one.name, measurement is not None and measurement.passed, elapsed_ms, measurement, error)
