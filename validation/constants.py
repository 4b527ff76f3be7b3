"""Bounds of the validation tables."""

from datetime import timedelta

MAX_METRIC_NAME = 100
MAX_COMPONENT = 50
MAX_UNIT = 20
MAX_TAGS_BYTES = 4096
"""Longest tags of a series, as compact JSON in UTF-8."""
CACHED_SERIES = 100_000
"""Series whose ids a process remembers."""
DEFAULT_WINDOW = timedelta(hours=24)
"""Samples listed when no time is asked for."""
