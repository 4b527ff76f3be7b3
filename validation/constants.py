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

TELEMETRY = "telemetry"
"""The metric of rules about whatever a run sends."""
METRIC_PREFIX = "metric:"
"""In front of the name of a stored metric; other metrics are derived."""
DERIVED_METRICS = ("r", "ha", "coherence", "energy", "defect_density")
MAX_THRESHOLD = 1e100
MAX_DURATION_S = 7 * 24 * 3600.0
"""Longest dwell and longest silence of an alert rule."""
MAX_SILENCE = timedelta(days=30)
"""Longest time for which people silence an alert."""
ANNOUNCED_AGE = timedelta(hours=1)
"""Alerts of a series whose newest sample is older are recorded, not announced: they are history."""
ALERT_QUEUE = "alerts"
"""The jobs of alerts: a worker of its own can serve them, so that no long job keeps a message waiting."""
DELIVER_TASK = "validation.deliver_alert"
"""Name of the job that delivers one message to one channel."""
MAX_ATTEMPTS = 7
"""Attempts to deliver a message, 4, 16, 64, 256, 1024 and 4096 s apart; then it is given up."""
MAX_ERROR_LENGTH = 500
"""Characters of an error that the delivery log keeps."""
MIN_KEY_BYTES = 16
"""Bytes of the shortest key that signs messages."""
MOST_SAMPLES_OF_A_DAY = 10_000_000
"""Samples of a series that one row of `metric_days` holds: in text it stays well below PostgreSQL's gigabyte."""
COMPACTION_AGE = timedelta(days=2)
"""How long ago a day of a closed partition ended before its samples are compacted: late ones are merged at a cost."""
