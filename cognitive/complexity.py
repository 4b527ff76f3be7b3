"""Measures of signal complexity: how order varies in time and across communities, how compressible, how shared.

They describe a recording or a simulated run and nothing beyond it; they do not measure consciousness. Each
has a version in `METHOD_VERSIONS`, which is stored beside its value.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kuramoto.dynamics import order_parameter

FloatArray = NDArray[np.float64]

METHOD_VERSIONS = {
    "r_statistics": "order_parameter_moments_v1",
    "metastability_shanahan": "shanahan2010_unbiased_v1",
    "chimera": "shanahan2010_unbiased_v1",
    "lzc_norm": "lz76_median_shuffle_v1",
    "total_correlation": "gaussian_nats_v1",
}
SAMPLES_PER_CHANNEL = 10
DEFAULT_SURROGATES = 10
_UNIFORM_VARIANCE = 1 / 12
_CHIMERA_VARIANCE = 5 / 36


class OrderStatistics(NamedTuple):
    """Mean and standard deviation of r(t) over time."""

    r_mean: float
    r_std: float


class LempelZiv(NamedTuple):
    """LZ76 of one signal.

    Attributes:
        components: Components of the exhaustive history.
        per_random_bit: components log2(n)/n, which tends to 1 for random bits, from above and slowly.
        lzc_norm: components over their mean in shuffles of the same bits: 1 for noise at any n, 0 for a flat signal.
    """

    components: int
    per_random_bit: float
    lzc_norm: float


def r_statistics(r: ArrayLike) -> OrderStatistics:
    """Return mean and standard deviation of an order parameter over time, (t,)."""
    values = _read_r(r, 1)
    return OrderStatistics(float(values.mean()), float(values.std()))


def community_order_parameters(phases: ArrayLike, communities: ArrayLike) -> FloatArray:
    """Return r of each community over time, (t, m), from phases (t, n) and the label of each oscillator, (n,).

    Columns follow the sorted labels. Raises ValueError when the shapes do not fit.
    """
    angles, labels = np.asarray(phases, dtype=np.float64), np.asarray(communities)
    if angles.ndim != 2 or labels.shape != angles.shape[1:]:
        raise ValueError(f"communities: expected a label for each of phases (t, n), got {labels.shape}")
    return np.stack([order_parameter(angles[:, labels == label])[0] for label in np.unique(labels)], axis=1)


def metastability_shanahan(r: ArrayLike) -> float:
    """Return the variance of r(t) over time, averaged over communities, over that of a uniform r, 1/12.

    r is (t,) or (t, m), t >= 2. It is 1 for an r that spends equal time at every level, and at most about 3
    (Shanahan, Chaos 20:013108, 2010).
    """
    values = _read_r(r, 1, 2)
    if len(values) < 2:
        raise ValueError("r: expected at least two times")
    return float(values.var(axis=0, ddof=1).mean() / _UNIFORM_VARIANCE)


def chimera_index(community_r: ArrayLike) -> float:
    """Return the variance of r across communities, averaged over time, over its norm 5/36.

    community_r is (t, m), m >= 2. The norm is Shanahan's, so the index may exceed 1: its bound is 1.8 m/(m -
    1) for even m, half of the communities in step and half of them with r = 0 (Shanahan, Chaos 20:013108,
    2010).
    """
    values = _read_r(community_r, 2)
    if values.shape[1] < 2:
        raise ValueError("community_r: expected at least two communities")
    return float(values.var(axis=1, ddof=1).mean() / _CHIMERA_VARIANCE)


def lempel_ziv_count(symbols: bytes | ArrayLike) -> int:
    """Return the number of components in the LZ76 history of a sequence of symbols 0 to 255, (n,).

    A component is the shortest word that does not occur in what precedes its last symbol (Lempel & Ziv 1976;
    Kaspar & Schuster, PRA 36:842, 1987); an unfinished last one counts.
    """
    text = symbols if isinstance(symbols, bytes) else _read_symbols(symbols)
    count = start = 0
    while start < len(text):
        length, found = 1, 0
        # The first place of a longer word cannot lie before that of its beginning.
        while start + length <= len(text):
            found = text.find(text[start : start + length], found, start + length - 1)
            if found < 0:
                break
            length += 1
        count += 1
        start += length
    return count


def lempel_ziv_complexity(
    signal: ArrayLike, rng: np.random.Generator, n_surrogates: int = DEFAULT_SURROGATES
) -> LempelZiv:
    """Return LZ76 of a signal (n,), n >= 2, cut into bits at its median, against shuffles of the same bits.

    Raises ValueError for another shape, a value that is not finite, or no surrogate.
    """
    values = np.asarray(signal, dtype=np.float64)
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise ValueError(f"signal: expected at least two finite numbers, shape (n,), got {values.shape}")
    if n_surrogates < 1:
        raise ValueError(f"n_surrogates: expected at least 1, got {n_surrogates}")
    bits = (values > np.median(values)).astype(np.uint8)
    count = lempel_ziv_count(bits)
    per_random_bit = float(count * np.log2(bits.size) / bits.size)
    # Every shuffle of a flat signal is the signal: it would come out as complex as noise.
    if not bits.any():
        return LempelZiv(count, per_random_bit, 0.0)
    shuffled = [lempel_ziv_count(rng.permutation(bits)) for _ in range(n_surrogates)]
    return LempelZiv(count, per_random_bit, float(count / np.mean(shuffled)))


def total_correlation_gaussian(signal: ArrayLike) -> float:
    """Return (sum_i ln var_i - ln det cov)/2 >= 0 in nats of channels (n, d), as if jointly Gaussian.

    The estimate is biased upwards by about d (d - 1)/(4 n) for independent samples, and by more for samples
    that depend on each other. Raises ValueError for fewer than 10 d samples, a value that is not finite, a
    constant channel, or channels that are linearly dependent, whose total correlation is infinite.
    """
    values = np.asarray(signal, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 1 or not np.isfinite(values).all():
        raise ValueError(f"signal: expected finite numbers of shape (samples, channels), got {values.shape}")
    n, d = values.shape
    if n < SAMPLES_PER_CHANNEL * d:
        raise ValueError(f"signal: expected at least {SAMPLES_PER_CHANNEL * d} samples of {d} channels, got {n}")
    constant = np.flatnonzero((values == values[0]).all(axis=0))
    if constant.size:
        raise ValueError(f"signal: channel {constant[0]} is constant")
    if d == 1:
        return 0.0
    centred = values - values.mean(axis=0)
    standard = centred / np.linalg.norm(centred, axis=0)
    eigenvalues = np.linalg.eigvalsh(standard.T @ standard)
    if eigenvalues[0] <= d * n * np.finfo(np.float64).eps:
        raise ValueError("signal: the channels are linearly dependent")
    return float(max(0.0, -0.5 * np.log(eigenvalues).sum()))


def _read_r(r: ArrayLike, *ndims: int) -> FloatArray:
    values = np.asarray(r, dtype=np.float64)
    if values.ndim not in ndims or values.size == 0:
        raise ValueError(f"r: expected {' or '.join(map(str, ndims))} axes with a value, got shape {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("r: expected numbers in [0, 1]")
    return values


def _read_symbols(symbols: ArrayLike) -> bytes:
    values = np.asarray(symbols)
    if values.ndim != 1 or values.dtype.kind not in "bui":
        raise ValueError(f"symbols: expected integers of shape (n,), got {values.dtype} {values.shape}")
    if values.size and (values.min() < 0 or values.max() > 255):
        raise ValueError("symbols: expected integers from 0 to 255")
    return values.astype(np.uint8).tobytes()
