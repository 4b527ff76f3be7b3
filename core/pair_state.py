"""Two two-level systems in one pure state: amplitudes of 00, 01, 10, 11 on the last axis, the first system first."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.two_level import SIGMA, read_bloch

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

PURE_TOLERANCE = 1e-6
_NORM_TOLERANCE = 1e-9
_SUBSCRIPTS = ("...ab,kca,...cb->...k", "...ab,kcb,...ac->...k")


def product_state(first: ArrayLike, second: ArrayLike) -> ComplexArray:
    """Return the (4,) state of two independent systems; raise ValueError when a Bloch vector (3,) is not pure."""
    return np.asarray(np.kron(_read_pure(first, "first"), _read_pure(second, "second")))


def apply_cnot(state: ArrayLike) -> ComplexArray:
    """Flip the second system where the first is at level 1."""
    return _read_state(state)[..., [0, 1, 3, 2]]


def concurrence(state: ArrayLike) -> FloatArray:
    """Return 2 |a_00 a_11 - a_01 a_10| in [0, 1]: 0 for a product state, 1 for a Bell state."""
    a = _read_state(state)
    return np.asarray(np.minimum(1.0, 2 * np.abs(a[..., 0] * a[..., 3] - a[..., 1] * a[..., 2])))


def reduce_pair(state: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the Bloch vector (..., 3) of each system alone, of length sqrt(1 - concurrence^2)."""
    a = _read_state(state)
    amplitudes = a.reshape(*a.shape[:-1], 2, 2)
    first, second = (np.einsum(s, amplitudes, SIGMA, amplitudes.conj()).real for s in _SUBSCRIPTS)
    return first, second


def exchange_systems(state: ArrayLike) -> ComplexArray:
    """Return the same state with the second system first."""
    return _read_state(state)[..., [0, 2, 1, 3]]


def measure_pair(state: ArrayLike, system: int, rng: np.random.Generator) -> tuple[int, ComplexArray]:
    """Measure system 0 or 1 of one pair in the level basis: return the outcome and the state (4,) after it."""
    p1 = _level_probability(state, system, 1)
    outcome = int(rng.random() < p1)
    return outcome, project_pair(state, system, outcome)


def project_pair(state: ArrayLike, system: int, outcome: int) -> ComplexArray:
    """Return the state (4,) of one pair after system 0 or 1 was found at level 0 or 1.

    Raises ValueError when it is never found there.
    """
    if not _level_probability(state, system, outcome) > 0:
        raise ValueError(f"outcome: system {system} is never found at level {outcome}")
    amplitudes = _read_state(state).reshape(2, 2)
    kept = np.zeros_like(amplitudes)
    index = (outcome, slice(None)) if system == 0 else (slice(None), outcome)
    kept[index] = amplitudes[index]
    return np.asarray((kept / np.linalg.norm(kept)).reshape(4))


def _level_probability(state: ArrayLike, system: int, level: int) -> float:
    if system not in (0, 1):
        raise ValueError(f"system: expected 0 or 1, got {system}")
    if level not in (0, 1):
        raise ValueError(f"outcome: expected 0 or 1, got {level}")
    return float(np.sum(np.abs(np.take(_read_state(state).reshape(2, 2), level, axis=system)) ** 2))


def _read_state(state: ArrayLike) -> ComplexArray:
    a = np.asarray(state, dtype=np.complex128)
    if a.ndim == 0 or a.shape[-1] != 4:
        raise ValueError(f"state: expected shape (..., 4), got {a.shape}")
    if not (np.abs(np.sum(np.abs(a) ** 2, axis=-1) - 1) <= _NORM_TOLERANCE).all():
        raise ValueError("state: expected amplitudes of norm 1")
    return a


def _read_pure(bloch: ArrayLike, name: str) -> ComplexArray:
    b = read_bloch(bloch, name)
    if b.shape != (3,) or abs(np.linalg.norm(b) - 1) > PURE_TOLERANCE:
        raise ValueError(f"{name}: expected one pure state, a Bloch vector of length 1")
    x, y, z = b / np.linalg.norm(b)
    p0 = min(1.0, max(0.0, (1 + z) / 2))
    return np.array([np.sqrt(p0), np.sqrt(1 - p0) * np.exp(1j * np.arctan2(y, x))])
