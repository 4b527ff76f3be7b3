"""The complex Ginzburg-Landau field on a periodic grid: integrator, observables and the stored frame.

    dA/dt = A + (1 + i c1) laplacian(A) - (1 + i c3) |A|^2 A + u(x, t)

Everything is dimensionless. A grid has n points a side at x = 0, dx, ..., L - dx with dx = L/n: the end point
is left out, because it is the first one again. Defect cores are a few units wide, so dx of 0.5 to 1 resolves
them. Sources: Aranson & Kramer, RMP 74:99 (2002), with b = c1 and c = c3; Kassam & Trefethen, SISC 26:1214
(2005).
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_CONTOUR_POINTS = 32


@dataclass(frozen=True, eq=False)
class GinzburgLandau:
    """A grid with the equation's parameters and its ETDRK4 integrator, of fourth order in dt.

    Attributes:
        n: Points a side, >= 4.
        length: L, the side of the periodic domain.
        c1: Linear dispersion.
        c3: Nonlinear dispersion; uniform oscillation is unstable when 1 + c1 c3 < 0.
        dt: Time step.
        ndim: 1 or 2.

    Raises ValueError, naming the field, for a value outside its range.
    """

    n: int
    length: float
    c1: float
    c3: float
    dt: float
    ndim: int = 2
    _weights: "_Weights" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check_grid(self.n, self.length)
        for name in ("c1", "c3"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name}: expected a finite number, got {getattr(self, name)}")
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt: expected a finite number > 0, got {self.dt}")
        if self.ndim not in (1, 2):
            raise ValueError(f"ndim: expected 1 or 2, got {self.ndim}")
        decay = (1 + 1j * self.c1) * _square_wavenumbers(self.n, self.length, self.ndim)
        object.__setattr__(self, "_weights", _integrate_weights(np.asarray(1 - decay), self.dt))

    @property
    def dx(self) -> float:
        """Grid spacing."""
        return self.length / self.n

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field on this grid."""
        return (self.n,) * self.ndim

    def coordinates(self) -> FloatArray:
        """Return the grid points along one side, (n,)."""
        return np.asarray(np.arange(self.n) * self.dx)

    def sample_noise(self, rng: np.random.Generator, amplitude: float = 0.01) -> ComplexArray:
        """Return complex Gaussian noise with root mean square `amplitude`, a start near the unstable A = 0."""
        scale = amplitude / np.sqrt(2)
        return np.asarray(scale * (rng.standard_normal(self.shape) + 1j * rng.standard_normal(self.shape)))

    def step(self, amplitude: ArrayLike, control: ArrayLike | None = None) -> ComplexArray:
        """Return the field one dt later; `control` is u, held over the step, a number or shaped as the field."""
        start = _read_field(amplitude, self.shape)
        drive = None if control is None else np.asarray(control, dtype=np.complex128)
        w = self._weights

        def react(values: ComplexArray) -> ComplexArray:
            rate = -(1 + 1j * self.c3) * (values.real**2 + values.imag**2) * values
            return np.asarray(np.fft.fftn(rate if drive is None else rate + drive))

        spectrum = np.fft.fftn(start)
        rate_start = react(start)
        a = w.half_decay * spectrum + w.half_gain * rate_start
        rate_a = react(np.fft.ifftn(a))
        rate_b = react(np.fft.ifftn(w.half_decay * spectrum + w.half_gain * rate_a))
        rate_c = react(np.fft.ifftn(w.half_decay * a + w.half_gain * (2 * rate_b - rate_start)))
        gain = w.first * rate_start + w.middle * (rate_a + rate_b) + w.last * rate_c
        return np.asarray(np.fft.ifftn(w.decay * spectrum + gain))


class _Weights(NamedTuple):
    decay: ComplexArray
    half_decay: ComplexArray
    half_gain: ComplexArray
    first: ComplexArray
    middle: ComplexArray
    last: ComplexArray


def _integrate_weights(linear: ComplexArray, dt: float) -> _Weights:
    """Average the ETDRK4 coefficients over a unit circle round each dt*L, where they do not cancel."""
    scaled = dt * linear
    half_gain, first, middle, last = (np.zeros_like(scaled) for _ in range(4))
    for angle in 2 * np.pi * (np.arange(_CONTOUR_POINTS) + 0.5) / _CONTOUR_POINTS:
        z = scaled + np.exp(1j * angle)
        growth = np.exp(z)
        half_gain += (np.exp(z / 2) - 1) / z
        first += (-4 - z + growth * (4 - 3 * z + z**2)) / z**3
        middle += 2 * (2 + z + growth * (z - 2)) / z**3
        last += (-4 - 3 * z - z**2 + growth * (4 - z)) / z**3
    scale = dt / _CONTOUR_POINTS
    averages = (scale * total for total in (half_gain, first, middle, last))
    return _Weights(np.exp(scaled), np.exp(scaled / 2), *averages)


@dataclass(frozen=True)
class FieldObservables:
    """What one field is worth recording by: see the function of each name; defects are None in one dimension."""

    coherence_level: float
    mean_abs: float
    energy: float
    gradient_energy: float
    quartic: float
    defect_count: int | None
    defect_density: float | None


def observe_field(amplitude: ArrayLike, length: float) -> FieldObservables:
    """Return every observable of a field on a periodic domain of side `length`.

    Raises ValueError when the field is not a square grid of one or two dimensions, or a value does not fit a
    stored frame.
    """
    values = _read_field(amplitude)
    _narrow(values)
    has_defects = values.ndim == 2
    return FieldObservables(
        coherence_level=coherence_level(values),
        mean_abs=mean_abs(values),
        energy=energy(values, length),
        gradient_energy=gradient_energy(values, length),
        quartic=quartic(values, length),
        defect_count=defect_count(values) if has_defects else None,
        defect_density=defect_density(values, length) if has_defects else None,
    )


def mean_abs(amplitude: ArrayLike) -> float:
    """Return <|A|>, which is not bounded by 1."""
    return float(np.abs(_read_field(amplitude)).mean())


def coherence_level(amplitude: ArrayLike) -> float:
    """Return |<A>| / <|A|> in [0, 1]: 1 for a uniform phase, 0 for a zero field."""
    values = _read_field(amplitude)
    scale = mean_abs(values)
    return min(1.0, float(np.abs(values.mean())) / scale) if scale else 0.0


def energy(amplitude: ArrayLike, length: float) -> float:
    """Return E, the integral of |A|^2, in units of the domain's area (length in one dimension)."""
    values = _read_field(amplitude)
    return float((values.real**2 + values.imag**2).mean() * _volume(values, length))


def gradient_energy(amplitude: ArrayLike, length: float) -> float:
    """Return G, the integral of |grad A|^2, with spectral accuracy."""
    values = _read_field(amplitude)
    power = np.abs(np.fft.fftn(values) / values.size) ** 2
    weighted = _square_wavenumbers(values.shape[0], length, values.ndim) * power
    return float(weighted.sum() * _volume(values, length))


def quartic(amplitude: ArrayLike, length: float) -> float:
    """Return Q, the integral of |A|^4."""
    values = _read_field(amplitude)
    return float(((values.real**2 + values.imag**2) ** 2).mean() * _volume(values, length))


def energy_rate(amplitude: ArrayLike, length: float, control: ArrayLike | None = None) -> float:
    """Return dE/dt = 2 (E - G - Q) + 2 Re integral(u conj(A)), an identity in which c1 and c3 drop out."""
    values = _read_field(amplitude)
    balance = energy(values, length) - gradient_energy(values, length) - quartic(values, length)
    if control is None:
        return 2 * balance
    work = (np.asarray(control) * np.conj(values)).mean().real * _volume(values, length)
    return float(2 * balance + 2 * work)


def energy_residual(before: ArrayLike, middle: ArrayLike, after: ArrayLike, length: float, dt: float) -> float:
    """Return how far three fields, dt apart and without control, miss the energy identity, relative to E.

    |E(after) - E(before) - dt/3 (rate(before) + 4 rate(middle) + rate(after))| / (2 dt max E). Simpson's rule
    leaves O(dt^4) of a correct solution, the order of the integrator. Three zero fields give 0.
    """
    energies = [energy(values, length) for values in (before, middle, after)]
    rates = [energy_rate(values, length) for values in (before, middle, after)]
    expected = dt / 3 * (rates[0] + 4 * rates[1] + rates[2])
    scale = 2 * dt * max(energies)
    return abs(energies[2] - energies[0] - expected) / scale if scale else 0.0


def free_energy(amplitude: ArrayLike, length: float) -> float:
    """Return F = G - E + Q/2, which never increases when c1 = c3 = 0 and there is no control."""
    values = _read_field(amplitude)
    return gradient_energy(values, length) - energy(values, length) + quartic(values, length) / 2


def winding_numbers(amplitude: ArrayLike) -> NDArray[np.int8]:
    """Return the topological charge of each plaquette, (n, n) of -1, 0 or 1, which sum to 0 exactly.

    Plaquette [i, j] has its corners at i, i + 1 and j, j + 1, and turns from the first axis to the second.
    """
    values = _read_field(amplitude)
    if values.ndim != 2:
        raise ValueError(f"amplitude: winding numbers need two dimensions, got {values.ndim}")
    phase = np.angle(values)
    # Round a plaquette the plain differences cancel; what is left are the whole turns that wrapping takes
    # off.
    turns_0, turns_1 = (np.rint((np.roll(phase, -1, axis) - phase) / (2 * np.pi)) for axis in (0, 1))
    winding = turns_0 + np.roll(turns_1, -1, 0) - np.roll(turns_0, -1, 1) - turns_1
    return (-winding).astype(np.int8)


def defect_count(amplitude: ArrayLike) -> int:
    """Return the number of phase defects of either sign."""
    return int(np.abs(winding_numbers(amplitude)).sum(dtype=np.int64))


def defect_density(amplitude: ArrayLike, length: float) -> float:
    """Return the phase defects of either sign per unit area."""
    values = _read_field(amplitude)
    return defect_count(values) / _volume(values, length)


class EncodedFrame(NamedTuple):
    """A stored field: complex64, little-endian, row-major; the digest is of the payload, 32 bytes."""

    payload: bytes
    sha256: bytes


def encode_frame(amplitude: ArrayLike) -> EncodedFrame:
    """Return the bytes to store, at half precision of the solver; raise ValueError if a value does not fit."""
    payload = _narrow(_read_field(amplitude)).tobytes(order="C")
    return EncodedFrame(payload, hashlib.sha256(payload).digest())


def decode_frame(payload: bytes, shape: tuple[int, ...], sha256: bytes | None = None) -> NDArray[np.complex64]:
    """Return the field of a stored frame, writable, in native byte order.

    Raises ValueError when the length does not fit the shape, the digest (where given) does not fit the
    payload, or a value is not finite.
    """
    expected = 8 * int(np.prod(shape))
    if len(payload) != expected:
        raise ValueError(f"payload: expected {expected} bytes for shape {shape}, got {len(payload)}")
    if sha256 is not None:
        check_digest(payload, sha256)
    values = np.frombuffer(payload, dtype="<c8").reshape(shape).astype(np.complex64)
    if not np.isfinite(values).all():
        raise ValueError("payload: expected finite numbers")
    return values


def check_digest(payload: bytes, sha256: bytes) -> None:
    """Raise ValueError when the digest is not that of the payload."""
    if not hmac.compare_digest(hashlib.sha256(payload).digest(), sha256):
        raise ValueError("sha256: does not match the payload")


def narrow_field(amplitude: ArrayLike) -> NDArray[np.complex64]:
    """Return the field as it is recorded, complex64; raise ValueError if it is not one or a value does not fit."""
    return _narrow(_read_field(amplitude))


def _read_field(amplitude: ArrayLike, shape: tuple[int, ...] | None = None) -> ComplexArray:
    values = np.asarray(amplitude, dtype=np.complex128)
    if shape is not None and values.shape != shape:
        raise ValueError(f"amplitude: expected shape {shape}, got {values.shape}")
    if values.ndim not in (1, 2) or values.size == 0 or len(set(values.shape)) != 1:
        raise ValueError(f"amplitude: expected shape (n,) or (n, n), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("amplitude: expected finite numbers")
    return values


def _narrow(values: ComplexArray) -> NDArray[np.complex64]:
    with np.errstate(over="ignore"):
        narrow = values.astype("<c8")
    if not np.isfinite(narrow).all():
        raise ValueError("amplitude: too large for a complex64 frame")
    return narrow


def _check_grid(n: int, length: float) -> None:
    if n < 4:
        raise ValueError(f"n: expected at least 4 points a side, got {n}")
    if not (np.isfinite(length) and length > 0):
        raise ValueError(f"length: expected a finite number > 0, got {length}")


def _volume(values: ComplexArray, length: float) -> float:
    return float(length) ** values.ndim


def _square_wavenumbers(n: int, length: float, ndim: int) -> FloatArray:
    squares: FloatArray = np.asarray((2 * np.pi * np.fft.fftfreq(n, d=length / n)) ** 2)
    return squares if ndim == 1 else np.asarray(squares[:, np.newaxis] + squares)
