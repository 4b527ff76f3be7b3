"""Scales and ticks: from values and UTC times to pixels, and to the round numbers beside an axis."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Tick = tuple[float, str]
Row = ArrayLike | Sequence[float | None]

LARGEST = 8e307  # a round range beyond this would overflow float64
SMALLEST = 1e-305  # a step below this would lose its digits
OFF_PLOT = 100.0  # plot sizes by which a position may leave the plot
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_TIME, LAST_TIME = -62135596800.0, 253370764800.0  # the years datetime knows, 0001 to 9998
SHORTEST_SPAN_S = 5e-4
MINUTE, HOUR, DAY = 60, 3600, 86400
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
                *(HOUR * n for n in (1, 2, 3, 6, 12)), DAY, 2 * DAY, 7 * DAY, 14 * DAY)  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONDAY_S = 4 * DAY  # the epoch was a Thursday
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear map of ``[low, high]`` onto the pixels ``[start, end]``."""

    low: float
    high: float
    start: float
    end: float

    def locate(self, values: ArrayLike) -> Floats:
        """Map values to pixels, at most 100 plot sizes off the plot; NaN stays NaN."""
        halved = 0.5 if max(abs(self.low), abs(self.high)) > LARGEST / 2 else 1.0
        low, high = self.low * halved, self.high * halved
        with np.errstate(over="ignore"):
            fraction = (np.asarray(values, dtype=np.float64) * halved - low) / (high - low)
        return self.start + np.clip(fraction, -OFF_PLOT, OFF_PLOT + 1) * (self.end - self.start)

    def locate_one(self, value: float) -> float:
        """Map one value to its pixel."""
        return float(self.locate(value))


def read_floats(name: str, values: Row) -> Floats:
    """Read a row of numbers; None becomes NaN.

    Raises:
        ValueError: the values are not one row of real numbers.
    """
    try:
        row = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: must be real numbers ({error})") from error
    if row.ndim != 1:
        raise ValueError(f"{name}: must be one row of numbers, got shape {row.shape}")
    return row


def read_times(name: str, times: ArrayLike | Sequence[datetime]) -> Floats:
    """Read times as POSIX seconds from seconds, datetime64 (UTC) or aware datetimes.

    Raises:
        ValueError: the times are not one row, or a datetime has no time zone.
    """
    row = np.asarray(times)
    if row.dtype.kind == "M":
        return (row - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    if row.dtype == object and any(isinstance(time, datetime) for time in row.flat):
        return read_floats(name, [read_time(name, time) for time in row.flat])
    return read_floats(name, times)  # type: ignore[arg-type]


def read_time(name: str, time: datetime | float | None) -> float:
    """Read one time as POSIX seconds; None becomes NaN."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ValueError(f"{name}: {time.isoformat()} has no time zone")
        return (time - EPOCH) / timedelta(seconds=1)
    return math.nan if time is None else float(time)


def read_range(name: str, limits: tuple[float, float]) -> tuple[float, float]:
    """Check the two ends of an axis given by the caller.

    Raises:
        ValueError: an end is not finite, or the first is not below the second.
    """
    low, high = (float(limit) for limit in limits)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{name}: must be two finite numbers, the lower first, got {limits!r}")
    return low, high


def read_window(limits: tuple[datetime | float, datetime | float] | None) -> tuple[float, float] | None:
    """Read the two ends of a time axis as POSIX seconds, where the caller gave them."""
    if limits is None:
        return None
    return read_range("time_range", (read_time("time_range", limits[0]), read_time("time_range", limits[1])))


def find_range(rows: Iterable[ArrayLike]) -> tuple[float, float] | None:
    """Find the lowest and highest finite value of several rows, None without any."""
    low, high = math.inf, -math.inf
    for row in rows:
        values = np.asarray(row, dtype=np.float64)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else None


def widen(low: float, high: float) -> tuple[float, float]:
    """Open an interval too narrow to draw by a tenth of its value either side, by one around zero."""
    low, high = max(low, -LARGEST), min(high, LARGEST)
    low, high = min(low, LARGEST), max(high, -LARGEST)
    magnitude = max(abs(low), abs(high))
    if high - low > max(1e-12 * magnitude, SMALLEST):
        return low, high
    margin = magnitude / 10 if magnitude > SMALLEST * 10 else 1.0
    return low - margin, high + margin


def widen_times(low: float, high: float) -> tuple[float, float]:
    """Open a time axis too short for a clock to a minute around it."""
    if max(-low, high) > LAST_TIME:
        return widen(low, high)
    return (low, high) if high - low >= SHORTEST_SPAN_S else (low - MINUTE / 2, high + MINUTE / 2)


def round_step(low: float, high: float, count: int) -> float:
    """Find the 1, 2 or 5 times a power of ten that cuts the interval into at most ``count`` steps."""
    least = (high / count - low / count) * (1 - 1e-9)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= least)


def round_range(low: float, high: float, step: float) -> tuple[float, float]:
    """Extend an interval to multiples of a step."""
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def list_multiples(low: float, high: float, step: float, offset: float = 0.0) -> list[float]:
    """List the multiples of a step inside the interval, its ends included."""
    first, last = math.ceil((low - offset) / step - 1e-9), math.floor((high - offset) / step + 1e-9)
    return [offset + index * step for index in range(first, last + 1)]


def list_ticks(low: float, high: float, step: float) -> list[Tick]:
    """List multiples of a round step with their labels; beyond 1e-4 to 1e7 all share one power of ten."""
    values = list_multiples(low, high, step)
    largest = max(abs(value) for value in values) if values else 0.0
    exponent = math.floor(math.log10(largest) + 1e-9) if largest else 0
    digit = math.floor(math.log10(step) + 1e-9)
    if -4 <= exponent <= 6:
        return [(value, tidy(f"{value:,.{max(0, -digit)}f}")) for value in values]
    power, decimals = 10.0**exponent, max(0, exponent - digit)
    suffix = f"×10{str(exponent).translate(_SUPERSCRIPTS)}"
    return [(value, tidy(f"{value / power:.{decimals}f}") + suffix if value else "0") for value in values]


def format_value(value: float) -> str:
    """Print a value with four significant digits."""
    if not math.isfinite(value):
        return "no value"
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    if not exponent:
        return tidy(mantissa)
    return f"{tidy(mantissa)}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def tidy(number: str) -> str:
    """Set a printed number with a true minus sign and narrow spaces, and without a negative zero."""
    if number.startswith("-") and not number.strip("-0.,"):
        number = number[1:]
    return number.replace("-", "\N{MINUS SIGN}").replace(",", "\N{NARROW NO-BREAK SPACE}")


def list_time_ticks(low: float, high: float, count: int) -> list[Tick]:
    """List round UTC times with their labels; a tick on midnight shows the day."""
    if low < FIRST_TIME or high > LAST_TIME:
        return [(time, f"{label} s") for time, label in list_ticks(low, high, round_step(low, high, count))]
    least = (high - low) / count
    if least > 14 * DAY:
        return list_calendar_ticks(low, high, count)
    step = round_step(low, high, count) if least < 1 else next(s for s in TIME_STEPS_S if s >= least * (1 - 1e-9))
    times = list_multiples(low, high, step, MONDAY_S if step >= 7 * DAY else 0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return [(time, format_clock(time, step, decimals)) for time in times]


def format_clock(time: float, step: float, decimals: int) -> str:
    """Print a time of day, or its day where it is midnight."""
    moment = EPOCH + timedelta(microseconds=round(time * 1e6))
    if moment.time() == EPOCH.time():
        return f"{moment.day} {MONTHS[moment.month - 1]}"
    if step >= MINUTE:
        return f"{moment:%H:%M}"
    return f"{moment:%H:%M:%S.%f}"[: 9 + decimals] if decimals else f"{moment:%H:%M:%S}"


def list_calendar_ticks(low: float, high: float, count: int) -> list[Tick]:
    """List first days of months or years, at most ``count`` steps apart."""
    start = EPOCH + timedelta(seconds=low)
    months = (high - low) / (30.4 * DAY) / count
    stride = next((n for n in (1, 2, 3, 6, 12) if n >= months), 0)
    stride = stride or 12 * int(round_step(0.0, max(1.0, (high - low) / (365.2 * DAY)), count))
    ticks = []
    for month in range(start.year * 12 // stride * stride, 9998 * 12, stride):
        year, index = divmod(month, 12)
        time = (datetime(max(year, 1), index + 1, 1, tzinfo=UTC) - EPOCH).total_seconds()
        if time > high:
            break
        if time >= low:
            ticks.append((time, f"{year:04d}" if stride >= 12 else f"{MONTHS[index]} {year:04d}"))
    return ticks


def format_span(low: float, high: float) -> str:
    """Print the UTC days a time axis covers."""
    if low < FIRST_TIME or high > LAST_TIME:
        return "seconds"
    days = [(EPOCH + timedelta(seconds=time)).date().isoformat() for time in (low, high)]
    return f"{days[0]} UTC" if days[0] == days[1] else f"{days[0]} to {days[1]} UTC"


def spread(positions: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Push ascending positions ``distance`` pixels apart, inside ``[low, high]`` as far as they fit."""
    placed: list[float] = []
    for position in positions:
        placed.append(max(position, low, placed[-1] + distance if placed else low))
    for index in range(len(placed) - 1, -1, -1):
        ceiling = placed[index + 1] - distance if index + 1 < len(placed) else high
        placed[index] = min(placed[index], ceiling)
    return placed
