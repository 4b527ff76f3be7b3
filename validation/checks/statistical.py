"""Null laws, surrogates and determinism."""

from __future__ import annotations

import hashlib

import numpy as np

from cognitive.complexity import lempel_ziv_complexity
from kuramoto import theory
from kuramoto.dynamics import KuramotoSystem, order_parameter
from kuramoto.forecaster import ForecasterState, score_persistence
from kuramoto.synchronization import DetectorSettings, DetectorState, detect_events
from validation.checks.base import Measurement, check
from validation.choices import ValidationType

Rng = np.random.Generator
statistical = check(ValidationType.STATISTICAL)


@statistical
def incoherent_mean_of_r(rng: Rng) -> Measurement:
    """E r = sqrt(pi / 4N) of 64 independent phases."""
    r, _ = order_parameter(rng.uniform(-np.pi, np.pi, (50_000, 64)))
    return Measurement(float(r.mean()), theory.incoherent_mean(64), 0.01 * theory.incoherent_mean(64))


@statistical
def incoherent_distribution_of_r(rng: Rng) -> Measurement:
    """P(r > x) = exp(-N x^2): Kolmogorov's distance over 50,000 draws of 64 phases, against its 1 % point."""
    draws = 50_000
    r, _ = order_parameter(rng.uniform(-np.pi, np.pi, (draws, 64)))
    ordered = np.sort(r)
    law = 1 - theory.incoherent_exceedance(ordered, 64)
    steps = np.arange(1, draws + 1) / draws
    distance = max(float(np.abs(steps - law).max()), float(np.abs(steps - 1 / draws - law).max()))
    # The law holds for large N; at N = 64 it lies within 0.003 of the exact one.
    return Measurement(distance, 1.63 / np.sqrt(draws) + 0.003, one_sided=True)


@statistical
def subcritical_fluctuations(rng: Rng) -> Measurement:
    """N <r^2> = 1/(1 - K/Kc) below the onset, at half of Kc, over 40 populations of 500 Lorentzian oscillators."""
    squares = []
    for _ in range(40):
        system = KuramotoSystem(rng.standard_cauchy(500) * 0.5, 0.5)
        r, _ = order_parameter(system.integrate(rng.uniform(-np.pi, np.pi, 500), 0.05, 800, record_every=20)[20:])
        squares.append(float((r**2).mean()))
    return Measurement(500 * float(np.mean(squares)), theory.subcritical_mean_square(500, 0.5, 1.0) * 500, 0.3)


@statistical
def no_events_without_order(rng: Rng) -> Measurement:
    """Independent phases bring no synchronization event in 10,000 s."""
    r, _ = order_parameter(rng.uniform(-np.pi, np.pi, (10_000, 64)))
    _, events = detect_events(DetectorState(), np.arange(10_000.0), r, settings=DetectorSettings(n_oscillators=64))
    return Measurement(float(len(events)), 0.0)


@statistical
def persistence_cannot_foretell_noise(rng: Rng) -> Measurement:
    """The forecast component of white noise is 1."""
    _, component = score_persistence(ForecasterState(), rng.random(4000))
    return Measurement(float(component[1000:].mean()), 1.0, 1e-9)


@statistical
def random_bits_are_as_complex_as_their_surrogates(rng: Rng) -> Measurement:
    """The surrogate-normalised Lempel-Ziv complexity of random bits is 1."""
    return Measurement(float(lempel_ziv_complexity(rng.standard_normal(10_000), rng).lzc_norm), 1.0, 0.05)


@statistical
def the_same_seed_gives_the_same_run(rng: Rng) -> Measurement:
    """Two noisy runs from one seed have the same digest: the number of different ones, less one."""
    seed = int(rng.integers(2**31))
    digests = set()
    for _ in range(2):
        own = np.random.default_rng(seed)
        system = KuramotoSystem(own.standard_normal(64), 1.0, noise=0.1)
        digests.add(hashlib.sha256(system.integrate(np.zeros(64), 0.01, 500, own).tobytes()).hexdigest())
    return Measurement(float(len(digests) - 1), 0.0)
