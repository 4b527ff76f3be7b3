"""Figures of the kuramoto app."""

EMBEDDING_DIMENSIONS = 768
"""Elements of a semantic embedding."""
HORIZONS_S = (30, 180, 600)
"""Prediction horizons, s."""
MAX_PHASE_RAD = 1e6
"""Phases beyond this have lost too many digits to be wrapped."""
AGREEMENT = 1e-6
"""How far a derived value that a client sends may lie from the one computed here."""
