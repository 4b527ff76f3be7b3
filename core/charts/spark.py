"""Sparkline: a row of values as a line the height of a word."""

import numpy as np

from core.charts.samples import Samples, describe_samples, draw_samples, draw_stroke
from core.charts.scale import Row, Scale, find_range, read_floats, read_range, widen
from core.charts.svg import Markup, check_size, draw_document, draw_empty, trace_path

MARGIN = 3


def sparkline(
    values: Row,
    *,
    width: float = 120,
    height: float = 28,
    y_range: tuple[float, float] | None = None,
    title: str = "",
) -> Markup:
    """Draw evenly spaced values without axes, a dot on the last; gaps where a value is not finite."""
    check_size(width=width, height=height)
    row = read_floats("values", values)
    name = title or "Sparkline"
    found = find_range([row])
    if found is None:
        return draw_empty("spark", width, height, name)
    x = Scale(min(0.0, row.size - 2.0), row.size - 1.0, MARGIN, width - MARGIN)
    low, high = widen(*(read_range("y_range", y_range) if y_range else found))
    y = Scale(low, high, height - MARGIN, MARGIN)
    samples = Samples(title or "values", np.arange(row.size, dtype=np.float64), row, np.inf, np.zeros((0, row.size)))
    last = int(np.flatnonzero(np.isfinite(row))[-1])
    end = trace_path(x.locate(samples.times[last : last + 1]), y.locate(row[last : last + 1]))
    children = [*draw_samples(samples, 0, x, y, baseline=height), draw_stroke("dot", [end], 0, 5.0)]
    return draw_document("spark", width, height, name, describe_samples(samples), children)
