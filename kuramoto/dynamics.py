"""Kuramoto-Sakaguchi phase oscillators on any graph.

    dtheta_i/dt = omega_i + sum_j K_ij sin(theta_j - theta_i - alpha_ij) + u_i(t) + sqrt(2 D) xi_i(t)

Phases are kept unwrapped, in radians; the last axis runs over the oscillators and leading axes over an
ensemble. Sources: Kuramoto (1984); Sakaguchi & Kuramoto, Prog. Theor. Phys. 76:576 (1986); Acebron et al.,
RMP 77:137 (2005).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
CouplingNorm = Literal["per_n", "per_degree", "raw"]
Control = Callable[[FloatArray, float], FloatArray] | FloatArray


def wrap_phase(phases: ArrayLike) -> FloatArray:
    """Wrap angles into (-pi, pi]; angles already inside come back bit for bit."""
    angles = np.asarray(phases, dtype=np.float64)
    wrapped = angles - 2 * np.pi * np.ceil((angles - np.pi) / (2 * np.pi))
    # Rounding can land a multiple of 2 pi on or just outside the open end.
    return np.where(wrapped <= -np.pi, np.pi, np.minimum(wrapped, np.pi))


def order_parameter(phases: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return (r, psi) of z = mean(exp(i theta)) = r exp(i psi) over the last axis.

    r is clipped to [0, 1], because rounding lifts it above 1 in synchronised states; psi is in (-pi, pi]. A
    phase that is not finite makes both NaN. Raises ValueError when there is no oscillator.
    """
    angles = np.asarray(phases, dtype=np.float64)
    if angles.ndim == 0 or angles.shape[-1] == 0:
        raise ValueError("phases: expected at least one oscillator on the last axis")
    with np.errstate(invalid="ignore"):
        x, y = np.cos(angles).mean(axis=-1), np.sin(angles).mean(axis=-1)
    return np.clip(np.hypot(x, y), 0.0, 1.0), wrap_phase(np.arctan2(y, x))


def pairwise_phase_consistency(phases: ArrayLike) -> FloatArray:
    """Return the mean of cos(theta_i - theta_j) over pairs i != j: (N r^2 - 1) / (N - 1), in [-1/(N-1), 1].

    Unlike r it does not depend on N for incoherent phases (Vinck et al. 2010). Raises ValueError for N < 2.
    """
    angles = np.asarray(phases, dtype=np.float64)
    r, _ = order_parameter(angles)
    n = angles.shape[-1]
    if n < 2:
        raise ValueError("phases: expected at least two oscillators on the last axis")
    return np.asarray((n * r**2 - 1) / (n - 1))


def metastability(r: ArrayLike) -> FloatArray:
    """Return the standard deviation of r(t) over time, the last axis."""
    return np.asarray(np.std(np.asarray(r, dtype=np.float64), axis=-1))


def mean_phase_residual(
    start: ArrayLike, now: ArrayLike, natural_frequencies: ArrayLike, elapsed_s: float
) -> FloatArray:
    """Return |mean(theta(t) - theta(0)) - mean(omega) t| in rad, from unwrapped phases.

    It is zero to rounding for symmetric coupling without lag, control or noise, which makes it an integrity
    check.
    """
    advance = np.asarray(now, dtype=np.float64) - np.asarray(start, dtype=np.float64)
    expected = np.mean(np.asarray(natural_frequencies, dtype=np.float64)) * elapsed_s
    return np.asarray(np.abs(advance.mean(axis=-1) - expected))


@dataclass(frozen=True, eq=False)
class KuramotoSystem:
    """The parameters of a network of phase oscillators, and its integrator.

    Attributes:
        natural_frequencies: omega in rad/s, (n,).
        coupling_strength: K in rad/s; negative is repulsive.
        weights: W[i, j] is the pull of j on i, (n, n); None is the mean field: `ones((n, n))` in O(n).
        lag: alpha in rad, a number or (n, n); a matrix needs weights.
        noise: D in rad^2/s, >= 0.
        coupling_norm: K_ij is K W_ij divided by n (`per_n`), by sum_j W_ij (`per_degree`, 0 for an isolated
            oscillator, weights >= 0), or by nothing (`raw`).

    Raises ValueError, naming the field, for a wrong shape or a value that is not finite.
    """

    natural_frequencies: FloatArray
    coupling_strength: float
    weights: FloatArray | None = None
    lag: float | FloatArray = 0.0
    noise: float = 0.0
    coupling_norm: CouplingNorm = "per_n"
    _in_phase: FloatArray = field(init=False, repr=False)
    _quadrature: FloatArray | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        omega = _read_finite("natural_frequencies", self.natural_frequencies)
        if omega.ndim != 1 or omega.size == 0:
            raise ValueError(f"natural_frequencies: expected shape (n,), n >= 1, got {omega.shape}")
        if self.coupling_norm not in get_args(CouplingNorm):
            raise ValueError(f"coupling_norm: expected one of {get_args(CouplingNorm)}, got {self.coupling_norm!r}")
        if not (np.isfinite(self.noise) and self.noise >= 0):
            raise ValueError(f"noise: expected a finite number >= 0, got {self.noise}")
        square = (omega.size, omega.size)
        lag = _read_finite("lag", self.lag)
        if lag.ndim and (self.weights is None or lag.shape != square):
            raise ValueError(f"lag: expected a number, or shape {square} beside weights, got {lag.shape}")
        coupling = self._normalise_weights(square) * _read_finite("coupling_strength", self.coupling_strength)
        quadrature = (coupling * np.sin(lag)).T
        object.__setattr__(self, "natural_frequencies", omega)
        object.__setattr__(self, "_in_phase", np.ascontiguousarray((coupling * np.cos(lag)).T))
        object.__setattr__(self, "_quadrature", np.ascontiguousarray(quadrature) if quadrature.any() else None)

    def _normalise_weights(self, square: tuple[int, int]) -> FloatArray:
        n = square[0]
        if self.weights is None:
            return np.array(1.0 if self.coupling_norm == "raw" else 1.0 / n)
        weights = _read_finite("weights", self.weights)
        if weights.shape != square:
            raise ValueError(f"weights: expected shape {square}, got {weights.shape}")
        object.__setattr__(self, "weights", weights)
        if self.coupling_norm == "raw":
            return weights
        if self.coupling_norm == "per_n":
            return weights / n
        if (weights < 0).any():
            raise ValueError("weights: expected no negative weight with coupling_norm 'per_degree'")
        degree = weights.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(weights, degree, out=np.zeros_like(weights), where=degree > 0))

    @property
    def n_oscillators(self) -> int:
        """Number of oscillators."""
        return self.natural_frequencies.size

    def phase_velocity(self, phases: FloatArray, time_s: float = 0.0, control: Control | None = None) -> FloatArray:
        """Return the deterministic dtheta/dt in rad/s, shaped as the phases (..., n).

        Uses sin(a - b) = sin a cos b - cos a sin b, so that coupling costs matrix products in place of n^2
        sines.
        """
        cos, sin = np.cos(phases), np.sin(phases)
        pull_x, pull_y = self._sum_inputs(cos, self._in_phase), self._sum_inputs(sin, self._in_phase)
        if self._quadrature is not None:
            pull_x = pull_x + self._sum_inputs(sin, self._quadrature)
            pull_y = pull_y - self._sum_inputs(cos, self._quadrature)
        velocity: FloatArray = self.natural_frequencies + pull_y * cos - pull_x * sin
        if control is None:
            return velocity
        velocity += control(phases, time_s) if callable(control) else control
        return velocity

    def _sum_inputs(self, values: FloatArray, kernel: FloatArray) -> FloatArray:
        if self.weights is None:
            return np.asarray(kernel * values.sum(axis=-1, keepdims=True))
        return np.asarray(values @ kernel)

    def step(
        self,
        phases: FloatArray,
        dt: float,
        rng: np.random.Generator | None = None,
        *,
        control: Control | None = None,
        time_s: float = 0.0,
    ) -> FloatArray:
        """Return the unwrapped phases one step of `dt` seconds later; the argument is left as it was.

        RK4 for the drift, between two exact half-step noise kicks of variance D dt (Strang splitting: weak
        order 2, and plain RK4 when D = 0). A callable control sees every stage as `control(phases, time_s)`.
        Keep the spread of natural frequencies times dt below about 0.3. Raises ValueError for a bad shape or
        dt, or noise without `rng`.
        """
        phases = np.asarray(phases, dtype=np.float64)
        if phases.ndim == 0 or phases.shape[-1] != self.n_oscillators:
            raise ValueError(f"phases: expected shape (..., {self.n_oscillators}), got {phases.shape}")
        if not (np.isfinite(dt) and dt > 0):
            raise ValueError(f"dt: expected a finite number > 0, got {dt}")
        if not self.noise:
            return self._advance_drift(phases, dt, control, time_s)
        if rng is None:
            raise ValueError("rng: noise needs a random generator")
        kick = float(np.sqrt(self.noise * dt))
        phases = phases + kick * rng.standard_normal(phases.shape)
        phases = self._advance_drift(phases, dt, control, time_s)
        return np.asarray(phases + kick * rng.standard_normal(phases.shape))

    def _advance_drift(self, phases: FloatArray, dt: float, control: Control | None, time_s: float) -> FloatArray:
        half = dt / 2
        k1 = self.phase_velocity(phases, time_s, control)
        k2 = self.phase_velocity(phases + half * k1, time_s + half, control)
        k3 = self.phase_velocity(phases + half * k2, time_s + half, control)
        k4 = self.phase_velocity(phases + dt * k3, time_s + dt, control)
        return np.asarray(phases + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4))

    def integrate(
        self,
        phases: FloatArray,
        dt: float,
        n_steps: int,
        rng: np.random.Generator | None = None,
        *,
        control: Control | None = None,
        time_s: float = 0.0,
        record_every: int = 1,
    ) -> FloatArray:
        """Return the start and every `record_every`-th state, (1 + n_steps // record_every, ..., n)."""
        if n_steps < 0 or record_every < 1:
            raise ValueError(f"n_steps, record_every: expected >= 0 and >= 1, got {n_steps} and {record_every}")
        phases = np.asarray(phases, dtype=np.float64)
        record = [phases]
        for index in range(n_steps):
            phases = self.step(phases, dt, rng, control=control, time_s=time_s + index * dt)
            if (index + 1) % record_every == 0:
                record.append(phases)
        return np.stack(record)


def desync_control(phases: FloatArray, gain: float, u_max: float = np.inf) -> FloatArray:
    """Return the repulsive mean-field control u_i = -gain r sin(psi - theta_i), in rad/s.

    Values are clipped to [-u_max, u_max]. It undoes synchrony when gain exceeds K - Kc (Rosenblum & Pikovsky,
    PRL 92:114102, 2004). A law that pulls each phase to a fixed angle would synchronise instead.
    """
    return _bound(-gain * _pull_to_mean(phases), u_max)


def sync_control(phases: FloatArray, subset: ArrayLike, gain: float, u_max: float = np.inf) -> FloatArray:
    """Return u_i = gain r_T sin(psi_T - theta_i) in rad/s for i in the subset T, and 0 elsewhere.

    Values are clipped to [-u_max, u_max]. `subset` indexes the last axis: distinct integers, or a boolean
    mask (n,). Raises ValueError when it is empty.
    """
    members = np.arange(phases.shape[-1])[np.asarray(subset)]
    if members.size == 0:
        raise ValueError("subset: expected at least one oscillator")
    control = np.zeros_like(phases)
    control[..., members] = gain * _pull_to_mean(phases[..., members])
    return _bound(control, u_max)


def count_saturated(control: FloatArray, u_max: float) -> int:
    """Count the control values that stand at the bound."""
    return int(np.count_nonzero(np.abs(control) >= u_max))


def _pull_to_mean(phases: FloatArray) -> FloatArray:
    r, psi = order_parameter(phases)
    return np.asarray(r[..., np.newaxis] * np.sin(psi[..., np.newaxis] - phases))


def _bound(control: FloatArray, u_max: float) -> FloatArray:
    if not u_max >= 0:
        raise ValueError(f"u_max: expected a number >= 0, got {u_max}")
    return np.clip(control, -u_max, u_max)


def _read_finite(name: str, value: ArrayLike) -> FloatArray:
    array = np.array(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers")
    return array
