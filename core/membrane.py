"""The leaky integrate-and-fire membrane: tau dv/dt = v_rest - v + R I, a spike and a reset at threshold."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class MembraneState(NamedTuple):
    """Potential in mV, time left of the refractory period in ms, and whether the last step spiked."""

    v_mv: FloatArray
    held_ms: FloatArray
    spiked: NDArray[np.bool_]


@dataclass(frozen=True)
class Membrane:
    """The constants of a membrane; R of 1 megaohm makes a current in nA its drive in mV.

    Raises ValueError, naming the field, unless v_th_mv > v_rest_mv, tau_ms > 0 and refractory_ms >= 0.
    """

    v_rest_mv: float = -70.0
    v_th_mv: float = -55.0
    tau_ms: float = 20.0
    refractory_ms: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.v_rest_mv, self.v_th_mv]).all() and self.v_th_mv > self.v_rest_mv):
            raise ValueError(f"v_th_mv: expected a finite number above v_rest_mv, got {self.v_th_mv}")
        if not (np.isfinite(self.tau_ms) and self.tau_ms > 0):
            raise ValueError(f"tau_ms: expected a finite number > 0, got {self.tau_ms}")
        if not (np.isfinite(self.refractory_ms) and self.refractory_ms >= 0):
            raise ValueError(f"refractory_ms: expected a finite number >= 0, got {self.refractory_ms}")

    def firing_rate_hz(self, drive_mv: ArrayLike) -> FloatArray:
        """Return 1 / (t_ref + tau ln(RI / (RI - (v_th - v_rest)))) for a constant drive RI, 0 up to threshold."""
        drive = np.asarray(drive_mv, dtype=np.float64)
        gap = self.v_th_mv - self.v_rest_mv
        fires = drive > gap
        above = np.where(fires, drive, 2 * gap)
        interval_ms = self.refractory_ms - self.tau_ms * np.log1p(-gap / above)
        return np.where(fires, 1000 / interval_ms, 0.0)

    def rest(self, n: int) -> MembraneState:
        """Return n membranes at rest."""
        return MembraneState(np.full(n, self.v_rest_mv), np.zeros(n), np.zeros(n, dtype=bool))

    def step(self, state: MembraneState, drive_mv: ArrayLike, dt_ms: float) -> MembraneState:
        """Return the state after dt of constant drive: exact relaxation, spikes and resets at the end of a step."""
        if not (np.isfinite(dt_ms) and dt_ms > 0):
            raise ValueError(f"dt_ms: expected a finite number > 0, got {dt_ms}")
        target = self.v_rest_mv + np.asarray(drive_mv, dtype=np.float64)
        free_ms = np.clip(dt_ms - state.held_ms, 0.0, dt_ms)
        v = target + (state.v_mv - target) * np.exp(-free_ms / self.tau_ms)
        spiked = v >= self.v_th_mv
        held = np.where(spiked, self.refractory_ms, np.maximum(0.0, state.held_ms - dt_ms))
        return MembraneState(np.where(spiked, self.v_rest_mv, v), held, spiked)
