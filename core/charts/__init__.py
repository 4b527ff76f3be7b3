"""Charts drawn on the server as SVG, and pictures of fields as PNG; numpy only, no style and no script.

The page links ``core/charts.css``; without it the pictures keep the colours of their attributes.
"""

from core.charts.bars import bar_chart, histogram
from core.charts.graph import graph_chart
from core.charts.heat import heat_map
from core.charts.image import encode_png, field_image, movie_strip
from core.charts.line import Band, Threshold, line_chart
from core.charts.samples import Series
from core.charts.spark import sparkline
from core.charts.svg import Level, Markup
from core.charts.timeline import Interval, state_timeline
from core.charts.wheel import phase_wheel

__all__ = [
    "Band",
    "Interval",
    "Level",
    "Markup",
    "Series",
    "Threshold",
    "bar_chart",
    "encode_png",
    "field_image",
    "graph_chart",
    "heat_map",
    "histogram",
    "line_chart",
    "movie_strip",
    "phase_wheel",
    "sparkline",
    "state_timeline",
]
