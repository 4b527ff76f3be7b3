"""How the dashboard writes quantities."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


def format_age(age: timedelta, units: int = 2) -> str:
    """Write a length of time in its largest units, such as `2 h 4 min`; what is below a second is 0 s."""
    rest = max(0, int(age.total_seconds()))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if parts and (not count or len(parts) == units):
            break
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def format_since(at: datetime, now: datetime) -> str:
    """Say in its largest unit how long ago or how far ahead a time is; within a second it is now."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{format_age(now - at, 1)} ago" if seconds > 0 else f"in {format_age(at - now, 1)}"


def format_count(count: int) -> str:
    """Write a whole number with its thousands apart."""
    return f"{count:,}".replace(",", NARROW_SPACE)


def format_estimate(count: int) -> str:
    """Write an estimated number with as many digits as mean something."""
    for size, unit in ((10**9, "billion"), (10**6, "million")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return format_count(count)


def format_bytes(size: float) -> str:
    """Write a size in the largest unit it fills, in powers of 1000."""
    for unit in _SIZES[:-1]:
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_SIZES[-1]}"
