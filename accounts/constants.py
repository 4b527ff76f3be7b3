"""Bounds."""

MOST_PER_MINUTE = 1_000_000
"""Requests of a key, a minute or at once; a slip of the keyboard is no limit."""
