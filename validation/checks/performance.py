"""Budgets: how long a unit of work takes, as median and quartiles of repeated trials, against what production needs."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable

import numpy as np

from core.field import GinzburgLandau
from kuramoto.dynamics import KuramotoSystem
from kuramoto.synchronization import DetectorSettings, DetectorState, detect_events
from validation.checks.base import Measurement, check
from validation.choices import ValidationType

Rng = np.random.Generator
performance = check(ValidationType.PERFORMANCE)
TRIALS = 15


def time_trials(work: Callable[[], object], budget_ms: float) -> Measurement:
    """The median duration of `work` over TRIALS trials after a first one that does not count, ms."""
    work()
    durations = []
    for _ in range(TRIALS):
        started = time.perf_counter()
        work()
        durations.append((time.perf_counter() - started) * 1000)
    low, median, high = np.percentile(durations, [25, 50, 75])
    details: dict[str, float | int | str] = {
        "n": TRIALS,
        "q25": float(low),
        "q75": float(high),
        "machine": platform.machine(),
    }
    return Measurement(float(median), budget_ms, one_sided=True, unit="ms", details=details)


@performance
def a_second_of_oscillators(rng: Rng) -> Measurement:
    """100 steps of 64 oscillators on a dense graph take less than a tenth of the second they stand for."""
    system = KuramotoSystem(rng.standard_normal(64), 1.0, rng.random((64, 64)))
    return time_trials(lambda: system.integrate(np.zeros(64), 0.01, 100), 100.0)


@performance
def a_unit_of_field_time(rng: Rng) -> Measurement:
    """20 steps of a 128 x 128 field take less than half a second."""
    grid = GinzburgLandau(128, 128.0, 2.0, -1.0, 0.05)
    start = grid.sample_noise(rng, 0.5)

    def advance() -> None:
        amplitude = start
        for _ in range(20):
            amplitude = grid.step(amplitude)

    return time_trials(advance, 500.0)


@performance
def ten_thousand_samples_of_event_detection(rng: Rng) -> Measurement:
    """The detector reads 10,000 samples within the 100 ms of the monitor's cadence."""
    times, r = np.arange(10_000) / 10, rng.random(10_000)
    settings = DetectorSettings(n_oscillators=64)
    return time_trials(lambda: detect_events(DetectorState(), times, r, settings=settings), 100.0)
