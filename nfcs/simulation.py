"""A small neural field control system: oscillators on a graph beside a complex field, both driven in and out of order.

The coupling sweeps slowly through its critical value and the field's dispersion in and out of turbulence, so that a
few minutes show synchronization and its loss, defects and their absence. numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.field import GinzburgLandau
from kuramoto.constants import EMBEDDING_DIMENSIONS
from kuramoto.dynamics import CouplingNorm, KuramotoSystem, order_parameter, wrap_phase
from kuramoto.theory import critical_coupling_gaussian, critical_coupling_network, gaussian_frequencies

FloatArray = NDArray[np.float64]

PREDICTION_MEMORY_S = 60.0
"""How fast a prediction returns from the present value to the mean."""


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """What a simulation is started with; times in s, frequencies and couplings in rad/s.

    Attributes:
        weights: coupling graph (n, n), or None for all-to-all.
        sigma: spread of the natural frequencies; they are the quantiles of a Gaussian.
        coupling_ratio: mean of K / Kc.
        coupling_swing: how far K / Kc swings to both sides.
        swing_period_s: period of that swing.
        rate_hz: oscillator rows a second; field rows come once a second.
        c1, c3: dispersion of the calm field, in which defects die out.
        c1_turbulent, c3_turbulent: dispersion of the turbulent field, beyond the Benjamin-Feir line.
        turbulence_period_s: of every such period the field is turbulent for a third.
        field_noise: root mean square of the complex noise the field gets every second, from which turbulence grows.
    """

    n_oscillators: int = 64
    weights: FloatArray | None = field(default=None, repr=False)
    sigma: float = 1.0
    mean_frequency: float = 0.0
    coupling_ratio: float = 2.0
    coupling_swing: float = 2.0
    swing_period_s: float = 120.0
    noise: float = 0.01
    rate_hz: float = 10.0
    resolution: int = 64
    length: float = 64.0
    c1: float = 0.8
    c3: float = 1.5
    c1_turbulent: float = 2.0
    c3_turbulent: float = -1.0
    field_speed: float = 2.0
    field_dt: float = 0.1
    field_noise: float = 0.05
    turbulence_period_s: float = 300.0
    seed: int = 1

    @property
    def natural_frequencies(self) -> FloatArray:
        """Natural frequencies, (n,), shuffled over the graph."""
        omega = gaussian_frequencies(self.n_oscillators, self.sigma, self.mean_frequency)
        return np.random.default_rng([self.seed, 0]).permutation(omega)

    @property
    def critical_coupling(self) -> float:
        """Kc of the infinite system: Gaussian mean field, or Restrepo, Ott and Hunt on the graph."""
        if self.weights is None:
            return critical_coupling_gaussian(self.sigma)
        return critical_coupling_network(self.weights, 1.0 / (self.sigma * np.sqrt(2 * np.pi)))

    @property
    def coupling_norm(self) -> CouplingNorm:
        """What K is divided by: n for all-to-all, nothing on a graph."""
        return "per_n" if self.weights is None else "raw"


@dataclass(frozen=True)
class Second:
    """One second of simulated telemetry.

    Attributes:
        times_s: seconds since the start, (m,).
        phases: (m, n), wrapped.
        coupling_strength: (m,).
        field: complex (resolution, resolution), at the end of the second.
        c1, c3: the field's dispersion in this second.
        embedding: (768,), of the last row.
        horizons: predicted r by horizon, from the last row.
    """

    times_s: FloatArray
    phases: FloatArray
    coupling_strength: FloatArray
    field: NDArray[np.complex128]
    c1: float
    c3: float
    embedding: NDArray[np.float32]
    horizons: dict[str, float]


def simulate(settings: SimulationSettings) -> Iterator[Second]:
    """Second after second without end; the same settings give the same telemetry."""
    rng = np.random.default_rng([settings.seed, 1])
    omega = settings.natural_frequencies
    rows = max(1, round(settings.rate_hz))
    # Substeps keep the spread of frequencies times dt within what RK4 follows to 1e-4.
    substeps = int(np.ceil(max(1.0, 4 * settings.sigma + abs(settings.mean_frequency)) / rows / 0.1))
    dt = 1.0 / rows / substeps
    phases = rng.uniform(-np.pi, np.pi, settings.n_oscillators)
    grid = GinzburgLandau(settings.resolution, settings.length, settings.c1, settings.c3, settings.field_dt)
    amplitude = grid.sample_noise(rng, amplitude=0.1)
    projection = rng.standard_normal((EMBEDDING_DIMENSIONS, 2 * settings.n_oscillators))
    mean_r, second = 0.5, 0
    while True:
        times = second + np.arange(1, rows + 1) / rows
        coupling = swing_coupling(settings, times)
        states = np.empty((rows, settings.n_oscillators))
        for row, strength in enumerate(coupling):
            system = KuramotoSystem(
                omega, float(strength), settings.weights, noise=settings.noise, coupling_norm=settings.coupling_norm
            )
            for _ in range(substeps):
                phases = system.step(phases, dt, rng)
            states[row] = wrap_phase(phases)
        c1, c3 = choose_dispersion(settings, float(second))
        if (c1, c3) != (grid.c1, grid.c3):
            grid = replace(grid, c1=c1, c3=c3)
        amplitude = amplitude + grid.sample_noise(rng, settings.field_noise)
        for _ in range(max(1, round(settings.field_speed / settings.field_dt))):
            amplitude = grid.step(amplitude)
        r, psi = order_parameter(states[-1])
        mean_r += (float(r) - mean_r) / PREDICTION_MEMORY_S
        relative = states[-1] - psi
        embedding = projection @ np.concatenate((np.cos(relative), np.sin(relative)))
        yield Second(
            times, states, coupling, amplitude, c1, c3, embedding.astype(np.float32), predict(float(r), mean_r)
        )
        second += 1


def swing_coupling(settings: SimulationSettings, times_s: FloatArray) -> FloatArray:
    """K at each time: a sine around its mean, starting at the mean."""
    swing = settings.coupling_swing * np.sin(2 * np.pi * times_s / settings.swing_period_s)
    return np.asarray(settings.critical_coupling * np.maximum(0.0, settings.coupling_ratio + swing))


def choose_dispersion(settings: SimulationSettings, time_s: float) -> tuple[float, float]:
    """The field's c1 and c3: turbulent in the last third of every period."""
    if (time_s / settings.turbulence_period_s) % 1.0 >= 2 / 3:
        return settings.c1_turbulent, settings.c3_turbulent
    return settings.c1, settings.c3


def predict(r: float, mean_r: float) -> dict[str, float]:
    """Predicted r at each horizon: from the present value back to the mean, within [0, 1]."""
    kept = {"30": 30.0, "180": 180.0, "600": 600.0}
    return {
        name: float(np.clip(mean_r + (r - mean_r) * np.exp(-horizon / PREDICTION_MEMORY_S), 0.0, 1.0))
        for name, horizon in kept.items()
    }
