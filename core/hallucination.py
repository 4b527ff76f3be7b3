"""The hallucination number Ha, version 1, and the scales and risks derived from it.

Ha = 10 (w_p defect + w_e forecast + w_o drift), each component in [0, 1] and the weights summing to 1, so Ha
is dimensionless in [0, 10]; high is bad. The definition is this project's own, and its version is stored
beside every value.
"""

from bisect import bisect_right
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
ThreatLevel = Literal["minimal", "low", "moderate", "high", "critical", "extreme"]
AlarmLevel = Literal["normal", "warning", "critical", "emergency", "failure"]
ViolationType = Literal["minor", "moderate", "major", "critical"]

THREAT_LEVELS: tuple[ThreatLevel, ...] = get_args(ThreatLevel)
ALARM_LEVELS: tuple[AlarmLevel, ...] = get_args(AlarmLevel)
VIOLATION_TYPES: tuple[ViolationType, ...] = get_args(ViolationType)

HA_VERSION = 1
"""Version of this definition, stored beside every value."""
HA_MAX = 10.0
COMPONENTS = ("defect", "forecast", "drift")
DEFAULT_WEIGHTS = (0.5, 0.3, 0.2)
# Defects per unit area of Ginzburg-Landau turbulence at c1 = 2, c3 = -1.
REFERENCE_DEFECT_DENSITY = 0.0036
THREAT_BOUNDS = (0.5, 1.0, 2.0, 4.0, 7.0)
ALARM_BOUNDS = (1.0, 2.0, 4.0, 7.0)
_SEVERITY_HA = (0.0, 1.0, 2.0, 4.0, 7.0)
_SEVERITY_SCORE = (0.0, 0.25, 0.5, 0.75, 1.0)
_VIOLATION_BOUNDS = (0.5, 0.75, 1.0)
VIOLATION_MEMORY_S = 600.0


class HallucinationNumber(NamedTuple):
    """Ha with a flag for each missing component, (..., 3) in the order of `COMPONENTS`.

    A missing component adds nothing, so a flagged value is a lower bound; with none present it is NaN.
    """

    ha: FloatArray
    missing: NDArray[np.bool_]


def defect_component(density: ArrayLike, reference: float = REFERENCE_DEFECT_DENSITY) -> FloatArray:
    """Return min(1, density / reference) of a defect density per unit area; NaN stays NaN."""
    if not (np.isfinite(reference) and reference > 0):
        raise ValueError(f"reference: expected a finite density > 0, got {reference}")
    return np.asarray(np.minimum(1.0, _read_at_least_zero("density", density) / reference))


def forecast_component(mean_square_error: ArrayLike, variance: ArrayLike) -> FloatArray:
    """Return min(1, MSE / variance) of one-step forecasts; NaN (missing) where the variance is 0 or NaN."""
    error = _read_at_least_zero("mean_square_error", mean_square_error)
    spread = _read_at_least_zero("variance", variance)
    ratio = np.full(np.broadcast_shapes(error.shape, spread.shape), np.nan)
    np.divide(error, spread, out=ratio, where=spread > 0)
    return np.asarray(np.minimum(1.0, ratio))


def drift_component(embedding: ArrayLike, reference: ArrayLike) -> FloatArray:
    """Return (1 - cos) / 2 of two vectors on the last axis, in [0, 1]; NaN (missing) where a norm is 0."""
    cosine = np.sum(_read_direction(embedding) * _read_direction(reference), axis=-1)
    return np.asarray(np.clip((1 - cosine) / 2, 0.0, 1.0))


def hallucination_number(
    defect: ArrayLike, forecast: ArrayLike, drift: ArrayLike, weights: ArrayLike = DEFAULT_WEIGHTS
) -> HallucinationNumber:
    """Return Ha of components that broadcast together, NaN meaning missing.

    Raises ValueError when a component leaves [0, 1], or the weights are not three numbers >= 0 that sum to 1.
    """
    shares = _read_weights(weights, len(COMPONENTS))
    parts = np.stack(np.broadcast_arrays(*(np.asarray(part, float) for part in (defect, forecast, drift))), -1)
    for name, part in zip(COMPONENTS, np.moveaxis(parts, -1, 0), strict=True):
        if ((part < 0) | (part > 1)).any():
            raise ValueError(f"{name}: expected a component in [0, 1], or NaN where it is missing")
    missing = np.isnan(parts)
    ha = np.clip(HA_MAX * (np.where(missing, 0.0, parts) @ shares), 0.0, HA_MAX)
    return HallucinationNumber(np.where(missing.all(axis=-1), np.nan, ha), missing)


def bounded_hallucination(ha: ArrayLike) -> FloatArray:
    """Return h = 1 - exp(-Ha) in [0, 1), the scale of thresholds such as 0.85."""
    return -np.expm1(-_read_at_least_zero("ha", ha))


def unbounded_hallucination(h: ArrayLike) -> FloatArray:
    """Return Ha = -ln(1 - h), the inverse of `bounded_hallucination`, for h in [0, 1)."""
    level = _read_at_least_zero("h", h)
    if (level >= 1).any():
        raise ValueError("h: expected a number in [0, 1)")
    return -np.log1p(-level)


def severity_score(ha: ArrayLike) -> FloatArray:
    """Return s in [0, 1], piecewise linear through Ha 0, 1, 2, 4, 7 at s 0, .25, .5, .75, 1; NaN stays NaN."""
    return np.asarray(np.interp(_read_at_least_zero("ha", ha), _SEVERITY_HA, _SEVERITY_SCORE))


def violation_type(score: float) -> ViolationType:
    """Name a severity score in [0, 1]: minor below .5, moderate below .75, major below 1, critical at 1."""
    if not 0 <= score <= 1:
        raise ValueError(f"score: expected a number in [0, 1], got {score}")
    return VIOLATION_TYPES[bisect_right(_VIOLATION_BOUNDS, score)]


def threat_level(ha: float) -> ThreatLevel:
    """Name Ha by its threat: bounds 0.5, 1, 2, 4, 7, each the start of its level."""
    return THREAT_LEVELS[bisect_right(THREAT_BOUNDS, _read_ha(ha))]


def alarm_level(ha: float) -> AlarmLevel:
    """Name Ha by the alarm it raises: warning from 1, critical from 2, emergency from 4, failure from 7."""
    return ALARM_LEVELS[bisect_right(ALARM_BOUNDS, _read_ha(ha))]


def violation_pressure(severities: ArrayLike, ages_s: ArrayLike, memory_s: float = VIOLATION_MEMORY_S) -> float:
    """Return V = 1 - exp(-sum_k s_k exp(-age_k / memory)) in [0, 1) of violations, both (k,); none gives 0."""
    severity = _read_at_least_zero("severities", severities)
    age = _read_at_least_zero("ages_s", ages_s)
    if not (np.isfinite(memory_s) and memory_s > 0):
        raise ValueError(f"memory_s: expected a finite number > 0, got {memory_s}")
    return float(-np.expm1(-np.sum(severity * np.exp(-age / memory_s))))


def systemic_risk(
    ha: ArrayLike, defect: ArrayLike, order_parameter: ArrayLike, pressure: ArrayLike, weights: ArrayLike
) -> FloatArray:
    """Return w1 Ha/10 + w2 defect + w3 (1 - r) + w4 V in [0, 1]; NaN in any term makes the risk NaN.

    The defect component is a part of Ha already: keep w2 small or 0. Raises ValueError for a term outside its
    range, or weights that are not four numbers >= 0 that sum to 1.
    """
    shares = _read_weights(weights, 4)
    terms = {
        "ha": np.asarray(ha, float) / HA_MAX,
        "defect": np.asarray(defect, float),
        "order_parameter": 1 - np.asarray(order_parameter, float),
        "pressure": np.asarray(pressure, float),
    }
    for name, term in terms.items():
        if ((term < 0) | (term > 1)).any():
            raise ValueError(f"{name}: outside its range")
    total = sum(share * term for share, term in zip(shares, terms.values(), strict=True))
    return np.asarray(np.clip(total, 0.0, 1.0))


def _read_at_least_zero(name: str, value: ArrayLike) -> FloatArray:
    numbers = np.asarray(value, dtype=np.float64)
    if ((numbers < 0) | np.isinf(numbers)).any():
        raise ValueError(f"{name}: expected finite numbers >= 0")
    return numbers


def _read_ha(ha: float) -> float:
    if not ha >= 0:
        raise ValueError(f"ha: expected a number >= 0, got {ha}")
    return ha


def _read_weights(weights: ArrayLike, count: int) -> FloatArray:
    shares = np.asarray(weights, dtype=np.float64)
    if shares.shape != (count,) or not (shares >= 0).all() or not abs(shares.sum() - 1) <= 1e-9:
        raise ValueError(f"weights: expected {count} numbers >= 0 that sum to 1")
    return shares


def _read_direction(vector: ArrayLike) -> FloatArray:
    """Return the unit vector on the last axis, NaN for a zero vector; scaled first, so no square overflows."""
    values = np.asarray(vector, dtype=np.float64)
    if values.ndim == 0 or not np.isfinite(values).all():
        raise ValueError("embedding: expected a vector of finite numbers")
    largest = np.abs(values).max(axis=-1, keepdims=True)
    scaled = np.divide(values, largest, out=np.full_like(values, np.nan), where=largest > 0)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))
