"""Two-level systems by Bloch vector: free decay, driven evolution, gates, measurement and the derived label.

A state is b = (x, y, z) with |b| <= 1 on the last axis, and its density matrix (1 + b.sigma)/2: z = 1 is
level 0, z = -1 level 1. hbar = 1, so energies are angular frequencies in rad/s. A free system has H =
(omega/2) sigma_z, a driven one H = V sigma_z + Delta sigma_x with bias V and tunnelling Delta.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
StateLabel = Literal["collapsed", "tunneling", "entangled", "superposition", "coherent", "decoherent"]

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
NORM_TOLERANCE = 1e-9
COLLAPSED_PROBABILITY = 1 - 1e-3
TUNNELING_RATIO = 3.0
ENTANGLED_CONCURRENCE = 0.1
SUPERPOSITION_COHERENCE = 0.5
COHERENT_COHERENCE = 0.1
COLLAPSING_EVENTS = frozenset({"measure", "reset", "prepare", "gate", "gate2", "sweep_end", "disentangle"})
"""Events after which a system that stands in a level counts as collapsed; one that relaxed there does not."""
MAX_SWEEP_STEPS = 1_000_000

_DIAGONAL = (0.5**0.5, 0.0, 0.5**0.5)
# Each gate is a turn about an axis, up to a phase that no single system shows.
GATES: dict[str, tuple[tuple[float, float, float], float]] = {
    "x": ((1.0, 0.0, 0.0), np.pi),
    "y": ((0.0, 1.0, 0.0), np.pi),
    "z": ((0.0, 0.0, 1.0), np.pi),
    "h": (_DIAGONAL, np.pi),
    "s": ((0.0, 0.0, 1.0), np.pi / 2),
    "sdg": ((0.0, 0.0, 1.0), -np.pi / 2),
    "t": ((0.0, 0.0, 1.0), np.pi / 4),
    "tdg": ((0.0, 0.0, 1.0), -np.pi / 4),
    "sx": ((1.0, 0.0, 0.0), np.pi / 2),
}


def density_matrix(bloch: ArrayLike) -> ComplexArray:
    """Return (1 + b.sigma)/2, (..., 2, 2)."""
    b = read_bloch(bloch)
    return np.asarray((np.eye(2) + np.einsum("...k,kij->...ij", b, SIGMA)) / 2)


def bloch_vector(density: ArrayLike) -> FloatArray:
    """Return b of a density matrix (..., 2, 2); raise ValueError unless Hermitian, positive and of trace 1."""
    rho = np.asarray(density, dtype=np.complex128)
    if rho.shape[-2:] != (2, 2) or not np.isfinite(rho).all():
        raise ValueError(f"density: expected finite numbers of shape (..., 2, 2), got {rho.shape}")
    if np.abs(rho - np.conj(np.swapaxes(rho, -1, -2))).max(initial=0.0) > NORM_TOLERANCE:
        raise ValueError("density: expected a Hermitian matrix")
    if np.abs(np.trace(rho, axis1=-2, axis2=-1) - 1).max(initial=0.0) > NORM_TOLERANCE:
        raise ValueError("density: expected trace 1")
    return read_bloch(np.einsum("...ij,kji->...k", rho, SIGMA).real, name="density")


def read_bloch(bloch: ArrayLike, name: str = "bloch") -> FloatArray:
    """Return b as float64 (..., 3); raise ValueError unless finite with x^2 + y^2 + z^2 <= 1 + 1e-9."""
    b = np.asarray(bloch, dtype=np.float64)
    if b.ndim == 0 or b.shape[-1] != 3:
        raise ValueError(f"{name}: expected shape (..., 3), got {b.shape}")
    if not (np.sum(b**2, axis=-1) <= 1 + NORM_TOLERANCE).all():
        raise ValueError(f"{name}: expected a Bloch vector within the unit ball")
    return b


def coherence_l1(bloch: ArrayLike) -> FloatArray:
    """Return C = 2 |rho_01| = sqrt(x^2 + y^2) in [0, 1]."""
    b = read_bloch(bloch)
    # Not np.hypot, whose last digit could differ from the square root that the database takes.
    return np.asarray(np.minimum(1.0, np.sqrt(b[..., 0] * b[..., 0] + b[..., 1] * b[..., 1])))


def purity(bloch: ArrayLike) -> FloatArray:
    """Return Tr rho^2 = (1 + |b|^2)/2 in [1/2, 1]."""
    return np.asarray(np.minimum(1.0, (1 + np.sum(read_bloch(bloch) ** 2, axis=-1)) / 2))


def phase_rad(bloch: ArrayLike) -> FloatArray:
    """Return atan2(y, x) in (-pi, pi]; 0 on the z axis."""
    b = read_bloch(bloch)
    # Adding 0.0 turns -0.0 into 0.0, which would otherwise give -pi or pi for no coherence.
    angle = np.arctan2(b[..., 1] + 0.0, b[..., 0] + 0.0)
    return np.asarray(np.where(angle <= -np.pi, np.pi, angle))


def excited_probability(bloch: ArrayLike) -> FloatArray:
    """Return p1 = (1 - z)/2 in [0, 1], the probability of reading level 1."""
    return np.asarray(np.clip((1 - read_bloch(bloch)[..., 2]) / 2, 0.0, 1.0))


@dataclass(frozen=True)
class Relaxation:
    """Free evolution in contact with the surroundings.

    Attributes:
        t1_s: Relaxation time of p1, > 0.
        t2_s: Decay time of the coherence, 0 < T2 <= 2 T1; 1/T2 = 1/(2 T1) + 1/T_phi.
        omega_rad_s: Angular frequency at which the phase advances.
        p_eq: p1 in equilibrium, in [0, 1].
    """

    t1_s: float
    t2_s: float
    omega_rad_s: float = 0.0
    p_eq: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.t1_s) and self.t1_s > 0):
            raise ValueError(f"t1_s: expected a finite number > 0, got {self.t1_s}")
        if not 0 < self.t2_s <= 2 * self.t1_s * (1 + NORM_TOLERANCE):
            raise ValueError(f"t2_s: expected a number in (0, 2 t1_s], got {self.t2_s} with t1_s {self.t1_s}")
        if not np.isfinite(self.omega_rad_s):
            raise ValueError(f"omega_rad_s: expected a finite number, got {self.omega_rad_s}")
        if not 0 <= self.p_eq <= 1:
            raise ValueError(f"p_eq: expected a number in [0, 1], got {self.p_eq}")

    def decay(self, bloch: ArrayLike, time_s: ArrayLike) -> FloatArray:
        """Return b after a time >= 0 that broadcasts over the leading axes, in closed form.

        rho_01 shrinks by exp(-t/T2) and turns by exp(-i omega t); p1 approaches p_eq by exp(-t/T1).
        """
        b, t = read_bloch(bloch), np.asarray(time_s, dtype=np.float64)
        if not (t >= 0).all():
            raise ValueError("time_s: expected a number >= 0")
        transverse = (b[..., 0] + 1j * b[..., 1]) * np.exp((1j * self.omega_rad_s - 1 / self.t2_s) * t)
        z_eq = 1 - 2 * self.p_eq
        z = z_eq + (b[..., 2] - z_eq) * np.exp(-t / self.t1_s)
        return np.stack(np.broadcast_arrays(transverse.real, transverse.imag, z), axis=-1)

    def integrate_lindblad(self, bloch: ArrayLike, duration_s: float, n_steps: int) -> FloatArray:
        """Return b after a duration by RK4 on the Lindblad equation: an independent check of `decay`."""
        lower, raised = np.array([[0, 1], [0, 0]]), np.array([[0, 0], [1, 0]])
        dephasing = max(0.0, 1 / self.t2_s - 1 / (2 * self.t1_s))
        channels = [
            ((1 - self.p_eq) / self.t1_s, lower),
            (self.p_eq / self.t1_s, raised),
            (dephasing / 2, SIGMA[2]),
        ]
        hamiltonian = self.omega_rad_s / 2 * SIGMA[2]

        def change(rho: ComplexArray) -> ComplexArray:
            rate = -1j * (hamiltonian @ rho - rho @ hamiltonian)
            for strength, jump in channels:
                left = jump.conj().T @ jump
                rate = rate + strength * (jump @ rho @ jump.conj().T - (left @ rho + rho @ left) / 2)
            return np.asarray(rate)

        rho, dt = density_matrix(bloch), duration_s / n_steps
        for _ in range(n_steps):
            k1 = change(rho)
            k2 = change(rho + dt / 2 * k1)
            k3 = change(rho + dt / 2 * k2)
            k4 = change(rho + dt * k3)
            rho = rho + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return bloch_vector(rho)


def rotate_bloch(bloch: ArrayLike, axis: ArrayLike, angle_rad: ArrayLike) -> FloatArray:
    """Turn b about a unit axis by an angle, right-handed; both broadcast over the leading axes."""
    b, n = read_bloch(bloch), np.asarray(axis, dtype=np.float64)
    if n.ndim == 0 or n.shape[-1] != 3 or not (np.abs(np.sum(n**2, axis=-1) - 1) <= NORM_TOLERANCE).all():
        raise ValueError("axis: expected a unit vector of shape (..., 3)")
    angle = np.asarray(angle_rad, dtype=np.float64)[..., np.newaxis]
    along = n * np.sum(n * b, axis=-1, keepdims=True)
    turned = along + (b - along) * np.cos(angle) + np.cross(n, b) * np.sin(angle)
    # Rounding must not walk a pure state out of the ball over many turns.
    return np.asarray(turned / np.maximum(1.0, np.linalg.norm(turned, axis=-1, keepdims=True)))


def apply_gate(bloch: ArrayLike, gate: str) -> FloatArray:
    """Apply one of `GATES`; raise ValueError for another name."""
    if gate not in GATES:
        raise ValueError(f"gate: expected one of {', '.join(sorted(GATES))}, got {gate!r}")
    axis, angle = GATES[gate]
    return rotate_bloch(bloch, axis, angle)


def drive_bloch(bloch: ArrayLike, bias: float, tunnelling: float, duration_s: ArrayLike) -> FloatArray:
    """Return b after a time under constant H = V sigma_z + Delta sigma_x: a turn by 2 Omega t about (Delta, 0, V)."""
    frequency = float(np.hypot(bias, tunnelling))
    if frequency == 0:
        return read_bloch(bloch).copy()
    axis = (tunnelling / frequency, 0.0, bias / frequency)
    return rotate_bloch(bloch, axis, 2 * frequency * np.asarray(duration_s, dtype=np.float64))


def rabi_probability(time_s: ArrayLike, bias: float, tunnelling: float) -> FloatArray:
    """Return p1(t) = (Delta/Omega)^2 sin^2(Omega t) from level 0, Omega^2 = V^2 + Delta^2."""
    frequency = float(np.hypot(bias, tunnelling))
    amplitude = (tunnelling / frequency) ** 2 if frequency else 0.0
    return np.asarray(amplitude * np.sin(frequency * np.asarray(time_s, dtype=np.float64)) ** 2)


def sweep_bias(
    bloch: ArrayLike, start_bias: float, end_bias: float, tunnelling: float, duration_s: float, n_steps: int
) -> FloatArray:
    """Return b after a linear sweep of the bias, in steps of constant H at their mid-points (second order).

    A step has to turn b by well under a radian: n_steps >> 2 max|V| duration.
    """
    if not 1 <= n_steps <= MAX_SWEEP_STEPS or not (np.isfinite(duration_s) and duration_s > 0):
        raise ValueError(
            f"n_steps, duration_s: expected 1 to {MAX_SWEEP_STEPS} and > 0, got {n_steps} and {duration_s}"
        )
    bias = start_bias + (end_bias - start_bias) * (np.arange(n_steps) + 0.5) / n_steps
    frequency = np.hypot(bias, tunnelling)
    angle = frequency * duration_s / n_steps
    # exp(-i H dt) = ((a, b), (-conj b, conj a)); sin(angle)/frequency is dt where both vanish.
    slope = np.sinc(angle / np.pi) * duration_s / n_steps
    a, b = np.cos(angle) - 1j * slope * bias, -1j * slope * tunnelling
    while a.size > 1:
        if a.size % 2:
            a, b = np.append(a, 1.0), np.append(b, 0.0)
        early_a, early_b, late_a, late_b = a[0::2], b[0::2], a[1::2], b[1::2]
        a, b = late_a * early_a - late_b * early_b.conj(), late_a * early_b + late_b * early_a.conj()
    unitary = np.array([[a[0], b[0]], [-b[0].conj(), a[0].conj()]])
    turned = bloch_vector(unitary @ density_matrix(bloch) @ unitary.conj().T)
    return np.asarray(turned / np.maximum(1.0, np.linalg.norm(turned, axis=-1, keepdims=True)))


def landau_zener_probability(tunnelling: ArrayLike, rate: float) -> FloatArray:
    """Return exp(-pi Delta^2/v), the chance that a full sweep V = v t, v > 0 in rad/s^2, leaves the level as it was."""
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate: expected a finite number > 0, got {rate}")
    return np.asarray(np.exp(-np.pi * np.asarray(tunnelling, dtype=np.float64) ** 2 / rate))


def measure_bloch(bloch: ArrayLike, rng: np.random.Generator) -> tuple[NDArray[np.int64], FloatArray]:
    """Measure in the level basis: return the outcomes 0 or 1 with probability p1, and the collapsed b."""
    p1 = excited_probability(bloch)
    outcome = (rng.random(p1.shape) < p1).astype(np.int64)
    zero = np.zeros_like(p1)
    return outcome, np.stack([zero, zero, 1.0 - 2.0 * outcome], axis=-1)


def derive_label(
    bloch: ArrayLike,
    *,
    last_event: str | None = None,
    sweep_open: bool = False,
    bias: float = 0.0,
    tunnelling: float = 0.0,
    concurrence: float = 0.0,
) -> StateLabel:
    """Name the state of one system; the first that holds wins.

    collapsed (after a collapsing event, and a level at 0.999 or more), tunneling (a sweep open, |V| <= 3
    |Delta|), entangled (concurrence >= 0.1), superposition (C >= 0.5), coherent (C >= 0.1), decoherent.
    """
    b = read_bloch(bloch)
    if b.ndim != 1:
        raise ValueError(f"bloch: expected one system, shape (3,), got {b.shape}")
    if last_event in COLLAPSING_EVENTS and (1 + abs(b[2])) / 2 >= COLLAPSED_PROBABILITY:
        return "collapsed"
    if sweep_open and abs(bias) <= TUNNELING_RATIO * abs(tunnelling):
        return "tunneling"
    if concurrence >= ENTANGLED_CONCURRENCE:
        return "entangled"
    coherence = float(coherence_l1(b))
    if coherence >= SUPERPOSITION_COHERENCE:
        return "superposition"
    return "coherent" if coherence >= COHERENT_COHERENCE else "decoherent"
