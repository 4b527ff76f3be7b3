"""Closed forms for the complex Ginzburg-Landau equation of `core.field`: what a correct solution agrees with.

Sources: Aranson & Kramer, RMP 74:99 (2002); Chate & Manneville, Physica A 224:348 (1996).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def plane_wave_amplitude(wavenumber: float) -> float:
    """Return F = sqrt(1 - k^2) of A = F exp(i (k x - omega t)); raise ValueError for |k| > 1."""
    if not abs(wavenumber) <= 1:
        raise ValueError(f"wavenumber: expected a number in [-1, 1], got {wavenumber}")
    return float(np.sqrt(1 - wavenumber**2))


def plane_wave_frequency(wavenumber: float, c1: float, c3: float) -> float:
    """Return omega = c3 + (c1 - c3) k^2."""
    return c3 + (c1 - c3) * wavenumber**2


def plane_wave(x: ArrayLike, time: float, wavenumber: float, c1: float, c3: float) -> NDArray[np.complex128]:
    """Return A(x, t) = F exp(i (k x - omega t)); on a periodic domain k is a multiple of 2 pi/L."""
    phase = wavenumber * np.asarray(x) - plane_wave_frequency(wavenumber, c1, c3) * time
    return np.asarray(plane_wave_amplitude(wavenumber) * np.exp(1j * phase))


def sideband_growth(q: ArrayLike, c1: float, c3: float) -> FloatArray:
    """Return the real growth rate of a perturbation exp(i q x) of the uniform oscillation, its larger branch.

    lambda = -(1 + q^2) + sqrt(1 - 2 c1 c3 q^2 - c1^2 q^4).
    """
    q2 = np.asarray(q, dtype=np.float64) ** 2
    root = np.sqrt(np.maximum(0.0, 1 - 2 * c1 * c3 * q2 - (c1 * q2) ** 2))
    return np.asarray(root - (1 + q2))


def is_benjamin_feir_unstable(c1: float, c3: float) -> bool:
    """Return whether long waves destabilise the uniform oscillation: 1 + c1 c3 < 0 (Newell's criterion)."""
    return 1 + c1 * c3 < 0


def eckhaus_wavenumber(c1: float, c3: float) -> float:
    """Return Q_E, up to which plane waves are stable to long waves: Q_E^2 = (1 + c1 c3) / (3 + c1 c3 + 2 c3^2).

    Raises ValueError where no plane wave is stable, 1 + c1 c3 < 0.
    """
    if is_benjamin_feir_unstable(c1, c3):
        raise ValueError("c1, c3: no plane wave is stable where 1 + c1 c3 < 0")
    return float(np.sqrt((1 + c1 * c3) / (3 + c1 * c3 + 2 * c3**2)))
