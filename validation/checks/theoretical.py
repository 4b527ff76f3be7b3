"""Closed forms, identities and integer topology. Sources stand with the functions that hold the formulas."""

from __future__ import annotations

import numpy as np

from cognitive.complexity import lempel_ziv_count, total_correlation_gaussian
from core import field, field_theory
from core.field import GinzburgLandau
from core.membrane import Membrane
from core.two_level import (
    Relaxation,
    drive_bloch,
    excited_probability,
    landau_zener_probability,
    rabi_probability,
    sweep_bias,
)
from kuramoto import theory
from kuramoto.dynamics import KuramotoSystem, mean_phase_residual, order_parameter
from validation.checks.base import Measurement, check
from validation.choices import ValidationType

Rng = np.random.Generator
theoretical = check(ValidationType.THEORETICAL)


@theoretical
def two_oscillators_lock(rng: Rng) -> Measurement:
    """Two oscillators 1 rad/s apart at K = 2 rad/s settle on r = cos(asin(1/2)/2)."""
    system = KuramotoSystem(np.array([0.5, -0.5]), 2.0)
    phases = system.integrate(np.zeros(2), 0.01, 4000)[-1]
    return Measurement(float(order_parameter(phases)[0]), theory.locked_order_parameter(1.0, 2.0), 1e-10)


@theoretical
def two_oscillators_beat(rng: Rng) -> Measurement:
    """Beyond locking they beat at sqrt(dw^2 - K^2)."""
    system = KuramotoSystem(np.array([1.0, -1.0]), 1.0)
    states = system.integrate(np.zeros(2), 0.01, 40_000)
    difference = states[:, 0] - states[:, 1]
    beats = int((difference[-1] - difference[0]) // (2 * np.pi))
    at = np.interp([0.0, 2 * np.pi * beats], difference, 0.01 * np.arange(len(difference)))
    return Measurement(2 * np.pi * beats / (at[1] - at[0]), theory.beat_frequency(2.0, 1.0), 1e-3, unit="rad/s")


@theoretical
def lorentzian_order_parameter(rng: Rng) -> Measurement:
    """The order parameter is sqrt(1 - Kc/K) for 1000 Lorentzian quantile frequencies at K = 2 Kc."""
    system = KuramotoSystem(theory.lorentzian_frequencies(1000, 0.5), 2.0)
    phases = np.zeros(1000)
    levels = []
    for step in range(4000):
        phases = system.step(phases, 0.02)
        if step >= 2000:
            levels.append(float(order_parameter(phases)[0]))
    return Measurement(float(np.mean(levels)), float(theory.order_parameter_lorentzian(2.0, 0.5)), 5e-3)


@theoretical
def ott_antonsen_relaxation(rng: Rng) -> Measurement:
    """r(t) of 4000 oscillators follows the Ott-Antonsen solution; the largest distance over 4 s."""
    n, coupling, half_width, start = 4000, 2.0, 0.5, 0.3
    # Phases with the density of the Ott-Antonsen manifold: a Poisson kernel of modulus r.
    levels = (np.arange(n) + 0.5) / n - 0.5
    phases = 2 * np.arctan((1 - start) / (1 + start) * np.tan(np.pi * levels))
    system = KuramotoSystem(rng.permutation(theory.lorentzian_frequencies(n, half_width)), coupling)
    states = system.integrate(phases, 0.02, 200, record_every=10)
    r, _ = order_parameter(states)
    exact = theory.ott_antonsen_order_parameter(0.2 * np.arange(len(r)), start, coupling, half_width)
    return Measurement(float(np.abs(r - exact).max()), 0.0, 3 / np.sqrt(n))


@theoretical
def mean_phase_drifts_at_mean_frequency(rng: Rng) -> Measurement:
    """Symmetric coupling leaves the mean unwrapped phase to the mean frequency: distance after 20 s."""
    weights = rng.random((16, 16))
    system = KuramotoSystem(rng.standard_normal(16), 1.5, weights + weights.T, coupling_norm="raw")
    start = rng.uniform(-np.pi, np.pi, 16)
    end = system.integrate(start, 0.01, 2000)[-1]
    return Measurement(float(mean_phase_residual(start, end, system.natural_frequencies, 20.0)), 0.0, 1e-10, unit="rad")


@theoretical
def identical_oscillators_only_gain_order(rng: Rng) -> Measurement:
    """With equal frequencies H = -(N K/2) r^2 never increases: the largest step down of r."""
    system = KuramotoSystem(np.zeros(64), 1.0)
    r, _ = order_parameter(system.integrate(rng.uniform(-np.pi, np.pi, 64), 0.01, 2000))
    return Measurement(float(max(0.0, -np.diff(r).min())), 0.0, 1e-12)


@theoretical
def phase_integrator_has_order_four(rng: Rng) -> Measurement:
    """Halving dt divides the error of RK4 by 16."""
    system = KuramotoSystem(rng.standard_normal(16), 1.5)
    start = rng.uniform(-np.pi, np.pi, 16)
    ends = [system.integrate(start, 0.2 / 2**k, 10 * 2**k)[-1] for k in range(5)]
    errors = [float(np.abs(end - ends[-1]).max()) for end in ends[:3]]
    return Measurement(float(np.log2(errors[1] / errors[2])), 4.0, 0.1)


@theoretical
def field_integrator_has_order_four(rng: Rng) -> Measurement:
    """Halving dt divides the error of ETDRK4 on a plane wave by 16."""
    length, c1, c3 = 20.0, 0.8, 1.5
    wavenumber, errors = 2 * np.pi / length, []
    for dt in (0.1, 0.05):
        grid = GinzburgLandau(32, length, c1, c3, dt, ndim=1)
        amplitude = field_theory.plane_wave(grid.coordinates(), 0.0, wavenumber, c1, c3)
        for _ in range(round(2 / dt)):
            amplitude = grid.step(amplitude)
        exact = field_theory.plane_wave(grid.coordinates(), 2.0, wavenumber, c1, c3)
        errors.append(float(np.abs(amplitude - exact).max()))
    return Measurement(float(np.log2(errors[0] / errors[1])), 3.95, 0.15)


@theoretical
def sidebands_grow_as_predicted(rng: Rng) -> Measurement:
    """A long-wave sideband of the uniform oscillation at c1 = 2, c3 = -1 grows at the rate of linear theory."""
    length, c1, c3 = 2 * np.pi / 0.3, 2.0, -1.0
    grid = GinzburgLandau(32, length, c1, c3, 0.01, ndim=1)
    amplitude = 1 + (1 + 1j) * 1e-6 * np.cos(0.3 * grid.coordinates())
    sidebands = []
    for duration in (10.0, 5.0):
        for _ in range(round(duration / grid.dt)):
            amplitude = grid.step(amplitude)
        sidebands.append(float(np.abs(np.fft.fft(amplitude)[1])))
    growth = np.log(sidebands[1] / sidebands[0]) / 5.0
    return Measurement(float(growth), float(field_theory.sideband_growth(0.3, c1, c3)), 1e-5)


@theoretical
def benjamin_feir_sign(rng: Rng) -> Measurement:
    """Newell: unstable where 1 + c1 c3 < 0; disagreements with the growth of long waves over 200 parameter pairs."""
    pairs = rng.uniform(-2, 2, (200, 2))
    wrong = sum(
        bool(field_theory.sideband_growth(1e-2, c1, c3) > 0) != bool(field_theory.is_benjamin_feir_unstable(c1, c3))
        for c1, c3 in pairs
        if abs(1 + c1 * c3) > 0.01
    )
    return Measurement(float(wrong), 0.0)


@theoretical
def topological_charge_vanishes(rng: Rng) -> Measurement:
    """The winding numbers of a periodic field sum to exactly 0."""
    noise = rng.standard_normal((2, 64, 64))
    return Measurement(float(field.winding_numbers(noise[0] + 1j * noise[1]).sum()), 0.0)


@theoretical
def white_noise_defects(rng: Rng) -> Measurement:
    """A third of the plaquettes of a white-noise phase hold a defect."""
    phases = rng.uniform(-np.pi, np.pi, (256, 256))
    return Measurement(field.defect_count(np.exp(1j * phases)) / phases.size, 1 / 3, 0.01)


@theoretical
def two_level_decay(rng: Rng) -> Measurement:
    """Closed-form T1 and T2 decay agrees with the Lindblad equation; the largest distance of b."""
    relaxation = Relaxation(t1_s=2.0, t2_s=1.5, omega_rad_s=3.0, p_eq=0.1)
    start = np.array([0.6, -0.3, 0.5])
    distance = np.abs(relaxation.decay(start, 1.0) - relaxation.integrate_lindblad(start, 1.0, 2000)).max()
    return Measurement(float(distance), 0.0, 1e-9)


@theoretical
def rabi_oscillation(rng: Rng) -> Measurement:
    """p1(t) = (Delta/Omega)^2 sin^2(Omega t); the largest distance over a period."""
    times = np.linspace(0, np.pi, 50)
    found = [float(excited_probability(drive_bloch([0, 0, 1], 0.7, 1.3, at))) for at in times]
    return Measurement(float(np.abs(np.array(found) - rabi_probability(times, 0.7, 1.3)).max()), 0.0, 1e-12)


@theoretical
def landau_zener_sweep(rng: Rng) -> Measurement:
    """A full sweep leaves the level with probability exp(-pi Delta^2/v)."""
    tunnelling, rate, reach = 0.4245, 1.0, 20.0
    # From eigenstate to eigenstate of H, where a sweep of finite length converges fastest.
    start = np.array([tunnelling, 0.0, -reach]) / np.hypot(tunnelling, reach)
    end = sweep_bias(start, -reach, reach, tunnelling, 2 * reach / rate, 4000)
    crossed = (1 - float(end @ (start * [1, 1, -1]))) / 2
    return Measurement(crossed, float(landau_zener_probability(tunnelling, rate)), 1e-3)


@theoretical
def membrane_rate(rng: Rng) -> Measurement:
    """A leaky membrane with RI = 20 mV, 15 mV to threshold and tau = 20 ms fires at 36.07 Hz."""
    return Measurement(float(Membrane().firing_rate_hz(20.0)), 36.067376022224085, 1e-9, unit="Hz")


@theoretical
def lempel_ziv_example(rng: Rng) -> Measurement:
    """The sequence 0001101001000101 has six components (Kaspar and Schuster)."""
    return Measurement(float(lempel_ziv_count([int(bit) for bit in "0001101001000101"])), 6.0)


@theoretical
def total_correlation_of_two_gaussians(rng: Rng) -> Measurement:
    """-ln(1 - rho^2)/2 nats at rho = 0.5."""
    signal = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 200_000)
    return Measurement(total_correlation_gaussian(signal), -0.5 * float(np.log(0.75)), 5e-3, unit="nat")
