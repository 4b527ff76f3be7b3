"""Order across the layers of a multiplex of oscillators."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def layer_order_parameters(phases: ArrayLike, layers: ArrayLike) -> NDArray[np.complex128]:
    """Return z = mean(exp(i theta)) of each layer, complex128, in the order of the layers.

    Args:
        phases: rad, (n,).
        layers: the layer of each oscillator, whole numbers, (n,).

    Raises:
        ValueError: shapes disagree, there is no oscillator, or a phase is not finite.
    """
    angles = np.asarray(phases, dtype=np.float64)
    belongs = np.asarray(layers)
    if angles.ndim != 1 or angles.shape != belongs.shape or not angles.size:
        raise ValueError(f"layers: one for each phase is needed, got {belongs.shape} for {angles.shape}")
    if not np.isfinite(angles).all():
        raise ValueError("phases: finite numbers are needed")
    _, place, sizes = np.unique(belongs, return_inverse=True, return_counts=True)
    units = np.exp(1j * angles)
    sums = np.bincount(place, units.real) + 1j * np.bincount(place, units.imag)
    return np.asarray(sums / sizes)


def cross_reality_coherence(phases: ArrayLike, layers: ArrayLike) -> float:
    """Return |mean over layers of z_layer|, 0 to 1: every layer counts the same, however many oscillators it has.

    It is 1 only where all layers are synchronised at one phase, and r where all layers are of one size.

    Raises:
        ValueError: as `layer_order_parameters`.
    """
    return float(min(1.0, abs(layer_order_parameters(phases, layers).mean())))
