"""Phase wheel: oscillators on the unit circle with their mean field."""

import cmath
import math

import numpy as np

from core.charts.axes import AXIS, GRID
from core.charts.colour import format_colours, map_phases
from core.charts.scale import Floats, Row, format_value, read_floats
from core.charts.svg import Markup, check_size, draw, draw_document, draw_empty, draw_text

MOST_DOTS = 360
DOT_RADIUS = 4.5
SECTORS = 120
COMPASS = ((0.0, "0"), (0.5, "π/2"), (1.0, "π"), (1.5, "−π/2"))
INK = "#24292f"


def phase_wheel(
    phases: Row, order_parameter: complex | None = None, *, size: float = 240, title: str = "Phases"
) -> Markup:
    """Draw phases as dots on the unit circle and the order parameter as an arrow from its centre.

    Args:
        phases: rad, (n,); those that are not finite are left out; above 360, those of one
            of 120 sectors share a dot whose area is their number.
        order_parameter: z = r exp(i psi); a real number is r alone, along the mean phase; None computes z.
    """
    check_size(size=size)
    angles = read_floats("phases", phases)
    angles = angles[np.isfinite(angles)]
    height = size + 22
    if angles.size == 0:
        return draw_empty("wheel", size, height, title)
    z = resolve_order_parameter(angles, order_parameter)
    centre, radius = size / 2, max(size / 2 - 26, 1.0)
    caption = f"r = {abs(z):.3f}\N{EM SPACE}ψ = {cmath.phase(z):.2f} rad".replace("-", "−")
    children = [
        draw("circle", class_="ring", cx=centre, cy=centre, r=radius, fill="none", stroke=AXIS),
        draw("line", class_="grid", x1=centre - radius, x2=centre + radius, y1=centre, y2=centre, stroke=GRID),
        draw("line", class_="grid", x1=centre, x2=centre, y1=centre - radius, y2=centre + radius, stroke=GRID),
        *draw_compass(centre, radius),
        *draw_dots(angles, centre, radius),
        draw_arrow(z, centre, radius),
        draw_text(caption, centre, height - 6, anchor="middle", class_="value"),
    ]
    mean = f"order parameter r {format_value(abs(z))}, mean phase {cmath.phase(z):.3f} rad"
    text = f"{angles.size} phases; {mean}."
    return draw_document("wheel", size, height, title, text, children)


def resolve_order_parameter(angles: Floats, given: complex | None) -> complex:
    """Take the order parameter given, its direction from the phases where it is only a length."""
    mean = complex(np.exp(1j * angles).mean())
    if given is None:
        return mean
    if not cmath.isfinite(given):
        raise ValueError(f"order_parameter: must be finite, got {given}")
    if np.iscomplexobj(given):
        return complex(given)
    return cmath.rect(given.real, cmath.phase(mean))


def draw_compass(centre: float, radius: float) -> list[Markup]:
    """Name the four directions outside the ring."""
    parts = []
    for half_turns, label in COMPASS:
        x = centre + (radius + 15) * math.cos(half_turns * math.pi)
        y = centre - (radius + 15) * math.sin(half_turns * math.pi)
        parts.append(draw_text(label, x, y + 4, anchor="middle"))
    return parts


def draw_dots(angles: Floats, centre: float, radius: float) -> list[Markup]:
    """Draw one dot a phase, or for many phases one dot a sector."""
    sizes = np.full(angles.size, DOT_RADIUS)
    if angles.size > MOST_DOTS:
        step = 2 * np.pi / SECTORS
        sectors, counts = np.unique(np.rint(np.mod(angles, 2 * np.pi) / step) % SECTORS, return_counts=True)
        angles, sizes = sectors * step, DOT_RADIUS * np.sqrt(counts / counts.max())
    x, y = centre + radius * np.cos(angles), centre - radius * np.sin(angles)
    return [
        draw("circle", class_="node", cx=cx, cy=cy, r=dot, fill=colour)
        for cx, cy, colour, dot in zip(x, y, format_colours(map_phases(angles)), sizes, strict=True)
    ]


def draw_arrow(z: complex, centre: float, radius: float) -> Markup:
    """Draw the mean field from the centre, a dot where it is too short for a head."""
    length = min(abs(z), 1.0) * radius
    if length < 8:
        return draw("circle", class_="arrow", cx=centre, cy=centre, r=3, fill=INK)
    ahead = cmath.rect(1.0, -cmath.phase(z))
    tip, neck, side = ahead * length, ahead * (length - 8), ahead * 1j
    corners = (side, neck + side, neck + 4 * side, tip, neck - 4 * side, neck - side, -side)
    points = " ".join(f"{centre + corner.real:.1f},{centre + corner.imag:.1f}" for corner in corners)
    return draw("polygon", class_="arrow", points=points, fill=INK)
