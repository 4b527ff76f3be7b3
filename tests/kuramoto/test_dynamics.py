"""The integrator and the order parameter, against invariants and exact solutions."""

import numpy as np
import pytest
from scipy.special import ive

from kuramoto.dynamics import (
    KuramotoSystem,
    count_saturated,
    desync_control,
    mean_phase_residual,
    metastability,
    order_parameter,
    pairwise_phase_consistency,
    sync_control,
    wrap_phase,
)
from kuramoto.theory import gaussian_frequencies


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def pairwise_velocity(omega, phases, coupling, lag):
    """Sum the model's definition term by term; coupling and lag are (n, n)."""
    velocity = omega.copy()
    for i in range(omega.size):
        for j in range(omega.size):
            velocity[i] += coupling[i, j] * np.sin(phases[j] - phases[i] - lag[i, j])
    return velocity


class TestWrapPhase:
    def test_interval_is_open_below_and_closed_above(self):
        assert wrap_phase([-np.pi, np.pi, 3 * np.pi, -3 * np.pi]).tolist() == [np.pi] * 4
        assert wrap_phase(np.pi + 0.25) == pytest.approx(-np.pi + 0.25)

    def test_large_angles_keep_their_direction_and_range(self, rng):
        angles = rng.normal(scale=1e3, size=10_000)
        wrapped = wrap_phase(angles)
        assert ((wrapped > -np.pi) & (wrapped <= np.pi)).all()
        np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angles), atol=1e-12)

    def test_stays_in_range_one_rounding_step_from_every_odd_multiple(self):
        multiples = np.pi * np.arange(-9999, 10_000, 2)
        edges = np.concatenate([multiples, np.nextafter(multiples, np.inf), np.nextafter(multiples, -np.inf)])
        wrapped = wrap_phase(edges)
        assert ((wrapped > -np.pi) & (wrapped <= np.pi)).all()

    def test_wrapped_angles_are_unchanged_bit_for_bit(self, rng):
        angles = np.append(rng.uniform(-np.pi, np.pi, 1000), [1e-300, -1e-300])
        assert (wrap_phase(angles) == angles).all()


class TestOrderParameter:
    def test_known_states(self):
        assert order_parameter([0.3, 0.3, 0.3]) == (pytest.approx(1.0), pytest.approx(0.3))
        r, psi = order_parameter([0.0, np.pi / 2])
        assert (r, psi) == (pytest.approx(np.sqrt(0.5)), pytest.approx(np.pi / 4))
        assert order_parameter(2 * np.pi * np.arange(5) / 5)[0] == pytest.approx(0.0, abs=1e-15)

    def test_never_exceeds_one_when_synchronised(self, rng):
        phases = np.repeat(rng.uniform(-np.pi, np.pi, (5000, 1)), 64, axis=1)
        r, _ = order_parameter(phases)
        assert r.max() <= 1.0
        assert r.min() > 1 - 1e-12

    def test_works_along_the_last_axis(self, rng):
        phases = rng.normal(size=(3, 4, 64))
        r, psi = order_parameter(phases)
        assert r.shape == psi.shape == (3, 4)
        assert order_parameter(phases[2, 1]) == (r[2, 1], psi[2, 1])

    def test_rotation_changes_only_psi(self, rng):
        phases = rng.normal(size=64)
        r, psi = order_parameter(phases)
        turned_r, turned_psi = order_parameter(phases + 1.5)
        assert turned_r == pytest.approx(r, abs=1e-14)
        assert wrap_phase(turned_psi - psi - 1.5) == pytest.approx(0, abs=1e-14)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_phase_that_is_not_finite_gives_nan(self, bad):
        r, psi = order_parameter([0.0, bad])
        assert np.isnan(r)
        assert np.isnan(psi)

    def test_needs_an_oscillator(self):
        with pytest.raises(ValueError, match="phases"):
            order_parameter([])

    def test_pairwise_consistency_is_the_mean_over_pairs(self, rng):
        phases = rng.uniform(-np.pi, np.pi, 17)
        cosines = np.cos(phases[:, None] - phases)[~np.eye(17, dtype=bool)]
        assert pairwise_phase_consistency(phases) == pytest.approx(cosines.mean(), abs=1e-14)
        with pytest.raises(ValueError, match="two"):
            pairwise_phase_consistency([0.0])

    def test_metastability_is_the_spread_over_time(self):
        assert metastability([[0.2, 0.4], [0.5, 0.5]]).tolist() == pytest.approx([0.1, 0.0])


class TestPhaseVelocity:
    @pytest.mark.parametrize("coupling_norm", ["per_n", "per_degree", "raw"])
    @pytest.mark.parametrize("lag", [0.0, 0.4, "matrix"])
    def test_any_graph_equals_the_sum_over_pairs(self, rng, coupling_norm, lag):
        n, strength = 7, 1.3
        weights = rng.uniform(size=(n, n)) * (rng.uniform(size=(n, n)) < 0.6)
        weights[3] = 0
        lag = rng.uniform(-3, 3, size=(n, n)) if lag == "matrix" else lag
        omega, phases = rng.normal(size=n), rng.normal(size=n)
        degree = weights.sum(axis=1, keepdims=True)
        divisor = {"per_n": n, "per_degree": np.where(degree > 0, degree, 1), "raw": 1}[coupling_norm]
        system = KuramotoSystem(omega, strength, weights, lag, coupling_norm=coupling_norm)
        expected = pairwise_velocity(omega, phases, strength * weights / divisor, np.broadcast_to(lag, (n, n)))
        np.testing.assert_allclose(system.phase_velocity(phases), expected, atol=1e-13)
        batch = system.phase_velocity(np.stack([phases, phases + 1]))
        np.testing.assert_allclose(batch, [expected, expected], atol=1e-13)

    @pytest.mark.parametrize("coupling_norm", ["per_n", "per_degree", "raw"])
    def test_mean_field_equals_the_matrix_of_ones(self, rng, coupling_norm):
        omega, phases = rng.normal(size=9), rng.normal(size=(4, 9))
        fast = KuramotoSystem(omega, 2.0, lag=0.3, coupling_norm=coupling_norm)
        full = KuramotoSystem(omega, 2.0, np.ones((9, 9)), 0.3, coupling_norm=coupling_norm)
        np.testing.assert_allclose(fast.phase_velocity(phases), full.phase_velocity(phases), atol=1e-13)

    def test_control_adds_to_the_velocity(self, rng):
        system, phases = KuramotoSystem(rng.normal(size=5), 1.0), rng.normal(size=5)
        free, push = system.phase_velocity(phases), np.arange(5.0)
        np.testing.assert_allclose(system.phase_velocity(phases, 0.0, push), free + push)
        follow = system.phase_velocity(phases, 2.0, lambda state, time_s: time_s * np.sin(state))
        np.testing.assert_allclose(follow, free + 2 * np.sin(phases))


class TestStep:
    def test_two_oscillators_lock_at_the_closed_form(self):
        delta, coupling = 0.7, 1.0
        system = KuramotoSystem([-delta / 2, delta / 2], coupling)
        phases = system.integrate(np.zeros(2), 0.01, 6000, record_every=6000)[-1]
        assert phases[1] - phases[0] == pytest.approx(np.arcsin(delta / coupling), abs=1e-10)

    def test_fourth_order_in_dt(self, rng):
        system = KuramotoSystem(rng.normal(size=6), 1.5, rng.uniform(size=(6, 6)), 0.3)
        start = rng.normal(size=6)

        def solve(n_steps, control=None):
            return system.integrate(start, 2 / n_steps, n_steps, control=control, record_every=n_steps)[-1]

        def drive(phases, time_s):
            return np.cos(3 * time_s) * np.sin(phases)

        for control in (None, drive):
            exact = solve(3200, control)
            errors = np.array([np.abs(solve(n, control) - exact).max() for n in (50, 100, 200)])
            orders = np.log2(errors[:-1] / errors[1:])
            assert ((orders > 3.9) & (orders < 4.1)).all(), orders

    def test_mean_phase_drifts_at_the_mean_frequency(self, rng):
        weights = rng.uniform(size=(16, 16))
        system = KuramotoSystem(rng.normal(size=16), 3.0, weights + weights.T)
        start = rng.normal(size=16)
        now = system.integrate(start, 0.01, 10_000, record_every=10_000)[-1]
        assert mean_phase_residual(start, now, system.natural_frequencies, 100.0) < 1e-11
        lagged = KuramotoSystem(system.natural_frequencies, 3.0, weights + weights.T, lag=0.1)
        now = lagged.integrate(start, 0.01, 100, record_every=100)[-1]
        assert mean_phase_residual(start, now, system.natural_frequencies, 1.0) > 1e-3

    def test_identical_oscillators_follow_the_gradient(self, rng):
        system = KuramotoSystem(np.full(64, 0.5), 1.0)
        r, _ = order_parameter(system.integrate(rng.uniform(-np.pi, np.pi, 64), 0.05, 1000))
        assert (np.diff(r) >= -1e-15).all()
        assert r[-1] > 0.999

    def test_lag_slows_the_synchronous_rotation(self):
        """Identical oscillators in phase turn at omega - K sin(alpha)."""
        system = KuramotoSystem(np.full(8, 2.0), 1.5, lag=0.4)
        now = system.integrate(np.zeros(8), 0.01, 100, record_every=100)[-1]
        np.testing.assert_allclose(now, 2.0 - 1.5 * np.sin(0.4), rtol=1e-12)

    def test_same_seed_same_path(self, rng):
        system, start = KuramotoSystem(rng.normal(size=8), 1.0, noise=0.3), rng.normal(size=8)
        paths = [system.integrate(start, 0.01, 50, np.random.default_rng(seed)) for seed in (5, 5, 6)]
        assert (paths[0] == paths[1]).all()
        assert (paths[0][1:] != paths[2][1:]).all()

    def test_leaves_the_argument_alone_and_unwrapped(self):
        start = np.zeros(3)
        now = KuramotoSystem(np.full(3, 50.0), 1.0).step(start, 0.5)
        assert start.tolist() == [0.0] * 3
        np.testing.assert_allclose(now, 25.0)

    def test_free_diffusion_has_variance_2dt(self, rng):
        system = KuramotoSystem(np.zeros(1), 0.0, noise=0.7)
        phases = system.integrate(np.zeros((100_000, 1)), 0.25, 8, rng, record_every=8)[-1]
        assert phases.var() == pytest.approx(2 * 0.7 * 2.0, rel=0.02)

    def test_noisy_pair_reaches_its_von_mises_distribution(self, rng):
        """The phase difference of two equal oscillators has density exp(kappa cos), kappa = K / 2D."""
        coupling, noise = 2.0, 0.5
        kappa = coupling / (2 * noise)
        system = KuramotoSystem(np.zeros(2), coupling, noise=noise)
        phases = system.integrate(np.zeros((50_000, 2)), 0.1, 60, rng, record_every=60)[-1]
        expected = ive(1, kappa) / ive(0, kappa)
        assert np.cos(phases[:, 1] - phases[:, 0]).mean() == pytest.approx(expected, abs=0.008)

    def test_integrate_records_every_nth_state(self, rng):
        system, start = KuramotoSystem(rng.normal(size=4), 1.0), rng.normal(size=4)
        every = system.integrate(start, 0.1, 10)
        sparse = system.integrate(start, 0.1, 10, record_every=3)
        assert every.shape == (11, 4)
        assert (sparse == every[[0, 3, 6, 9]]).all()


class TestInput:
    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ({"natural_frequencies": [[1.0]]}, "natural_frequencies"),
            ({"natural_frequencies": []}, "natural_frequencies"),
            ({"natural_frequencies": [1.0, np.nan]}, "natural_frequencies"),
            ({"coupling_strength": np.inf}, "coupling_strength"),
            ({"weights": np.ones((3, 2))}, "weights"),
            ({"weights": np.full((2, 2), np.nan)}, "weights"),
            ({"weights": -np.ones((2, 2)), "coupling_norm": "per_degree"}, "weights"),
            ({"lag": np.zeros((2, 2))}, "lag"),
            ({"lag": np.nan}, "lag"),
            ({"noise": -1.0}, "noise"),
            ({"noise": np.nan}, "noise"),
            ({"coupling_norm": "per_edge"}, "coupling_norm"),
        ],
    )
    def test_bad_parameter_is_named(self, arguments, field):
        with pytest.raises(ValueError, match=f"^{field}"):
            KuramotoSystem(**{"natural_frequencies": [1.0, 2.0], "coupling_strength": 1.0} | arguments)

    def test_bad_step_is_named(self):
        system = KuramotoSystem([1.0, 2.0], 1.0, noise=0.1)
        with pytest.raises(ValueError, match=r"^phases"):
            system.step(np.zeros(3), 0.1)
        with pytest.raises(ValueError, match=r"^dt"):
            system.step(np.zeros(2), 0.0)
        with pytest.raises(ValueError, match=r"^rng"):
            system.step(np.zeros(2), 0.1)
        with pytest.raises(ValueError, match=r"^n_steps"):
            system.integrate(np.zeros(2), 0.1, -1)

    def test_parameters_are_copies(self):
        omega = np.ones(2)
        system = KuramotoSystem(omega, 1.0)
        omega[0] = 9.0
        assert system.natural_frequencies.tolist() == [1.0, 1.0]


class TestControl:
    """N = 64, sigma = 0.5 (Kc = 0.80), K = 2."""

    system = KuramotoSystem(gaussian_frequencies(64, 0.5), 2.0)

    def mean_r(self, control):
        start = np.random.default_rng(7).normal(scale=0.3, size=64)
        return order_parameter(self.system.integrate(start, 0.02, 1500, control=control)[750:])[0].mean()

    def test_desync_needs_a_gain_above_k_minus_kc(self):
        free = self.mean_r(None)
        weak = self.mean_r(lambda phases, _: desync_control(phases, 1.0))
        strong = self.mean_r(lambda phases, _: desync_control(phases, 3.0))
        assert free > 0.9
        assert 0.7 < weak < free
        assert strong < 0.15

    def test_desync_cancels_the_mean_field_exactly(self, rng):
        phases = rng.normal(size=64)
        velocity = self.system.phase_velocity(phases, 0.0, desync_control(phases, 2.0))
        np.testing.assert_allclose(velocity, self.system.natural_frequencies, atol=1e-13)

    def test_sync_raises_r_of_the_subset_only(self, rng):
        free, subset = KuramotoSystem(gaussian_frequencies(64, 0.5), 0.0), np.arange(0, 64, 4)
        start = rng.uniform(-np.pi, np.pi, 64)
        reached = [order_parameter(start[subset])[0]]
        for gain in (1.0, 2.0, 4.0):
            phases = free.integrate(start, 0.02, 1500, control=lambda p, _, k=gain: sync_control(p, subset, k))[-1]
            reached.append(order_parameter(phases[subset])[0])
            others = np.delete(phases - start, subset)
            np.testing.assert_allclose(others, np.delete(free.natural_frequencies, subset) * 30.0, atol=1e-9)
        assert reached == sorted(reached)
        assert reached[0] < 0.4
        assert reached[-1] > 0.98

    def test_subset_may_be_a_mask(self, rng):
        phases = rng.normal(size=(3, 6))
        mask = np.array([True, False, True, False, False, True])
        expected = sync_control(phases, [0, 2, 5], 1.0)
        assert (sync_control(phases, mask, 1.0) == expected).all()
        assert (expected[:, ~mask] == 0).all()

    def test_bound_holds_and_saturation_is_counted(self, rng):
        phases = rng.normal(size=64)
        control = desync_control(phases, 100.0, u_max=0.5)
        assert np.abs(control).max() == 0.5
        assert count_saturated(control, 0.5) == np.count_nonzero(np.abs(desync_control(phases, 100.0)) >= 0.5)
        with pytest.raises(ValueError, match="u_max"):
            desync_control(phases, 1.0, u_max=-1.0)
        with pytest.raises(ValueError, match="subset"):
            sync_control(phases, np.zeros(64, dtype=bool), 1.0)
