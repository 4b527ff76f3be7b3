"""Figures of the kuramoto app."""

EMBEDDING_DIMENSIONS = 768
"""Elements of a semantic embedding."""
MAX_PHASE_RAD = 1e6
"""Phases beyond this have lost too many digits to be wrapped."""
