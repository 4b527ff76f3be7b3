"""The Ginzburg-Landau field, against exact solutions, identities and integer topology."""

import hashlib
import struct

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core import field, field_theory
from core.field import GinzburgLandau


@pytest.fixture
def rng():
    return np.random.default_rng(22)


def integrate(system, amplitude, duration, control=None):
    for _ in range(round(duration / system.dt)):
        amplitude = system.step(amplitude, control)
    return amplitude


def smooth_field(rng, shape):
    """Return a random field of a few long waves with <|A|^2> = 1, resolved to rounding on 32 points or more."""
    spectrum = np.zeros(shape, dtype=complex)
    modes = tuple(slice(0, 4) for _ in shape)
    spectrum[modes] = rng.normal(size=spectrum[modes].shape) + 1j * rng.normal(size=spectrum[modes].shape)
    return np.fft.ifftn(spectrum, norm="forward") / np.linalg.norm(spectrum)


def defect_pair(n, offset=0.3):
    """Return a periodic field with zeros of opposite charge near (pi/2, 0) and (3 pi/2, 0), and no other."""
    x, y = np.meshgrid(*[2 * np.pi * (np.arange(n) + offset) / n] * 2, indexing="ij")
    return np.cos(x) + np.cos(y) - 1 + 1j * np.sin(y)


class TestPlaneWave:
    length, c1, c3 = 20.0, 0.8, 1.5

    @pytest.mark.parametrize("mode", [0, 1, -2])
    def test_fourth_order_in_dt(self, mode):
        wavenumber, errors = 2 * np.pi * mode / self.length, []
        for dt in (0.1, 0.05, 0.025):
            system = GinzburgLandau(32, self.length, self.c1, self.c3, dt, ndim=1)
            waves = [field_theory.plane_wave(system.coordinates(), t, wavenumber, self.c1, self.c3) for t in (0, 2)]
            errors.append(np.abs(integrate(system, waves[0], 2.0) - waves[1]).max())
        orders = np.log2(np.array(errors[:-1]) / errors[1:])
        assert errors[-1] < 1e-5
        assert ((orders > 3.8) & (orders < 4.1)).all(), orders

    @pytest.mark.parametrize("axis", [0, 1])
    def test_travels_along_either_axis(self, axis):
        system = GinzburgLandau(16, self.length, self.c1, self.c3, 0.02)
        grid = np.meshgrid(system.coordinates(), system.coordinates(), indexing="ij")[axis]
        start, end = (field_theory.plane_wave(grid, t, 2 * np.pi / self.length, self.c1, self.c3) for t in (0, 1))
        np.testing.assert_allclose(integrate(system, start, 1.0), end, atol=1e-6)

    def test_amplitude_and_frequency(self):
        assert field_theory.plane_wave_amplitude(0.6) == pytest.approx(0.8)
        assert field_theory.plane_wave_frequency(0.0, self.c1, self.c3) == self.c3
        assert field_theory.plane_wave_frequency(1.0, self.c1, self.c3) == pytest.approx(self.c1)
        with pytest.raises(ValueError, match="wavenumber"):
            field_theory.plane_wave_amplitude(1.1)


class TestStability:
    @pytest.mark.parametrize(("c1", "c3"), [(0.8, 1.5), (2.0, -1.0), (0.0, 0.0), (1.0, -1.5)])
    def test_sideband_growth(self, c1, c3):
        length, n = 2 * np.pi / 0.3, 32
        system = GinzburgLandau(n, length, c1, c3, 0.01, ndim=1)
        amplitude = integrate(system, 1 + (1 + 1j) * 1e-6 * np.cos(0.3 * system.coordinates()), 10.0)
        later = integrate(system, amplitude, 5.0)
        sidebands = [np.abs(np.fft.fft(values)[1]) for values in (amplitude, later)]
        growth = np.log(sidebands[1] / sidebands[0]) / 5.0
        assert growth == pytest.approx(float(field_theory.sideband_growth(0.3, c1, c3)), abs=1e-5)

    def test_growth_where_both_branches_are_complex(self):
        assert field_theory.sideband_growth(2.0, 2.0, 1.0) == pytest.approx(-5.0)

    @pytest.mark.parametrize("c1", [-2.0, -0.5, 0.5, 2.0])
    @pytest.mark.parametrize("c3", [-1.5, -0.4, 0.4, 1.5])
    def test_newell_criterion_is_the_sign_of_long_wave_growth(self, c1, c3):
        unstable = bool(field_theory.sideband_growth(1e-2, c1, c3) > 0)
        assert field_theory.is_benjamin_feir_unstable(c1, c3) is unstable

    def test_eckhaus_boundary(self):
        assert field_theory.eckhaus_wavenumber(0.0, 0.0) ** 2 == pytest.approx(1 / 3)
        with pytest.raises(ValueError, match="c1, c3"):
            field_theory.eckhaus_wavenumber(2.0, -1.0)

    @pytest.mark.parametrize(("factor", "grows"), [(0.8, False), (1.2, True)])
    def test_waves_beyond_the_eckhaus_boundary_are_unstable(self, factor, grows):
        """A long-wave sideband, a tenth of the wave number away."""
        c1, c3, mode, n = 0.2, 1.2, 40, 256
        length = 2 * np.pi * mode / (factor * field_theory.eckhaus_wavenumber(c1, c3))
        system = GinzburgLandau(n, length, c1, c3, 0.1, ndim=1)
        x = system.coordinates()
        wave = field_theory.plane_wave(x, 0.0, 2 * np.pi * mode / length, c1, c3)
        start = integrate(system, wave * (1 + 1e-6 * np.cos(2 * np.pi * 4 * x / length)), 20.0)
        end = integrate(system, start, 100.0)
        sidebands = [np.abs(np.fft.fft(values)[mode - 4]) for values in (start, end)]
        assert bool(sidebands[1] > sidebands[0]) is grows


class TestUniformField:
    def test_relaxes_along_the_closed_form(self):
        """|A|^2 = 1 / (1 + (1/a^2 - 1) exp(-2t)) and the phase turns by -c3 times its integral."""
        a, c3, t = 0.3, 1.5, 3.0
        system = GinzburgLandau(8, 10.0, 0.8, c3, 0.01)
        end = integrate(system, np.full((8, 8), a), t)
        square = 1 / (1 + (1 / a**2 - 1) * np.exp(-2 * t))
        phase = -c3 * 0.5 * np.log(1 + a**2 * (np.exp(2 * t) - 1))
        np.testing.assert_allclose(end, np.sqrt(square) * np.exp(1j * phase), atol=1e-8)

    def test_control_is_added_to_the_rate(self):
        c3, drive = 0.7, 0.4 - 0.3j
        system = GinzburgLandau(4, 5.0, 0.2, c3, 0.01, ndim=1)
        end = integrate(system, np.full(4, 0.5 + 0j), 2.0, control=drive)
        exact = solve_ivp(
            lambda _, a: a - (1 + 1j * c3) * abs(a) ** 2 * a + drive,
            (0, 2),
            [0.5 + 0j],
            rtol=1e-11,
            atol=1e-12,
        )
        np.testing.assert_allclose(end, exact.y[0, -1], atol=1e-8)


class TestEnergy:
    length = 20.0

    def test_integrals_of_a_plane_wave(self):
        wave = 0.5 * np.exp(2j * np.pi * 3 * np.arange(32) / 32)
        k2 = (2 * np.pi * 3 / self.length) ** 2
        for values, volume in ((wave, self.length), (np.tile(wave, (32, 1)), self.length**2)):
            assert field.energy(values, self.length) == pytest.approx(0.25 * volume)
            assert field.gradient_energy(values, self.length) == pytest.approx(0.25 * k2 * volume)
            assert field.quartic(values, self.length) == pytest.approx(0.0625 * volume)

    @pytest.mark.parametrize("ndim", [1, 2])
    def test_energy_identity_holds_along_a_solution(self, rng, ndim):
        system = GinzburgLandau(64, self.length, 2.0, -1.0, 1e-3, ndim)
        wrong = GinzburgLandau(64, self.length * 1.02, 2.0, -1.0, 1e-3, ndim)
        start = smooth_field(rng, system.shape)
        residuals = []
        for solver in (system, wrong):
            middle = solver.step(start)
            residuals.append(field.energy_residual(start, middle, solver.step(middle), self.length, solver.dt))
        assert residuals[0] < 1e-5
        assert residuals[1] > 1e-3

    def test_energy_identity_with_control(self, rng):
        system = GinzburgLandau(64, self.length, 2.0, -1.0, 1e-3, ndim=1)
        before, control = smooth_field(rng, (64,)), smooth_field(rng, (64,))
        middle = system.step(before, control)
        after = system.step(middle, control)
        change = (field.energy(after, self.length) - field.energy(before, self.length)) / (2 * system.dt)
        assert change == pytest.approx(field.energy_rate(middle, self.length, control), rel=1e-4)

    def test_zero_fields_leave_no_residual(self):
        assert field.energy_residual(np.zeros(8), np.zeros(8), np.zeros(8), self.length, 0.1) == 0.0

    def test_free_energy_never_increases_without_dispersion(self, rng):
        system = GinzburgLandau(32, self.length, 0.0, 0.0, 0.05)
        amplitude, values = system.sample_noise(rng, 0.5), []
        for _ in range(300):
            values.append(field.free_energy(amplitude, self.length))
            amplitude = system.step(amplitude)
        assert (np.diff(values) <= 1e-10).all()
        assert values[-1] < values[0]


class TestCoherence:
    def test_bounds(self, rng):
        assert field.coherence_level(np.full(8, 3j)) == 1.0
        assert field.coherence_level(np.zeros((8, 8))) == 0.0
        assert field.coherence_level(np.exp(2j * np.pi * np.arange(8) / 8)) == pytest.approx(0.0, abs=1e-15)
        assert field.coherence_level([1, 1, 1, -1]) == pytest.approx(0.5)
        assert field.coherence_level(np.full(8, 1e-320)) == 1.0
        constant_phases = np.exp(1j * rng.uniform(size=(2000, 1))) * np.ones((1, 64))
        assert max(field.coherence_level(row) for row in constant_phases) <= 1.0

    def test_mean_abs_may_exceed_one(self):
        assert field.mean_abs([2.0, -1j, 1, 0]) == pytest.approx(1.0)
        assert field.mean_abs(np.full((4, 4), 1.38)) == pytest.approx(1.38)


class TestDefects:
    def test_pair_is_two_defects_of_opposite_charge(self):
        n = 64
        winding = field.winding_numbers(defect_pair(n))
        assert np.argwhere(winding == -1).tolist() == [[n // 4 - 1, n - 1]]
        assert np.argwhere(winding == 1).tolist() == [[3 * n // 4 - 1, n - 1]]
        assert field.defect_count(defect_pair(n)) == 2
        assert field.defect_density(defect_pair(n), 10.0) == pytest.approx(0.02)

    def test_conjugate_turns_every_charge(self):
        pair = defect_pair(32)
        assert (field.winding_numbers(pair.conj()) == -field.winding_numbers(pair)).all()

    def test_charge_sums_to_zero_and_random_phases_give_a_third_a_plaquette(self, rng):
        n = 512
        winding = field.winding_numbers(np.exp(2j * np.pi * rng.uniform(size=(n, n))))
        assert winding.sum(dtype=int) == 0
        assert set(np.unique(winding)) == {-1, 0, 1}
        assert np.abs(winding).mean() == pytest.approx(1 / 3, rel=0.02)

    def test_zeros_and_opposite_signs_on_the_grid_are_counted_without_error(self, rng):
        values = rng.choice([0.0, 1.0, -1.0, 1j, -1j], size=(64, 64))
        assert field.winding_numbers(values).sum(dtype=int) == 0
        assert field.defect_count(np.zeros((8, 8))) == 0

    def test_plane_wave_has_none(self):
        x = 2 * np.pi * np.arange(32) / 32
        assert field.defect_count(np.exp(3j * x)[:, None] * np.exp(-2j * x)) == 0

    def test_one_dimension_has_no_plaquettes(self):
        with pytest.raises(ValueError, match="two dimensions"):
            field.winding_numbers(np.ones(8))
        assert field.observe_field(np.ones(8), 10.0).defect_count is None

    def test_turbulence_keeps_its_density(self, rng):
        """c1 = 2, c3 = -1 over t = 100 to 300, against a measured reference."""
        system = GinzburgLandau(64, 64.0, 2.0, -1.0, 0.1)
        amplitude, densities, squares = system.sample_noise(rng), [], []
        for index in range(3000):
            amplitude = system.step(amplitude)
            if index >= 1000 and index % 20 == 0:
                densities.append(field.defect_density(amplitude, system.length))
                squares.append(field.energy(amplitude, system.length) / system.length**2)
        assert np.mean(densities) == pytest.approx(0.0036, rel=0.15)
        assert np.mean(squares) == pytest.approx(0.69, rel=0.15)

    def test_stable_parameters_lose_every_defect(self, rng):
        system = GinzburgLandau(48, 48.0, 0.8, 1.5, 0.1)
        start = integrate(system, system.sample_noise(rng), 10.0)
        assert field.defect_count(start) > 0
        assert field.defect_count(integrate(system, start, 150.0)) == 0


class TestFrame:
    def test_layout_is_little_endian_row_major_complex64(self):
        frame = field.encode_frame([[1 + 2j, 3], [4j, -5]])
        assert frame.payload == struct.pack("<8f", 1, 2, 3, 0, 0, 4, -5, 0)
        assert frame.sha256 == hashlib.sha256(frame.payload).digest()

    def test_round_trip(self, rng):
        values = rng.normal(size=(16, 16)) + 1j * rng.normal(size=(16, 16))
        frame = field.encode_frame(values.T)
        decoded = field.decode_frame(frame.payload, (16, 16), frame.sha256)
        assert decoded.dtype == np.complex64
        assert (decoded == values.T.astype(np.complex64)).all()
        decoded[0, 0] = 0
        assert field.encode_frame(values.T) == frame

    def test_damage_is_refused(self):
        payload, digest = field.encode_frame(np.ones((4, 4)))
        with pytest.raises(ValueError, match="expected 128 bytes"):
            field.decode_frame(payload[:-1], (4, 4), digest)
        with pytest.raises(ValueError, match="sha256"):
            field.decode_frame(b"\x01" + payload[1:], (4, 4), digest)
        with pytest.raises(ValueError, match="finite"):
            field.decode_frame(struct.pack("<8f", *[float("nan")] * 8), (4,))

    @pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
    def test_value_that_does_not_fit_is_refused(self, value):
        with pytest.raises(ValueError, match="amplitude"):
            field.encode_frame(np.full((4, 4), value))


class TestInput:
    @pytest.mark.parametrize(
        ("changed", "value"),
        [
            ("n", 3),
            ("length", 0.0),
            ("length", np.nan),
            ("c1", np.inf),
            ("c3", np.nan),
            ("dt", 0.0),
            ("dt", np.inf),
            ("ndim", 3),
        ],
    )
    def test_bad_parameter_is_named(self, changed, value):
        parameters = {"n": 8, "length": 8.0, "c1": 1.0, "c3": 1.0, "dt": 0.1, "ndim": 2}
        with pytest.raises(ValueError, match=rf"^{changed}:"):
            GinzburgLandau(**parameters | {changed: value})

    @pytest.mark.parametrize("values", [np.ones((4, 5)), np.ones((2, 2, 2)), [], 1.0, [np.nan, 1], np.zeros((0, 0))])
    def test_bad_field_is_named(self, values):
        with pytest.raises(ValueError, match=r"^amplitude:"):
            field.observe_field(values, 1.0)
        with pytest.raises(ValueError, match=r"^amplitude:"):
            GinzburgLandau(4, 8.0, 1.0, 1.0, 0.1).step(values)

    def test_field_that_no_frame_can_hold_has_no_observables(self):
        with pytest.raises(ValueError, match="frame"):
            field.observe_field(np.full((4, 4), 1e200), 1.0)

    def test_noise_is_scaled_and_repeatable(self):
        system = GinzburgLandau(128, 128.0, 1.0, 1.0, 0.1)
        noise = [system.sample_noise(np.random.default_rng(3), 0.2) for _ in range(2)]
        assert (noise[0] == noise[1]).all()
        assert np.sqrt(np.mean(np.abs(noise[0]) ** 2)) == pytest.approx(0.2, rel=0.02)

    def test_grid_excludes_the_end_point(self):
        assert GinzburgLandau(4, 10.0, 1.0, 1.0, 0.1).coordinates().tolist() == [0.0, 2.5, 5.0, 7.5]

    def test_observables_are_those_of_their_functions(self, rng):
        values = smooth_field(rng, (32, 32))
        observed = field.observe_field(values, 9.0)
        assert observed.coherence_level == field.coherence_level(values)
        assert observed.mean_abs == field.mean_abs(values)
        assert observed.energy == field.energy(values, 9.0)
        assert observed.gradient_energy == field.gradient_energy(values, 9.0)
        assert observed.quartic == field.quartic(values, 9.0)
        assert observed.defect_density == field.defect_density(values, 9.0)
        assert observed.defect_count == field.defect_count(values)
