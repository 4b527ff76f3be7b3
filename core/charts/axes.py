"""The parts several charts share: the plot's frame, its axes with grid lines, and the legend."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.charts.scale import Scale, Tick, format_span, list_ticks, list_time_ticks, round_step
from core.charts.svg import FONT_SIZE, Markup, draw, draw_text, measure_text, shorten

GRID, AXIS = "#e3e6ea", "#b9c0c9"
LINE_HEIGHT = 16
MOST_LEGEND_ROWS = 3
SHORTEST_ENTRY, LONGEST_ENTRY = 80.0, 220.0
ENTRY_PADDING = 32.0  # swatch before a label, space after it
LAST_WORDS = 80.0  # room for "and n more"


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of a plot inside its picture, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """The frame's width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """The frame's height in pixels."""
        return self.bottom - self.top

    def clip(self, *children: Markup) -> Markup:
        """Cut children off at the frame, a pixel outside so that a line on its edge keeps its width."""
        left, top, width, height = self.left - 1, self.top - 1, self.width + 2, self.height + 2
        box = f"{left:.7g} {top:.7g} {width:.7g} {height:.7g}"
        return draw(
            "svg",
            *children,
            class_="plot",
            x=left,
            y=top,
            width=width,
            height=height,
            viewBox=box,
            overflow="hidden",
        )


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A legend's line: the class and colour of the swatch, and the words beside it."""

    class_: str
    colour: str
    label: str


def fit_frame(left: float, top: float, right: float, bottom: float) -> Frame:
    """Make a frame of whole pixels, at least one wide and high however little room its labels leave."""
    left, top = math.ceil(left), round(top)
    return Frame(left, top, max(math.floor(right), left + 1), max(round(bottom), top + 1))


def count_ticks(pixels: float, spacing: float = 30) -> int:
    """Count the steps of a value axis whose labels stand ``spacing`` pixels apart or more."""
    return max(2, int(pixels / spacing))


def list_axis_ticks(low: float, high: float, pixels: float, spacing: float = 30) -> list[Tick]:
    """List the ticks of a value axis so many pixels long."""
    return list_ticks(low, high, round_step(low, high, count_ticks(pixels, spacing)))


def measure_labels(ticks: Iterable[Tick]) -> float:
    """Measure the widest label of an axis in pixels."""
    return max((measure_text(label) for _, label in ticks), default=0.0)


def draw_value_axis(frame: Frame, scale: Scale, ticks: Sequence[Tick]) -> list[Markup]:
    """Draw horizontal grid lines with their labels to the left of the frame."""
    parts = []
    for value, label in ticks:
        y = scale.locate_one(value)
        parts.append(draw("line", class_="grid", x1=frame.left, x2=frame.right, y1=y, y2=y, stroke=GRID))
        parts.append(draw_text(label, frame.left - 6, y + FONT_SIZE * 0.35, anchor="end"))
    return parts


def draw_level_axis(frame: Frame, scale: Scale, ticks: Sequence[Tick], width: float) -> list[Markup]:
    """Draw the labels of a value axis below the frame, inside a picture of the given width."""
    parts = [
        draw(
            "line",
            class_="axis",
            x1=frame.left,
            x2=frame.right,
            y1=frame.bottom,
            y2=frame.bottom,
            stroke=AXIS,
        )
    ]
    drawn_to = 0.0
    for value, label in ticks:
        x, half = scale.locate_one(value), measure_text(label) / 2
        middle = max(half, min(x, width - half))
        parts.append(draw("line", class_="axis", x1=x, x2=x, y1=frame.bottom, y2=frame.bottom + 4, stroke=AXIS))
        if middle - half >= drawn_to:
            parts.append(draw_text(label, middle, frame.bottom + 16, anchor="middle"))
            drawn_to = middle + half + 4
    return parts


def draw_time_axis(frame: Frame, scale: Scale, width: float) -> list[Markup]:
    """Draw vertical grid lines with UTC times below the frame."""
    count = max(2, int(frame.width / (110 if scale.high - scale.low < 10 else 64)))
    ticks = list_time_ticks(scale.low, scale.high, count)
    grid = []
    for time, _ in ticks:
        x = scale.locate_one(time)
        grid.append(draw("line", class_="grid", x1=x, x2=x, y1=frame.top, y2=frame.bottom, stroke=GRID))
    return grid + draw_level_axis(frame, scale, ticks, width)


def draw_heading(label: str, scale: Scale, frame: Frame, width: float) -> list[Markup]:
    """Draw what the values are above the plot, and the UTC days of the time axis where both fit."""
    days = format_span(scale.low, scale.high)
    room = width - 16
    parts = [draw_text(shorten(label, room), 8, 14, class_="heading", full=label)] if label else []
    if measure_text(label) + measure_text(days) + 16 <= room:
        parts.append(draw_text(days, frame.right, 14, anchor="end"))
    return parts


def draw_legend(entries: Sequence[LegendEntry], left: float, bottom: float, width: float) -> tuple[list[Markup], float]:
    """Draw swatches with labels in at most three rows, and say how many more there are.

    Returns:
        The elements, and the height they take above ``bottom`` in pixels.
    """
    labels = shorten_entries(entries, width)
    spots, rest = place_entries(labels, width)
    rows = spots[-1][1] + 1 if spots else 0
    top = bottom - rows * LINE_HEIGHT
    parts = []
    for entry, label, (x, row) in zip(entries, labels, spots, strict=False):
        y = top + row * LINE_HEIGHT + 8
        swatch = {"class_": f"swatch {entry.class_}", "fill": entry.colour}
        parts.append(draw("rect", x=left + x, y=y - 2, width=12, height=4, rx=2, **swatch))
        parts.append(draw_text(label, left + x + 18, y + 4, full=entry.label))
    if rest:
        parts.append(draw_text(f"and {rest} more", left + width, bottom - 4, anchor="end"))
    return parts, rows * LINE_HEIGHT


def shorten_entries(entries: Sequence[LegendEntry], width: float) -> list[str]:
    """Shorten the labels of a legend so that as many as can be read fit its rows."""
    columns = max(1, math.ceil(len(entries) / MOST_LEGEND_ROWS))
    share = (width - LAST_WORDS) / columns - ENTRY_PADDING
    longest = min(LONGEST_ENTRY, max(SHORTEST_ENTRY, share), width - 18)
    return [shorten(entry.label, longest) for entry in entries]


def place_entries(labels: Sequence[str], width: float) -> tuple[list[tuple[float, int]], int]:
    """Find the x and the row of the labels that fit a legend, and count those that do not."""
    spots: list[tuple[float, int]] = []
    x, row = 0.0, 0
    for index, label in enumerate(labels):
        advance = measure_text(label) + ENTRY_PADDING
        last_row = row == MOST_LEGEND_ROWS - 1
        needed = advance + (LAST_WORDS if last_row and index + 1 < len(labels) else -14)
        if x > 0 and x + needed > width:
            if last_row:
                return spots, len(labels) - index
            x, row = 0.0, row + 1
        spots.append((x, row))
        x += advance
    return spots, 0
