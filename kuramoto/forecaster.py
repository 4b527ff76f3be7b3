"""The one-step forecaster behind the forecast component of Ha: persistence, scored against the series' own variance.

The component is min(1, MSE / Var) with the mean squared error of "r stays as it was" and the variance of r, both as
exponentially weighted means over about MEMORY samples: 0 for a series that is predicted perfectly, 1 for one that
persistence predicts no better than its mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

MEMORY = 128
"""Samples that the weighted means reach back."""
WARM_UP = 32
"""Samples before there is a component."""
CONSTANT = 1e-12
"""Variance below which r counts as constant, and so as predicted."""


@dataclass(frozen=True, slots=True)
class ForecasterState:
    """What the forecaster remembers between batches; storable as JSON.

    Attributes:
        last_r: the last sample.
        mean, mean_square, squared_error: weighted sums, before division by their weight.
        count: samples seen.
    """

    last_r: float | None = None
    mean: float = 0.0
    mean_square: float = 0.0
    squared_error: float = 0.0
    count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The state that `to_dict` stored."""
        return cls(**stored)


def score_persistence(state: ForecasterState, r: ArrayLike) -> tuple[ForecasterState, FloatArray]:
    """Feed the order parameter, float64 (n,), and return the new state and the component of each sample.

    The component is NaN during the warm-up. The result does not depend on how a series is cut into batches.
    """
    values = np.asarray(r, dtype=np.float64)
    if values.size == 0:
        return state, values
    before = np.concatenate(([values[0] if state.last_r is None else state.last_r], values[:-1]))
    mean = _smooth(values, state.mean)
    mean_square = _smooth(values**2, state.mean_square)
    squared_error = _smooth((values - before) ** 2, state.squared_error)
    counts = state.count + np.arange(1, values.size + 1)
    weight = -np.expm1(counts * np.log1p(-1 / MEMORY))
    variance = mean_square / weight - (mean / weight) ** 2
    constant = variance <= CONSTANT
    ratio = np.divide(squared_error / weight, variance, out=np.zeros_like(variance), where=~constant)
    component = np.where(counts < WARM_UP, np.nan, np.minimum(ratio, 1.0))
    last = values.size - 1
    return (
        ForecasterState(
            float(values[last]),
            float(mean[last]),
            float(mean_square[last]),
            float(squared_error[last]),
            int(counts[last]),
        ),
        component,
    )


def _smooth(values: FloatArray, before: float) -> FloatArray:
    """Feed values to y = (1 - 1/MEMORY) y + x / MEMORY, from y = before, block by block."""
    smoothed = np.empty_like(values)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        smoothed[start : start + _BLOCK] = _RESPONSE[: block.size, : block.size] @ block + _DECAY[: block.size] * before
        before = smoothed[start + block.size - 1]
    return smoothed


_BLOCK = 256
_DECAY = (1 - 1 / MEMORY) ** np.arange(1, _BLOCK + 1)
_LAG = np.subtract.outer(np.arange(_BLOCK), np.arange(_BLOCK))
_RESPONSE = np.where(_LAG >= 0, (1 - 1 / MEMORY) ** np.maximum(_LAG, 0) / MEMORY, 0.0)
