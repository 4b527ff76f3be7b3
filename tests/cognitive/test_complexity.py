"""Complexity measures, against worked examples, limits and closed forms."""

import numpy as np
import pytest

from cognitive import complexity
from cognitive.complexity import (
    chimera_index,
    community_order_parameters,
    lempel_ziv_complexity,
    lempel_ziv_count,
    metastability_shanahan,
    r_statistics,
    total_correlation_gaussian,
)


@pytest.fixture
def rng():
    return np.random.default_rng(26)


def count_by_definition(text):
    """Parse LZ76 by trying each word against every earlier place."""
    count = start = 0
    while start < len(text):
        length = 1
        while start + length <= len(text) and any(
            text[place : place + length] == text[start : start + length] for place in range(start)
        ):
            length += 1
        count, start = count + 1, start + length
    return count


class TestOrderOverTime:
    def test_statistics(self):
        assert r_statistics([0.2, 0.4, 0.6]) == pytest.approx((0.4, np.sqrt(0.08 / 3)))

    def test_metastability_of_a_uniform_r_is_one(self):
        uniform = (np.arange(10_000) + 0.5) / 10_000
        assert metastability_shanahan(uniform) == pytest.approx(1.0, rel=1e-3)
        assert metastability_shanahan(np.stack([uniform, np.full(10_000, 0.5)], axis=1)) == pytest.approx(0.5, rel=1e-3)
        assert metastability_shanahan([0.7, 0.7, 0.7]) == pytest.approx(0.0)

    def test_chimera_index_of_an_ideal_chimera(self):
        """Half of m communities in step and half apart: variance m / (4 (m - 1)), over 5/36."""
        chimera = np.tile([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], (5, 1))
        assert chimera_index(chimera) == pytest.approx(1.8 * 8 / 7)
        assert chimera_index(np.tile([0.3, 0.3], (5, 1))) == 0.0
        nine = np.tile([1.0] * 5 + [0.0] * 4, (5, 1))
        assert chimera_index(np.concatenate([nine, np.ones((5, 9))])) == pytest.approx(1.0)

    def test_variance_is_taken_across_communities_and_over_time(self):
        alternating = np.array([[0.0, 0.0], [1.0, 1.0]] * 500)
        assert chimera_index(alternating) == 0.0
        assert metastability_shanahan(alternating) == pytest.approx(3.0, rel=2e-3)

    def test_community_order_parameters(self):
        apart = [0.0, np.pi / 2, np.pi, -np.pi / 2]
        phases = np.array([[0.5, *apart, 0.5, 0.5], [0.0, *apart, np.pi, 0.0]])
        r = community_order_parameters(phases, ["b", "a", "a", "a", "a", "b", "b"])
        np.testing.assert_allclose(r, [[0, 1], [0, 1 / 3]], atol=1e-15)

    def test_bad_input_is_named(self):
        for bad in ([], [[0.1]], [1.1], [np.nan]):
            with pytest.raises(ValueError, match=r"^r:"):
                r_statistics(bad)
        with pytest.raises(ValueError, match="two times"):
            metastability_shanahan([0.5])
        with pytest.raises(ValueError, match="two communities"):
            chimera_index([[0.5], [0.6]])
        with pytest.raises(ValueError, match="communities"):
            community_order_parameters(np.zeros((4, 3)), [0, 1])


class TestLempelZiv:
    @pytest.mark.parametrize(
        ("text", "count"),
        [
            (b"0001101001000101", 6),
            (b"", 0),
            (b"0", 1),
            (b"00", 2),
            (b"01", 2),
            (b"0000000000", 2),
            (b"0101010101", 3),
            (b"010", 3),
        ],
    )
    def test_worked_examples(self, text, count):
        assert lempel_ziv_count(text) == count

    def test_equals_the_definition(self, rng):
        for alphabet in (2, 3, 5):
            for length in range(1, 120, 7):
                symbols = rng.integers(alphabet, size=length)
                assert lempel_ziv_count(symbols) == count_by_definition(symbols.tolist())

    @pytest.mark.parametrize(("n", "expected"), [(200, 1.139), (1000, 1.070), (10_000, 1.025)])
    def test_random_bits(self, rng, n, expected):
        counts = [lempel_ziv_count(rng.integers(2, size=n)) for _ in range(10)]
        assert np.mean(counts) * np.log2(n) / n == pytest.approx(expected, rel=0.015)

    def test_noise_is_one_at_any_length(self, rng):
        for n in (200, 1000):
            ratios = [lempel_ziv_complexity(rng.normal(size=n), rng).lzc_norm for _ in range(10)]
            assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)

    def test_order_is_close_to_zero(self, rng):
        wave = lempel_ziv_complexity(np.sin(0.1 * np.arange(4000)), rng)
        assert wave.lzc_norm < 0.2
        assert wave.per_random_bit == pytest.approx(wave.components * np.log2(4000) / 4000)
        flat = lempel_ziv_complexity(np.full(4000, 3.0), rng)
        assert flat == (2, pytest.approx(0.006, abs=1e-3), 0.0)

    def test_same_seed_same_value(self):
        signal = np.cumsum(np.random.default_rng(1).normal(size=500))
        values = [lempel_ziv_complexity(signal, np.random.default_rng(2), 5) for _ in range(2)]
        assert values[0] == values[1]

    def test_bad_input_is_named(self, rng):
        for bad in ([1.0], [[1.0, 2.0]], [1.0, np.nan]):
            with pytest.raises(ValueError, match=r"^signal:"):
                lempel_ziv_complexity(bad, rng)
        with pytest.raises(ValueError, match="n_surrogates"):
            lempel_ziv_complexity([1.0, 2.0], rng, 0)
        for bad in ([0.5, 1.0], [[0, 1]], [0, 256], [-1, 0]):
            with pytest.raises(ValueError, match=r"^symbols:"):
                lempel_ziv_count(bad)


class TestTotalCorrelation:
    @pytest.mark.parametrize("correlation", [0.0, 0.5, -0.9])
    def test_two_gaussians(self, rng, correlation):
        values = rng.multivariate_normal([1.0, -5.0], [[1, correlation], [correlation, 1]], size=20_000)
        expected = -0.5 * np.log(1 - correlation**2)
        assert total_correlation_gaussian(values * [1e-6, 1e6]) == pytest.approx(expected, abs=0.02)

    def test_closed_form_of_an_exact_covariance(self, rng):
        """Whitened samples given a known covariance leave no sampling error."""
        covariance = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.4], [-0.3, 0.4, 0.5]])
        raw = rng.normal(size=(500, 3))
        raw -= raw.mean(axis=0)
        white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw)).T
        values = white @ np.linalg.cholesky(covariance).T
        expected = 0.5 * (np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance)[1])
        assert total_correlation_gaussian(values) == pytest.approx(expected, rel=1e-10)

    def test_reference_value_and_bias(self, rng):
        assert -0.5 * np.log(1 - 0.5**2) == pytest.approx(0.1438, abs=5e-5)
        estimates = [total_correlation_gaussian(rng.normal(size=(200, 8))) for _ in range(200)]
        assert np.mean(estimates) == pytest.approx(8 * 7 / (4 * 200), rel=0.1)

    def test_one_channel_shares_nothing(self, rng):
        assert total_correlation_gaussian(rng.normal(size=(50, 1))) == 0.0

    def test_what_cannot_be_estimated_is_refused(self, rng):
        values = rng.normal(size=(100, 3))
        with pytest.raises(ValueError, match="at least 30 samples of 3 channels, got 29"):
            total_correlation_gaussian(values[:29])
        for dependent in (values[:, 0], values[:, 0] - 2 * values[:, 1]):
            with pytest.raises(ValueError, match="linearly dependent"):
                total_correlation_gaussian(np.column_stack([values, dependent]))
        with pytest.raises(ValueError, match="channel 1 is constant"):
            total_correlation_gaussian(values * [1, 0, 1] + 0.1)
        with pytest.raises(ValueError, match=r"^signal: expected finite"):
            total_correlation_gaussian(np.where(values > 2, np.nan, values))
        with pytest.raises(ValueError, match="shape"):
            total_correlation_gaussian(values[:, 0])


def test_every_measure_has_a_version():
    assert set(complexity.METHOD_VERSIONS) == {
        "r_statistics",
        "metastability_shanahan",
        "chimera",
        "lzc_norm",
        "total_correlation",
    }
    assert all(version.endswith("_v1") for version in complexity.METHOD_VERSIONS.values())
