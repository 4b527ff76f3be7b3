"""State timeline: which state held when, one lane of coloured bars a subject."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.charts.axes import LegendEntry, draw_legend, draw_time_axis, fit_frame
from core.charts.scale import FIRST_TIME, LAST_TIME, Scale, find_range, read_time, read_window, widen_times
from core.charts.svg import (
    LEVEL_COLOURS,
    SERIES_COLOURS,
    Level,
    Markup,
    check_level,
    check_size,
    draw,
    draw_document,
    draw_empty,
    draw_text,
    draw_tooltip,
    measure_text,
    shorten,
)

LANE_HEIGHT, BAR_HEIGHT = 28, 20
MOST_LANES = 40
STATE_LEVELS: Mapping[str, Level] = {
    "NORMAL": "ok",
    "WARNING": "warning",
    "CRITICAL": "critical",
    "EMERGENCY": "emergency",
    "FAILURE": "failure",
    "RECOVERY": "notice",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A state and the time it held, to the timeline's end where ``end`` is None; a lane is one subject."""

    start: datetime | float
    end: datetime | float | None
    state: str
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval in pixels."""

    left: float
    right: float
    state: str
    words: str


def state_timeline(
    intervals: Sequence[Interval],
    *,
    width: float = 720,
    time_range: tuple[datetime | float, datetime | float] | None = None,
    levels: Mapping[str, Level] | None = None,
    title: str = "States",
) -> Markup:
    """Draw intervals as bars coloured by state over UTC time, with a legend.

    A bar is at least a pixel wide, and rarer states lie on top, so that a brief one is not lost.

    Args:
        levels: states drawn in the colour of a level; those of the monitor when None.

    Raises:
        ValueError: an interval ends before it starts, or has no finite start.
    """
    check_size(width=width)
    spans = [read_interval(interval) for interval in intervals]
    window = read_window(time_range) or find_range([[t for span in spans for t in span if t < math.inf]])
    lanes = list(dict.fromkeys(interval.lane for interval in intervals))
    if window is None or not intervals:
        return draw_empty("timeline", width, 3 * LANE_HEIGHT, title)
    shown, rest = lanes[:MOST_LANES], max(0, len(lanes) - MOST_LANES)
    looks = choose_looks(intervals, STATE_LEVELS if levels is None else levels)
    entries = [LegendEntry(class_, colour, state) for state, (class_, colour) in looks.items()]
    _, legend_height = draw_legend(entries, 8, 0, width - 16)
    bottom = 6.0 + (len(shown) + (1 if rest else 0)) * LANE_HEIGHT
    height = bottom + 26 + legend_height
    left = max(28.0, min(max(measure_text(lane) for lane in shown), width / 4) + 16)
    frame = fit_frame(left, 6, width - 28, bottom)
    x = Scale(*widen_times(*window), frame.left, frame.right)
    parts = draw_time_axis(frame, x, width)
    bars = place_bars(intervals, spans, x)
    for index, lane in enumerate(shown):
        top = frame.top + index * LANE_HEIGHT + (LANE_HEIGHT - BAR_HEIGHT) / 2
        label = shorten(lane, frame.left - 12)
        parts.append(draw_text(label, frame.left - 8, top + 14, anchor="end", full=lane))
        parts.append(frame.clip(*(draw_bar(bar, top, looks[bar.state]) for bar in bars[lane])))
    if rest:
        parts.append(draw_text(f"and {rest} more", frame.left, bottom - 8))
    parts += draw_legend(entries, 8, height - 2, width - 16)[0]
    text = f"{len(intervals)} intervals in {len(lanes)} lanes; states: {', '.join(looks)}."
    return draw_document("timeline", width, height, title, text, parts)


def read_interval(interval: Interval) -> tuple[float, float]:
    """Read the ends of an interval in POSIX seconds, infinity where it is open."""
    start = read_time("interval start", interval.start)
    end = math.inf if interval.end is None else read_time("interval end", interval.end)
    if not (math.isfinite(start) and end >= start):
        raise ValueError(f"interval {interval.state!r}: must start at a finite time and end after it")
    return start, end


def choose_looks(intervals: Sequence[Interval], levels: Mapping[str, Level]) -> dict[str, tuple[str, str]]:
    """Choose class and colour of each state: its level's, or the next series colour."""
    looks: dict[str, tuple[str, str]] = {}
    plain = 0
    for interval in intervals:
        if interval.state in looks:
            continue
        if interval.state in levels:
            level = check_level(levels[interval.state])
            looks[interval.state] = (level, LEVEL_COLOURS[level])
        else:
            looks[interval.state] = (f"s{plain % 8 + 1}", SERIES_COLOURS[plain % 8])
            plain += 1
    return looks


def place_bars(intervals: Sequence[Interval], spans: Sequence[tuple[float, float]], x: Scale) -> dict[str, list[Bar]]:
    """Place the visible intervals of each lane, long ones and common states first, none twice."""
    held: dict[str, float] = {}
    lanes: dict[str, dict[tuple[float, float, str], Bar]] = {interval.lane: {} for interval in intervals}
    starts = x.locate([start for start, _ in spans])
    ends = x.locate([min(end, x.high) for _, end in spans])
    for interval, span, left, right in zip(intervals, spans, starts.tolist(), ends.tolist(), strict=True):
        held[interval.state] = held.get(interval.state, 0.0) + max(right - left, 0.0)
        if span[0] <= x.high and span[1] >= x.low:
            first = round(max(left, x.start))
            key = (first, max(round(min(right, x.end)), first + 1), interval.state)
            if key not in lanes[interval.lane]:
                lanes[interval.lane][key] = Bar(*key, describe_interval(interval.state, *span))
    return {
        lane: sorted(bars.values(), key=lambda bar: (bar.left - bar.right, -held[bar.state]))
        for lane, bars in lanes.items()
    }


def describe_interval(state: str, start: float, end: float) -> str:
    """Say which state held from when to when, in UTC."""
    words = [
        datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S") if FIRST_TIME < time < LAST_TIME else "…"
        for time in (start, end)
    ]
    return f"{state}: {words[0]} to {words[1]} UTC"


def draw_bar(bar: Bar, top: float, look: tuple[str, str]) -> Markup:
    """Draw one bar."""
    box = {"x": bar.left, "y": top, "width": bar.right - bar.left, "height": BAR_HEIGHT}
    return draw("rect", *draw_tooltip(bar.words), class_=f"state {look[0]}", fill=look[1], **box)
