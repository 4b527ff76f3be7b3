"""SVG markup: escaped elements, the document every chart is, and the panel of a chart without data.

Charts are drawn under a Content-Security-Policy without inline style: presentation attributes carry what a
picture needs to be read alone, and the classes of ``core/charts.css`` carry the colours of the theme.
"""

import re
from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np

from core.charts.scale import Floats

Level = Literal["ok", "notice", "warning", "critical", "emergency", "failure", "idle"]

FONT_SIZE = 11
SERIES_COLOURS = ("#2f6fd0", "#bd6a00", "#1f8a5f", "#b3439a", "#6f55c4", "#0b8299", "#c5443c", "#74791f")
LEVEL_COLOURS: dict[Level, str] = {
    "ok": "#22956a",
    "notice": "#2f6fd0",
    "warning": "#c97a00",
    "critical": "#cf3b33",
    "emergency": "#9b2fae",
    "failure": "#24292f",
    "idle": "#6a727d",
}

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


class Markup(str):
    """Well-formed, escaped markup; a template that knows ``__html__`` inserts it as it is."""

    __slots__ = ()

    def __html__(self) -> "Markup":
        return self  # still marked: what escapes twice, as Django's admin does, lets it pass twice


def escape(text: object) -> Markup:
    """Escape text for an element or attribute; characters XML cannot carry become U+FFFD."""
    clean = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(text))
    return Markup("".join(_ESCAPES.get(character, character) for character in clean))


def format_pixels(position: float) -> str:
    """Print a coordinate to a tenth of a pixel."""
    return f"{round(float(position), 1) + 0.0:.7g}"


def draw(name: str, *children: Markup, **attributes: str | float | None) -> Markup:
    """Build one element; ``stroke_width`` means ``stroke-width``, ``class_`` ``class``; None is left out."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            shown = escape(value) if isinstance(value, str) else format_pixels(value)
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{shown}"')
    opening = " ".join(parts)
    return Markup(f"<{opening}>{''.join(children)}</{name}>") if children else Markup(f"<{opening}/>")


def draw_text(
    content: str, x: float, y: float, *, anchor: str | None = None, class_: str = "label", full: str = ""
) -> Markup:
    """Draw a line of text on the baseline ``y``, with ``full`` as its tooltip where it was shortened."""
    tooltip = draw_tooltip(full if full != content else "")
    return draw("text", escape(content), *tooltip, class_=class_, x=x, y=y, text_anchor=anchor, fill="#59626e")


def draw_tooltip(text: str) -> list[Markup]:
    """Give an element the words shown while the pointer rests on it, none for an empty text."""
    return [draw("title", escape(text))] if text else []


def draw_document(
    kind: str, width: float, height: float, title: str, description: str, children: Iterable[Markup]
) -> Markup:
    """Wrap drawn children as one picture with a name and a description for screen readers."""
    return draw(
        "svg",
        draw("title", escape(title)),
        draw("desc", escape(description)),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"nfcs-chart nfcs-{kind}",
        role="img",
        viewBox=f"0 0 {format_pixels(width)} {format_pixels(height)}",
        width=width,
        height=height,
        font_family="system-ui, sans-serif",
        font_size=FONT_SIZE,
    )


def draw_empty(kind: str, width: float, height: float, title: str, message: str = "no data yet") -> Markup:
    """Draw the panel that stands where a chart has nothing to show."""
    frame = draw(
        "rect",
        class_="empty",
        x=0.5,
        y=0.5,
        width=width - 1,
        height=height - 1,
        rx=3,
        fill="none",
        stroke="#c9ced6",
    )
    fitting = shorten(message, width - 8)
    text = draw_text(fitting, width / 2, height / 2 + 4, anchor="middle", full=message)
    return draw_document(kind, width, height, title, message, [frame, text])


def measure_text(text: str) -> float:
    """Estimate the width of a text in pixels, on the wide side for the sans-serif faces browsers use."""
    return sum(0.38 if character in " .,:;'|!ijlt-\u202f" else 0.64 for character in text) * FONT_SIZE


def shorten(text: str, width: float) -> str:
    """Cut a text with an ellipsis to at most ``width`` pixels."""
    if measure_text(text) <= width + 0.01:
        return text
    kept = ""
    for character in text:
        if measure_text(kept + character + "…") > width:
            break
        kept += character
    return kept + "…"


def trace_path(x: Floats, y: Floats) -> str:
    """Write the path data of a line through pixel positions; of a single one, a line of no length."""
    points = [f"{a + 0.0:.7g},{b + 0.0:.7g}" for a, b in zip(np.round(x, 1), np.round(y, 1), strict=True)]
    return f"M{points[0]}h0" if len(points) == 1 else "M" + " ".join(points)


def check_size(**sizes: float) -> None:
    """Refuse a picture size outside 16 to 10 000 pixels.

    Raises:
        ValueError: names the size at fault.
    """
    for name, size in sizes.items():
        if not 16 <= size <= 10_000:
            raise ValueError(f"{name}: must be 16 to 10000 pixels, got {size}")


def check_level(level: Level) -> Level:
    """Refuse a level the stylesheet has no colour for.

    Raises:
        ValueError: names the level and the known ones.
    """
    if level not in LEVEL_COLOURS:
        raise ValueError(f"level: {level!r} is none of {', '.join(get_args(Level))}")
    return level
