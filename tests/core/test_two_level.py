"""Two-level systems, against matrix algebra and the closed forms."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import binomtest

from core import two_level
from core.two_level import GATES, SIGMA, Relaxation, derive_label

UP, DOWN, PLUS = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)
GATE_MATRICES = {
    "x": SIGMA[0],
    "y": SIGMA[1],
    "z": SIGMA[2],
    "h": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "s": np.diag([1, 1j]),
    "sdg": np.diag([1, -1j]),
    "t": np.diag([1, np.exp(1j * np.pi / 4)]),
    "tdg": np.diag([1, np.exp(-1j * np.pi / 4)]),
    "sx": np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
}


@pytest.fixture
def rng():
    return np.random.default_rng(24)


@pytest.fixture
def states(rng):
    """Two hundred states throughout the ball, pure ones among them."""
    direction = rng.normal(size=(200, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * np.concatenate([np.ones(50), rng.uniform(size=150)])[:, None]


def conjugate(unitary, bloch):
    return two_level.bloch_vector(unitary @ two_level.density_matrix(bloch) @ unitary.conj().T)


class TestState:
    def test_density_matrix_and_back(self, states):
        rho = two_level.density_matrix(states)
        np.testing.assert_allclose(np.trace(rho, axis1=1, axis2=2), 1, atol=1e-15)
        assert np.linalg.eigvalsh(rho).min() > -1e-15
        np.testing.assert_allclose(two_level.bloch_vector(rho), states, atol=1e-15)
        np.testing.assert_allclose(two_level.density_matrix(PLUS), np.full((2, 2), 0.5))
        np.testing.assert_allclose(two_level.density_matrix(UP), np.diag([1, 0]))

    def test_derived_numbers_are_those_of_the_density_matrix(self, states):
        rho = two_level.density_matrix(states)
        np.testing.assert_allclose(two_level.coherence_l1(states), 2 * np.abs(rho[:, 0, 1]), atol=1e-14)
        np.testing.assert_allclose(two_level.purity(states), np.einsum("nij,nji->n", rho, rho).real, atol=1e-14)
        np.testing.assert_allclose(two_level.excited_probability(states), rho[:, 1, 1].real, atol=1e-14)
        np.testing.assert_allclose(two_level.phase_rad(states), np.angle(rho[:, 1, 0]), atol=1e-13)

    def test_stay_in_range(self):
        over = np.array([1 + 4e-10, 0.0, 0.0])
        assert two_level.coherence_l1(over) == 1.0
        assert two_level.purity(over) == 1.0
        assert two_level.excited_probability(-over[::-1]) == 1.0
        assert two_level.phase_rad([-0.5, -0.0, 0.0]) == np.pi
        assert two_level.phase_rad([-0.0, -0.0, 1.0]) == 0.0

    @pytest.mark.parametrize("bad", [(1.0, 0.1, 0.0), (np.nan, 0.0, 0.0), (0.0, 0.0), 1.0])
    def test_bad_bloch_vector_is_named(self, bad):
        with pytest.raises(ValueError, match=r"^bloch:"):
            two_level.purity(bad)

    @pytest.mark.parametrize(
        "bad", [np.eye(2), [[0.5, 1], [0, 0.5]], np.diag([1.5, -0.5]), np.eye(3) / 3, np.full((2, 2), np.nan)]
    )
    def test_bad_density_matrix_is_named(self, bad):
        with pytest.raises(ValueError, match=r"^density:"):
            two_level.bloch_vector(bad)


class TestRelaxation:
    contact = Relaxation(t1_s=3e-5, t2_s=2e-5, omega_rad_s=1e5, p_eq=0.2)

    def test_decays_of_coherence_phase_and_population(self):
        start, t = np.array([0.6, 0.0, -0.6]), 1.7e-5
        end = self.contact.decay(start, t)
        assert two_level.coherence_l1(end) == pytest.approx(0.6 * np.exp(-t / 2e-5), abs=1e-12)
        assert two_level.excited_probability(end) == pytest.approx(0.2 + 0.6 * np.exp(-t / 3e-5), abs=1e-12)
        rho = two_level.density_matrix([start, end])[:, 0, 1]
        assert rho[1] / rho[0] == pytest.approx(np.exp(-t / 2e-5 - 1e5j * t), abs=1e-12)

    def test_agrees_with_the_lindblad_equation(self, states):
        duration = 5e-5
        integrated = self.contact.integrate_lindblad(states[::10], duration, 800)
        assert np.abs(integrated - self.contact.decay(states[::10], duration)).max() < 1e-9

    def test_steps_compose(self, states):
        once = self.contact.decay(states, 3e-5)
        np.testing.assert_allclose(self.contact.decay(self.contact.decay(states, 1e-5), 2e-5), once, atol=1e-14)

    def test_ends_in_equilibrium_and_broadcasts_over_time(self):
        path = self.contact.decay([0.0, 0.8, 0.0], np.array([0.0, 1e-5, 1.0]))
        assert path.shape == (3, 3)
        np.testing.assert_allclose(path[[0, 2]], [[0, 0.8, 0], [0, 0, 0.6]], atol=1e-15)

    def test_never_leaves_the_ball_at_the_limit_t2_equal_to_twice_t1(self, states):
        limit = Relaxation(t1_s=1.0, t2_s=2.0)
        path = limit.decay(states, np.linspace(0, 5, 50)[:, None])
        assert np.linalg.norm(path, axis=-1).max() <= 1 + 1e-12
        np.testing.assert_allclose(limit.integrate_lindblad(states, 1.0, 200), limit.decay(states, 1.0), atol=1e-9)

    @pytest.mark.parametrize(
        ("changed", "value"),
        [
            ("t1_s", 0.0),
            ("t1_s", np.inf),
            ("t2_s", 0.0),
            ("t2_s", 2.001),
            ("t2_s", np.nan),
            ("omega_rad_s", np.nan),
            ("p_eq", 1.1),
            ("p_eq", np.nan),
        ],
    )
    def test_bad_parameter_is_named(self, changed, value):
        with pytest.raises(ValueError, match=rf"^{changed}:"):
            Relaxation(**{"t1_s": 1.0, "t2_s": 1.0} | {changed: value})

    def test_time_runs_forwards(self):
        with pytest.raises(ValueError, match="time_s"):
            self.contact.decay(PLUS, -1.0)


class TestDrive:
    def test_equals_the_unitary(self, states):
        bias, tunnelling, t = 0.7, -1.3, 2.1
        unitary = expm(-1j * t * (bias * SIGMA[2] + tunnelling * SIGMA[0]))
        np.testing.assert_allclose(
            two_level.drive_bloch(states, bias, tunnelling, t), conjugate(unitary, states), atol=1e-13
        )

    @pytest.mark.parametrize(("bias", "tunnelling"), [(0.0, 1.0), (0.8, 0.6), (3.0, 0.5), (0.5, -2.0)])
    def test_rabi_oscillation(self, bias, tunnelling):
        times = np.linspace(0, 20, 400)
        p1 = two_level.excited_probability(two_level.drive_bloch(UP, bias, tunnelling, times))
        np.testing.assert_allclose(p1, two_level.rabi_probability(times, bias, tunnelling), atol=1e-12)

    def test_rabi_amplitude_and_period(self):
        assert two_level.rabi_probability(np.pi / 2, 0.8, 0.6) == pytest.approx(0.36)
        assert two_level.rabi_probability(np.pi, 0.8, 0.6) == pytest.approx(0.0, abs=1e-15)
        assert two_level.rabi_probability(1.0, 0.0, 0.0) == 0.0
        assert two_level.drive_bloch(PLUS, 0.0, 0.0, 1.0).tolist() == list(PLUS)

    @pytest.mark.parametrize("tunnelling", [0.25, 0.4245, 0.8])
    def test_landau_zener(self, tunnelling):
        """Start and end in the eigenbasis of H, where a sweep of finite length converges fastest."""
        rate, extent = 1.0, 20.0
        axis = np.array([tunnelling, 0.0, -extent]) / np.hypot(tunnelling, extent)
        end = two_level.sweep_bias(axis, -extent, extent, tunnelling, 2 * extent / rate, 4000)
        crossed = (1 - end @ (axis * [1, 1, -1])) / 2
        assert crossed == pytest.approx(float(two_level.landau_zener_probability(tunnelling, rate)), abs=1e-3)

    def test_landau_zener_closed_form(self):
        assert two_level.landau_zener_probability(0.4245, 1.0) == pytest.approx(0.5677, abs=5e-4)
        assert two_level.landau_zener_probability(0.0, 2.0) == 1.0
        with pytest.raises(ValueError, match="rate"):
            two_level.landau_zener_probability(1.0, 0.0)

    def test_sweep_is_of_second_order(self):
        def sweep(n):
            return two_level.sweep_bias(UP, -3.0, 3.0, 0.7, 4.0, n)

        exact = sweep(6400)
        errors = [np.abs(sweep(n) - exact).max() for n in (100, 200)]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)
        for n in (0, two_level.MAX_SWEEP_STEPS + 1):
            with pytest.raises(ValueError, match="n_steps"):
                sweep(n)

    @pytest.mark.parametrize("n_steps", [1, 2, 7, 64])
    def test_sweep_equals_its_steps_one_by_one(self, states, n_steps):
        stepped = states
        for step in range(n_steps):
            bias = -3.0 + 6.0 * (step + 0.5) / n_steps
            stepped = two_level.drive_bloch(stepped, bias, 0.7, 4.0 / n_steps)
        swept = [two_level.sweep_bias(state, -3.0, 3.0, 0.7, 4.0, n_steps) for state in states[::20]]
        np.testing.assert_allclose(swept, stepped[::20], atol=1e-12)

    def test_a_sweep_without_energy_leaves_the_state(self):
        assert two_level.sweep_bias(PLUS, 0.0, 0.0, 0.0, 1.0, 3).tolist() == list(PLUS)


class TestGates:
    def test_every_gate_has_its_matrix(self):
        assert set(GATE_MATRICES) == set(GATES)

    @pytest.mark.parametrize("gate", sorted(GATES))
    def test_gate_equals_its_matrix(self, states, gate):
        expected = conjugate(GATE_MATRICES[gate], states)
        np.testing.assert_allclose(two_level.apply_gate(states, gate), expected, atol=1e-14)

    def test_unknown_gate_is_named(self):
        with pytest.raises(ValueError, match=r"^gate: .*'cz'"):
            two_level.apply_gate(UP, "cz")

    def test_rotation_needs_a_unit_axis(self):
        with pytest.raises(ValueError, match="axis"):
            two_level.rotate_bloch(UP, (1.0, 1.0, 0.0), 1.0)

    def test_many_turns_stay_pure_and_in_the_ball(self):
        bloch = np.array(UP)
        for _ in range(2000):
            bloch = two_level.apply_gate(two_level.apply_gate(bloch, "h"), "t")
            assert np.sum(bloch**2) <= 1 + 1e-15
        assert np.sum(bloch**2) == pytest.approx(1, abs=1e-10)


class TestMeasurement:
    def test_outcomes_follow_p1_and_collapse(self, rng):
        tilted = np.tile([0.6, 0.0, 0.28], (20_000, 1))
        outcomes, after = two_level.measure_bloch(tilted, rng)
        assert binomtest(int(outcomes.sum()), 20_000, 0.36).pvalue > 1e-3
        assert (after[outcomes == 0] == UP).all()
        assert (after[outcomes == 1] == DOWN).all()

    def test_repeats_itself(self, rng):
        outcome, after = two_level.measure_bloch(PLUS, rng)
        for _ in range(20):
            again, after = two_level.measure_bloch(after, rng)
            assert again == outcome

    def test_certain_outcomes(self, rng):
        outcomes, _ = two_level.measure_bloch([UP, DOWN] * 500, rng)
        assert outcomes.tolist() == [0, 1] * 500


class TestLabel:
    @pytest.mark.parametrize(
        ("bloch", "context", "label"),
        [
            (UP, {"last_event": "measure"}, "collapsed"),
            (DOWN, {"last_event": "reset", "sweep_open": True, "tunnelling": 1.0}, "collapsed"),
            (UP, {"last_event": "gate"}, "collapsed"),
            (UP, {"last_event": "relax"}, "decoherent"),
            ((0.0, 0.0, 0.998), {"last_event": "measure"}, "collapsed"),
            ((0.0, 0.0, 0.9979), {"last_event": "measure"}, "decoherent"),
            (PLUS, {"sweep_open": True, "bias": -3.0, "tunnelling": 1.0, "concurrence": 1.0}, "tunneling"),
            (PLUS, {"sweep_open": True, "bias": 3.01, "tunnelling": 1.0}, "superposition"),
            (PLUS, {"bias": 0.0, "tunnelling": 1.0}, "superposition"),
            ((0.0, 0.0, 0.0), {"concurrence": 1.0}, "entangled"),
            (PLUS, {"concurrence": 0.1}, "entangled"),
            (PLUS, {"concurrence": 0.0999}, "superposition"),
            ((0.0, 0.5, 0.0), {}, "superposition"),
            ((0.4999, 0.0, 0.8), {}, "coherent"),
            ((0.1, 0.0, 0.0), {}, "coherent"),
            ((0.0999, 0.0, 0.9), {}, "decoherent"),
        ],
    )
    def test_first_rule_that_holds(self, bloch, context, label):
        assert derive_label(bloch, **context) == label

    def test_one_system_at_a_time(self):
        with pytest.raises(ValueError, match=r"^bloch:"):
            derive_label([UP, DOWN])
