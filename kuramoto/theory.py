"""Closed forms for Kuramoto oscillators: what a correct simulation has to agree with.

Couplings are K in rad/s with K_ij = K/N (`per_n`) unless a function says otherwise; frequencies are rad/s,
times s. Sources: Strogatz, Physica D 143:1 (2000); Acebron et al., RMP 77:137 (2005); Ott & Antonsen, Chaos
18:037113 (2008); Daido, J. Stat. Phys. 60:753 (1990); Restrepo, Ott & Hunt, PRE 71:036151 (2005); Pazo, PRE
72:046211 (2005).
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def critical_coupling(density_at_centre: float) -> float:
    """Return Kc = 2 / (pi g(0)) for a symmetric unimodal frequency density g with g(0) in s/rad."""
    return 2 / (np.pi * _positive("density_at_centre", density_at_centre))


def critical_coupling_lorentzian(half_width: float) -> float:
    """Return Kc = 2 gamma for Lorentzian frequencies of half-width gamma."""
    return 2 * _positive("half_width", half_width)


def critical_coupling_gaussian(sigma: float) -> float:
    """Return Kc = sigma sqrt(8/pi) for normal frequencies."""
    return float(_positive("sigma", sigma) * np.sqrt(8 / np.pi))


def critical_coupling_uniform(half_width: float) -> float:
    """Return Kc = 4 gamma/pi for frequencies uniform in [-gamma, gamma], where r jumps to pi/4."""
    return 4 * _positive("half_width", half_width) / np.pi


def critical_coupling_network(weights: ArrayLike, density_at_centre: float) -> float:
    """Return Kc = 2 / (pi g(0) lambda_max) for K_ij = K W_ij (`raw`) on a dense graph.

    Multiply by n for `per_n`. Raises ValueError when the spectral radius of the weights is zero: such a graph
    never synchronises.
    """
    matrix = np.asarray(weights, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError("weights: expected a square matrix of finite numbers >= 0")
    lambda_max = float(np.abs(np.linalg.eigvals(matrix)).max())
    if lambda_max <= 0:
        raise ValueError("weights: expected a graph with a cycle (largest eigenvalue > 0)")
    return critical_coupling(density_at_centre) / lambda_max


def locked_phase_difference(frequency_difference: float, coupling: float) -> float:
    """Return phi* = asin(d_omega / K) of two locked oscillators; for K_ij = K (`raw`) pass 2 K.

    Raises ValueError when |d_omega| > |K|, where they do not lock.
    """
    if abs(frequency_difference) > abs(coupling):
        raise ValueError("frequency_difference: larger than the coupling, so the pair does not lock")
    return float(np.arcsin(frequency_difference / coupling)) if coupling else 0.0


def locked_order_parameter(frequency_difference: float, coupling: float) -> float:
    """Return r = cos(phi*/2) of two locked oscillators."""
    return float(np.cos(locked_phase_difference(frequency_difference, coupling) / 2))


def beat_frequency(frequency_difference: float, coupling: float) -> float:
    """Return sqrt(d_omega^2 - K^2), the mean frequency difference of an unlocked pair; 0 when locked."""
    return float(np.sqrt(max(0.0, frequency_difference**2 - coupling**2)))


def order_parameter_lorentzian(coupling: ArrayLike, half_width: float) -> FloatArray:
    """Return the stationary r = sqrt(1 - 2 gamma/K) of an infinite population, 0 up to Kc = 2 gamma."""
    k = np.asarray(coupling, dtype=np.float64)
    critical = critical_coupling_lorentzian(half_width)
    return np.asarray(np.sqrt(np.clip(1 - critical / np.maximum(k, critical), 0.0, 1.0)))


def ott_antonsen_order_parameter(time_s: ArrayLike, initial_r: float, coupling: float, half_width: float) -> FloatArray:
    """Return r(t) of dr/dt = (K/2 - gamma) r - (K/2) r^3, exact for Lorentzian frequencies and N to infinity.

    The initial phases have to lie on the Ott-Antonsen manifold, for example wrapped Cauchy and independent of
    omega.
    """
    if not 0 <= initial_r <= 1:
        raise ValueError(f"initial_r: expected a number in [0, 1], got {initial_r}")
    t = np.asarray(time_s, dtype=np.float64)
    growth = coupling - 2 * _positive("half_width", half_width)
    if initial_r == 0:
        return np.zeros_like(t)
    # With q = r^2: dq/dt = growth q - K q^2, so 1/q is linear in exp(-growth t); K t is the limit at zero
    # growth.
    with np.errstate(over="ignore"):
        decay = np.exp(-growth * t)
        accumulated = coupling * t if growth == 0 else -coupling * np.expm1(-growth * t) / growth
    return np.asarray(1 / np.sqrt(decay / initial_r**2 + accumulated))


def incoherent_mean(n: int) -> float:
    """Return E r = sqrt(pi / 4N) of N independent uniform phases (Rayleigh limit)."""
    return float(np.sqrt(np.pi / (4 * n)))


def incoherent_exceedance(r: ArrayLike, n: int) -> FloatArray:
    """Return P(r > x) = exp(-N x^2) of N independent uniform phases (Rayleigh limit)."""
    return np.asarray(np.exp(-n * np.asarray(r, dtype=np.float64) ** 2))


def incoherent_quantile(probability: float, n: int) -> float:
    """Return sqrt(-ln(1 - p) / N), which r of N independent uniform phases stays below with p."""
    if not 0 <= probability < 1:
        raise ValueError(f"probability: expected a number in [0, 1), got {probability}")
    return float(np.sqrt(-np.log1p(-probability) / n))


def incoherent_r_99(n: int) -> float:
    """Return the r below which a state counts as incoherent, sqrt(ln(100) / N)."""
    return incoherent_quantile(0.99, n)


def subcritical_mean_square(n: int, coupling: float, critical: float) -> float:
    """Return <r^2> = 1 / (N (1 - K/Kc)), the finite-size fluctuation below the critical coupling."""
    if not coupling < critical:
        raise ValueError("coupling: expected a value below the critical coupling")
    return 1 / (n * (1 - coupling / critical))


def lorentzian_frequencies(n: int, half_width: float, centre: float = 0.0) -> FloatArray:
    """Return the n mid-point quantiles of a Lorentzian, (n,): a sample without sampling error."""
    return np.asarray(centre + half_width * np.tan(np.pi * (_quantile_levels(n) - 0.5)))


def gaussian_frequencies(n: int, sigma: float, centre: float = 0.0) -> FloatArray:
    """Return the n mid-point quantiles of a normal distribution, (n,)."""
    normal = NormalDist(centre, sigma)
    return np.array([normal.inv_cdf(level) for level in _quantile_levels(n)])


def _quantile_levels(n: int) -> FloatArray:
    if n < 1:
        raise ValueError(f"n: expected at least 1, got {n}")
    return (np.arange(n) + 0.5) / n


def _positive(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name}: expected a finite number > 0, got {value}")
    return float(value)
