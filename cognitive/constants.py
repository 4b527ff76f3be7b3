"""Bounds and start values of the cognitive tables."""

from cognitive.choices import ExperienceType
from cognitive.forgetting import DAY_S

INITIAL_DIFFICULTY = 5.0
"""Difficulty of a memory nobody rated, on a scale of 1 to 10."""
INITIAL_STABILITY_S: dict[str, float] = {
    ExperienceType.WORKING: 60.0,
    ExperienceType.EPISODIC: DAY_S,
    ExperienceType.SEMANTIC: 30 * DAY_S,
    ExperienceType.PROCEDURAL: 365 * DAY_S,
}
"""Stability of a new memory of each type: seconds to minutes, hours to days, weeks to years, lasting."""
FORGOTTEN_BELOW = 0.5
"""Probability of recall below which a memory counts as forgotten."""
