"""Bounds of the constitutional tables."""

FUNDAMENTAL_PRIORITY = 10
"""Priority of every fundamental policy, the highest."""
SYSTEMIC_VIOLATIONS = 5
"""Open violations from which a run's trouble counts as systemic."""
MAX_BULK_IDS = 1000
"""Violations that one request reviews at most."""
MAX_NOTE_LENGTH = 10_000
"""Characters of the longest note."""
