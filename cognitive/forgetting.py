"""Forgetting by a power law, and what a retrieval does to it.

R(t) = (1 + F t/S)^-d with F = 0.9^(-1/d) - 1, so that R(S) = 0.9 (power law: Wixted & Ebbesen 1991; parametrisation:
FSRS-4.5 with d = 0.5, FSRS-6 with its own d). Numbers or arrays go in, the same come out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

DAY_S = 86_400.0
DECAY = 0.5
"""Exponent d."""
RETRIEVABILITY_AT_STABILITY = 0.9
REFERENCE_STABILITY_S = 30 * DAY_S
"""Stability S_ref at which a memory counts as half consolidated."""
MIN_STABILITY_S = 1.0
MAX_STABILITY_S = 36_500 * DAY_S


class Gain(NamedTuple):
    """Coefficients of the growth of stability; start values near FSRS-4.5's, to be calibrated on own retrievals.

    Attributes:
        scale: a.
        saturation: b, 0 to 1: how much less an already stable memory gains.
        spacing: c: how much more a nearly forgotten memory gains.
        arousal: beta: how much more an exciting memory gains.
    """

    scale: float = 4.5
    saturation: float = 0.15
    spacing: float = 1.0
    arousal: float = 0.5


GAIN = Gain()


def forgetting_factor(decay: float = DECAY) -> float:
    """F, which makes R fall to 0.9 after one stability."""
    return float(RETRIEVABILITY_AT_STABILITY ** (-1 / decay) - 1)


def retrievability(elapsed_s: ArrayLike, stability_s: ArrayLike, decay: float = DECAY) -> Any:
    """R, the probability of recall `elapsed_s` after the last one, 0 to 1; 1 before it."""
    ratio = np.maximum(np.asarray(elapsed_s, np.float64), 0.0) / np.asarray(stability_s, np.float64)
    return (1 + forgetting_factor(decay) * ratio) ** -decay


def half_life(stability_s: ArrayLike, decay: float = DECAY) -> Any:
    """Time after which R is 1/2, s: 12.79 S at d = 0.5."""
    return np.asarray(stability_s, np.float64) * ((2 ** (1 / decay) - 1) / forgetting_factor(decay))


def strengthen(
    stability_s: ArrayLike,
    difficulty: ArrayLike,
    retrievability_before: ArrayLike,
    arousal: ArrayLike,
    gain: Gain = GAIN,
) -> Any:
    """Stability after a successful recall, s: never less than before, never more than MAX_STABILITY_S.

    S' = S (1 + a (11 - D) S^-b (e^(c (1 - R)) - 1) (1 + beta arousal)), S in days. The gain is larger for a memory
    that is easier, less stable, nearer to being forgotten (spacing: Cepeda 2006; testing effect: Roediger & Karpicke
    2006) or more exciting (McGaugh 2004).

    Args:
        difficulty: D, 1 to 10.
        retrievability_before: R at the moment of recall, 0 to 1.
        arousal: 0 to 1.
    """
    stability = np.asarray(stability_s, np.float64)
    ease = 11 - np.asarray(difficulty, np.float64)
    spacing = np.expm1(gain.spacing * (1 - np.asarray(retrievability_before, np.float64)))
    excitement = 1 + gain.arousal * np.asarray(arousal, np.float64)
    growth = gain.scale * ease * (stability / DAY_S) ** -gain.saturation * spacing * excitement
    return np.minimum(stability * (1 + growth), MAX_STABILITY_S)


def consolidation(stability_s: ArrayLike) -> Any:
    """How far a memory has become long-term, S/(S + S_ref), 0 to 1."""
    stability = np.asarray(stability_s, np.float64)
    return stability / (stability + REFERENCE_STABILITY_S)
