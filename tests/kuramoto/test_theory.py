"""The closed forms, against each other and against simulated populations."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.stats import cauchy, kstest, norm

from kuramoto import theory
from kuramoto.dynamics import KuramotoSystem, order_parameter


@pytest.fixture
def rng():
    return np.random.default_rng(21)


def settle_r(frequencies, coupling, *, duration_s=120.0, dt=0.02, **parameters):
    """Average r over the second half of a run that starts in phase."""
    system = KuramotoSystem(frequencies, coupling, **parameters)
    n_steps = round(duration_s / dt)
    record = system.integrate(np.zeros(system.n_oscillators), dt, n_steps, record_every=10)
    return order_parameter(record[len(record) // 2 :])[0].mean()


def read_electrode_graph():
    """Return the weights of the 64-electrode fixture, (64, 64)."""
    fixture = Path(__file__).parents[2] / "core" / "fixtures" / "biosemi64.json"
    weights = np.zeros((64, 64))
    for row in json.loads(fixture.read_text()):
        if row["model"] == "core.realityedge":
            source, target = row["fields"]["src"][-1], row["fields"]["dst"][-1]
            weights[source, target] = weights[target, source] = row["fields"]["weight"]
    return weights


class TestTwoOscillators:
    @pytest.mark.parametrize("delta", [0.0, 0.3, -0.8, 0.95])
    def test_locked_pair(self, delta):
        r = settle_r([-delta / 2, delta / 2], 1.0)
        assert r == pytest.approx(theory.locked_order_parameter(delta, 1.0), abs=1e-10)

    def test_raw_coupling_locks_up_to_twice_k(self):
        assert settle_r([-0.8, 0.8], 1.0, coupling_norm="raw") == pytest.approx(
            theory.locked_order_parameter(1.6, 2 * 1.0), abs=1e-10
        )

    def test_no_lock_beyond_the_coupling(self):
        with pytest.raises(ValueError, match="does not lock"):
            theory.locked_phase_difference(1.01, 1.0)
        assert theory.beat_frequency(0.9, 1.0) == 0.0

    @pytest.mark.parametrize("delta", [1.5, 2.5])
    def test_beat_frequency(self, delta):
        system, elapsed = KuramotoSystem([0.0, delta], 1.0), 800.0
        phases = system.integrate(np.zeros(2), 0.05, 16_000, record_every=16_000)[-1]
        assert (phases[1] - phases[0]) / (2 * np.pi) > 100
        assert (phases[1] - phases[0]) / elapsed == pytest.approx(theory.beat_frequency(delta, 1.0), rel=0.01)


class TestCriticalCoupling:
    def test_each_law_is_two_over_pi_times_its_central_density(self):
        assert theory.critical_coupling_lorentzian(0.7) == pytest.approx(
            theory.critical_coupling(cauchy(scale=0.7).pdf(0)), rel=1e-12
        )
        assert theory.critical_coupling_gaussian(0.7) == pytest.approx(
            theory.critical_coupling(norm(scale=0.7).pdf(0)), rel=1e-12
        )
        assert theory.critical_coupling_uniform(0.7) == pytest.approx(theory.critical_coupling(1 / 1.4), rel=1e-12)
        assert theory.critical_coupling_gaussian(1.0) == pytest.approx(1.5958, abs=1e-4)
        assert theory.critical_coupling_lorentzian(0.5) == 1.0

    @pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
    def test_width_must_be_positive(self, width):
        with pytest.raises(ValueError, match="half_width"):
            theory.critical_coupling_lorentzian(width)

    def test_gaussian_population_follows_its_self_consistency(self):
        """Above Kc, 1 = K times the integral of cos^2(t) g(K r sin t) (Kuramoto 1984); below, r is small."""
        sigma, coupling = 0.5, 1.2
        frequencies = theory.gaussian_frequencies(2000, sigma)
        critical = theory.critical_coupling_gaussian(sigma)
        r = settle_r(frequencies, coupling, duration_s=60.0, dt=0.05)
        share, _ = quad(
            lambda t: np.cos(t) ** 2 * norm(scale=sigma).pdf(coupling * r * np.sin(t)), -np.pi / 2, np.pi / 2
        )
        assert coupling * share == pytest.approx(1.0, abs=0.005)
        assert settle_r(frequencies, 0.8 * critical, duration_s=200.0, dt=0.05) < 0.05

    def test_uniform_population_jumps_at_its_critical_coupling(self):
        frequencies = 2 * (np.arange(1000) + 0.5) / 1000 - 1
        critical = theory.critical_coupling_uniform(1.0)
        assert settle_r(frequencies, 1.02 * critical, dt=0.05) > np.pi / 4 - 0.01
        assert settle_r(frequencies, 0.95 * critical, duration_s=400.0, dt=0.05) < 0.2

    def test_network_scales_with_the_largest_eigenvalue(self):
        complete = np.ones((5, 5)) - np.eye(5)
        assert theory.critical_coupling_network(complete, 0.3) == pytest.approx(theory.critical_coupling(0.3) / 4)
        directed_ring = np.roll(np.eye(6), 1, axis=1)
        assert theory.critical_coupling_network(2 * directed_ring, 0.3) == pytest.approx(
            theory.critical_coupling(0.3) / 2
        )
        for bad in (np.zeros((3, 3)), np.triu(np.ones((3, 3)), 1), np.ones((2, 3)), -np.ones((2, 2))):
            with pytest.raises(ValueError, match="weights"):
                theory.critical_coupling_network(bad, 0.3)

    def test_electrode_graph_synchronises_beyond_its_critical_coupling(self, rng):
        """Sparse, so later than its Kc: r is averaged over arrangements of the same frequencies."""
        weights = read_electrode_graph()
        assert np.linalg.eigvalsh(weights)[-1] == pytest.approx(7.2406, abs=1e-4)
        critical = theory.critical_coupling_network(weights, norm.pdf(0))
        assert critical == pytest.approx(0.2204, abs=1e-4)
        r = {}
        for factor in (0.5, 1.0, 3.0):
            arrangements = [rng.permutation(theory.gaussian_frequencies(64, 1.0)) for _ in range(4)]
            r[factor] = np.mean(
                [
                    settle_r(order, factor * critical, weights=weights, coupling_norm="raw", dt=0.05)
                    for order in arrangements
                ]
            )
        assert r[0.5] < 0.2 < r[1.0] < 0.45
        assert r[3.0] > 0.6

    def test_dense_network_starts_within_one_and_a_half_times_its_critical_coupling(self, rng):
        upper = np.triu(rng.uniform(size=(200, 200)) < 0.4, 1).astype(float)
        weights = upper + upper.T
        critical = theory.critical_coupling_network(weights, norm.pdf(0))
        frequencies = rng.permutation(theory.gaussian_frequencies(200, 1.0))
        r = [
            settle_r(
                frequencies,
                factor * critical,
                weights=weights,
                coupling_norm="raw",
                duration_s=100.0,
                dt=0.05,
            )
            for factor in (0.7, 1.5)
        ]
        assert r[0] < theory.incoherent_r_99(200)
        assert r[1] > 0.7


class TestLorentzian:
    @pytest.mark.parametrize(("n", "tolerance"), [(64, 0.04), (1000, 0.005)])
    @pytest.mark.parametrize("coupling", [1.25, 1.5, 2.0, 4.0])
    def test_stationary_order_parameter(self, n, tolerance, coupling):
        r = settle_r(theory.lorentzian_frequencies(n, 0.5), coupling, dt=0.04)
        assert r == pytest.approx(float(theory.order_parameter_lorentzian(coupling, 0.5)), abs=tolerance)

    def test_large_population(self):
        r = settle_r(theory.lorentzian_frequencies(4000, 0.5), 2.0, duration_s=50.0, dt=0.04)
        assert r == pytest.approx(np.sqrt(0.5), abs=0.002)

    def test_zero_up_to_the_critical_coupling(self):
        assert theory.order_parameter_lorentzian([-1.0, 0.0, 0.5, 1.0, 2.0], 0.5) == pytest.approx(
            [0, 0, 0, 0, 0.5**0.5]
        )

    def test_quantiles_are_those_of_the_distribution(self):
        levels = (np.arange(10) + 0.5) / 10
        np.testing.assert_allclose(theory.lorentzian_frequencies(10, 0.3, 2.0), cauchy(2.0, 0.3).ppf(levels))
        np.testing.assert_allclose(theory.gaussian_frequencies(10, 0.3, 2.0), norm(2.0, 0.3).ppf(levels))
        with pytest.raises(ValueError, match=r"^n:"):
            theory.lorentzian_frequencies(0, 0.3)


class TestOttAntonsen:
    @pytest.mark.parametrize("coupling", [0.4, 0.8, 2.0])
    def test_solves_its_equation(self, coupling):
        """Below, at and above Kc = 0.8."""
        gamma, times = 0.4, np.linspace(0, 10, 21)
        solution = solve_ivp(
            lambda _, r: (coupling / 2 - gamma) * r - coupling / 2 * r**3,
            (0, 10),
            [0.3],
            t_eval=times,
            rtol=1e-10,
            atol=1e-12,
        )
        r = theory.ott_antonsen_order_parameter(times, 0.3, coupling, gamma)
        np.testing.assert_allclose(r, solution.y[0], rtol=1e-7)

    @pytest.mark.parametrize("coupling", [0.5, 2.0, 4.0])
    def test_population_relaxes_along_it(self, rng, coupling):
        n, gamma, r0 = 20_000, 0.5, 0.4
        start = 2 * np.arctan((1 - r0) / (1 + r0) * np.tan(np.pi * (rng.uniform(size=n) - 0.5)))
        system = KuramotoSystem(rng.permutation(theory.lorentzian_frequencies(n, gamma)), coupling)
        r, _ = order_parameter(system.integrate(start, 0.025, 160, record_every=8))
        expected = theory.ott_antonsen_order_parameter(np.linspace(0, 4, 21), r[0], coupling, gamma)
        assert np.abs(r - expected).max() < 3 / np.sqrt(n)

    def test_ends_and_input(self):
        assert theory.ott_antonsen_order_parameter([0.0, 5.0], 0.0, 2.0, 0.5).tolist() == [0.0, 0.0]
        assert theory.ott_antonsen_order_parameter(1e6, 0.5, 0.1, 0.5) == 0.0
        assert theory.ott_antonsen_order_parameter(1e6, 0.5, 2.0, 0.5) == pytest.approx(np.sqrt(0.5))
        with pytest.raises(ValueError, match="initial_r"):
            theory.ott_antonsen_order_parameter(1.0, 1.1, 2.0, 0.5)


class TestIncoherence:
    def test_null_distribution(self, rng):
        """2e5 draws at N = 64."""
        n = 64
        draws = np.concatenate([order_parameter(rng.uniform(-np.pi, np.pi, (20_000, n)))[0] for _ in range(10)])
        assert draws.mean() == pytest.approx(theory.incoherent_mean(n), rel=0.01)
        assert (draws**2).mean() == pytest.approx(1 / n, rel=0.01)
        assert np.quantile(draws, 0.95) == pytest.approx(theory.incoherent_quantile(0.95, n), rel=0.01)
        assert np.quantile(draws, 0.99) == pytest.approx(theory.incoherent_r_99(n), rel=0.01)
        assert np.mean(draws > 0.2) == pytest.approx(theory.incoherent_exceedance(0.2, n), rel=0.02)
        # A sample this small cannot resolve the O(1/N) departure from the Rayleigh limit.
        assert kstest(draws[:2000], lambda x: 1 - theory.incoherent_exceedance(x, n)).pvalue > 0.01

    def test_values_at_64_oscillators(self):
        assert theory.incoherent_mean(64) == pytest.approx(0.1108, abs=1e-4)
        assert theory.incoherent_r_99(64) == pytest.approx(0.268, abs=5e-4)
        assert theory.incoherent_exceedance(0.2, 64) == pytest.approx(0.077, abs=5e-4)
        with pytest.raises(ValueError, match="probability"):
            theory.incoherent_quantile(1.0, 64)

    @pytest.mark.parametrize(("ratio", "n"), [(0.0, 100), (0.5, 200), (0.8, 500)])
    def test_subcritical_fluctuations(self, rng, ratio, n):
        """Identical oscillators under noise D have Kc = 2 D and Gaussian fluctuations of z below it."""
        system = KuramotoSystem(np.zeros(n), 2.0 * ratio, noise=1.0)
        start = rng.uniform(-np.pi, np.pi, (80, n))
        r, _ = order_parameter(system.integrate(start, 0.2, 250, rng, record_every=5)[15:])
        assert (r**2).mean() == pytest.approx(theory.subcritical_mean_square(n, 2.0 * ratio, 2.0), rel=0.1)

    def test_fluctuations_are_defined_below_the_critical_coupling_only(self):
        with pytest.raises(ValueError, match="critical"):
            theory.subcritical_mean_square(64, 1.0, 1.0)
