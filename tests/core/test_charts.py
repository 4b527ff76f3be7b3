"""The SVG charts: what is drawn stands where the linear scale puts it, and nothing breaks the page."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.charts import (
    Band,
    Interval,
    Series,
    Threshold,
    bar_chart,
    graph_chart,
    heat_map,
    histogram,
    line_chart,
    phase_wheel,
    sparkline,
    state_timeline,
)
from tests.core.svg_reading import SVG, find_all, numbers, parse, path_points, texts, value_pixels

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
T0 = START.timestamp()
HOSTILE = '<script>alert(\'1\')</script> & "x" \x00 \ud800 style="a"'

DRAWN: dict[str, Callable[[], str]] = {
    "line": lambda: line_chart(
        [Series(HOSTILE, [T0, T0 + 1, T0 + 2], [1, math.nan, 2]), Series("b", [T0], [3])],
        y_label=HOSTILE,
        thresholds=[Threshold(1.5, HOSTILE, "critical"), Threshold(1.51, "near")],
        bands=[Band(1, 2, label=HOSTILE), Band(start=START, level="idle")],
    ),
    "line of nothing": lambda: line_chart([]),
    "line of gaps": lambda: line_chart([Series("a", [T0, T0 + 1], [math.nan, math.inf])]),
    "line of one": lambda: line_chart([Series("a", [T0], [0])], width=16, height=16),
    "sparkline": lambda: sparkline([1, 2, None, 4], title=HOSTILE),
    "sparkline of nothing": lambda: sparkline([]),
    "wheel": lambda: phase_wheel([0.1, 0.2, math.nan], title=HOSTILE),
    "wheel of nothing": lambda: phase_wheel([]),
    "graph": lambda: graph_chart(3, [(0, 1, 0.5), (1, 2, 2)], [0, 1, math.nan], labels=[HOSTILE, "b", "c"]),
    "graph of nothing": lambda: graph_chart([], []),
    "timeline": lambda: state_timeline([Interval(START, None, HOSTILE, HOSTILE), Interval(T0, T0 + 9, "NORMAL")]),
    "timeline of nothing": lambda: state_timeline([]),
    "timeline of nothing in a window": lambda: state_timeline([], time_range=(START, T0 + 60)),
    "heat map": lambda: heat_map(
        [[1.0, math.nan], [2.0, 3.0]], row_labels=[HOSTILE, "b"], column_labels=["c", HOSTILE]
    ),
    "heat map of nothing": lambda: heat_map([]),
    "bars": lambda: bar_chart({HOSTILE: 1, "b": -2, "c": math.nan}, levels={"b": "warning"}),
    "bars of nothing": lambda: bar_chart({}),
    "histogram": lambda: histogram([1, 2, 2, math.inf], x_label=HOSTILE),
    "histogram of nothing": lambda: histogram([math.nan]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_chart_is_a_named_image_without_style_or_script(name: str) -> None:
    svg = DRAWN[name]()
    root = parse(svg)
    assert root.tag == SVG + "svg"
    assert root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [SVG + "title", SVG + "desc"]
    assert all(child.text for child in root[:2])
    assert svg.__html__() == svg  # type: ignore[attr-defined]
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {
            "svg", "title", "desc", "text", "line", "rect", "circle", "path", "polygon"
        }  # fmt: skip
        assert not [key for key in element.attrib if key in ("style", "href", "id") or key.startswith("on")]
    width, height = numbers(root, "width", "height")
    assert root.get("viewBox") == f"0 0 {width:g} {height:g}"
    if "nothing" in name or "gaps" in name:
        assert texts(root) == ["no data yet"]
    else:
        assert "no data yet" not in texts(root)


def test_text_is_escaped_and_unprintable_characters_are_replaced() -> None:
    svg = line_chart([Series("a", [T0], [1])], y_label=HOSTILE, width=2000)
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert texts(parse(svg), "heading") == [HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")]


def test_line_stands_on_the_linear_scale() -> None:
    times, values = [T0, T0 + 600, T0 + 3600], [0.0, 0.25, 1.0]
    root = parse(line_chart([Series("r", times, values)], y_range=(0, 1)))
    to_pixel = value_pixels(root)
    (points,) = path_points(find_all(root, "path", "line")[0])
    for (_, y), value in zip(points, values, strict=True):
        assert y == pytest.approx(to_pixel(value), abs=0.11)
    labels = {t.text: float(t.attrib["x"]) for t in find_all(root, "text", "label")}
    assert points[0][0] == pytest.approx(labels["12:00"], abs=0.11)
    assert points[1][0] == pytest.approx(labels["12:10"], abs=0.11)
    assert points[2][0] == pytest.approx(labels["13:00"], abs=0.11)


def test_time_may_be_seconds_datetimes_or_datetime64_in_any_order() -> None:
    seconds = [T0, T0 + 10, T0 + 20]
    moments = [START + timedelta(seconds=10 * n) for n in range(3)]
    stamps = np.array([m.replace(tzinfo=None) for m in moments], dtype="datetime64[ms]")
    expected = line_chart([Series("a", seconds, [1, 2, 3])])
    assert line_chart([Series("a", moments, [1, 2, 3])]) == expected
    assert line_chart([Series("a", stamps, [1, 2, 3])]) == expected
    assert line_chart([Series("a", seconds[::-1], [3, 2, 1])]) == expected


def test_line_breaks_at_missing_values_and_long_steps() -> None:
    times = [T0 + n for n in (0, 1, 2, 3, 4, 5, 60, 61)]
    values = [1, 2, None, 4, math.inf, 6, 7, 8]
    root = parse(line_chart([Series("a", times, values, gap_s=30)]))
    assert [len(line) for line in path_points(find_all(root, "path", "line")[0])] == [2, 2]
    dots = path_points(find_all(root, "path", "dot")[0])
    assert len(dots) == 2, "4 and 6 stand alone"
    joined = parse(line_chart([Series("a", times, values)]))
    assert [len(line) for line in path_points(find_all(joined, "path", "line")[0])] == [2, 3]


def test_envelope_keeps_every_extreme_of_a_million_samples() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=1_000_000)
    values[123_456], values[654_321] = 50.0, -40.0
    times = T0 + np.arange(values.size) / 10
    root = parse(line_chart([Series("a", times, values)], width=600, y_range=(-50, 50)))
    to_pixel = value_pixels(root)
    (points,) = path_points(find_all(root, "path", "line")[0])
    assert len(points) <= 2 * 600
    heights = np.array([y for _, y in points])
    assert heights.min() == pytest.approx(to_pixel(50.0), abs=0.11)
    assert heights.max() == pytest.approx(to_pixel(-40.0), abs=0.11)
    left, width = numbers(find_all(root, "svg", "plot")[0], "x", "width")
    columns = np.floor(left + 1 + (times - T0) / (times[-1] - T0) * (width - 2)).astype(int)
    for x in range(50, 550):
        near = [y for px, y in points if x - 0.1 <= px <= x + 1.1]
        block = values[columns == x]
        assert min(near) <= to_pixel(block.max()) + 0.11
        assert max(near) >= to_pixel(block.min()) - 0.11


def test_envelope_leaves_wide_gaps_open() -> None:
    values = np.sin(np.arange(100_000) / 500)
    values[40_000:60_000] = np.nan
    values[10_000] = np.nan
    root = parse(line_chart([Series("a", T0 + np.arange(values.size), values)]))
    first, second = path_points(find_all(root, "path", "line")[0])
    plot = float(find_all(root, "svg", "plot")[0].attrib["width"]) - 2
    assert second[0][0] - first[-1][0] == pytest.approx(0.2 * plot, abs=2)


def test_window_cuts_the_series_and_sets_the_axis() -> None:
    times = T0 + np.arange(0, 7200, 60)
    root = parse(line_chart([Series("a", times, np.arange(120))], time_range=(T0 + 1800, T0 + 5400)))
    (points,) = path_points(find_all(root, "path", "line")[0])
    assert len(points) == 61 + 2, "the samples inside and one neighbour either side"
    plot = find_all(root, "svg", "plot")[0]
    left, width = numbers(plot, "x", "width")
    assert points[1][0] == pytest.approx(left + 1, abs=0.11)
    assert points[-2][0] == pytest.approx(left + width - 1, abs=0.11)
    brief = parse(line_chart([Series("a", times, np.arange(120))], time_range=(T0, T0 + 0.001)))
    assert "12:00:00.0002" in texts(brief, "label")
    assert "no data yet" in line_chart([Series("a", [T0], [1])], time_range=(T0 + 9, T0 + 10))


def test_thresholds_are_drawn_in_range_with_labels_apart() -> None:
    limits = [Threshold(v, f"limit {v}", "critical") for v in (0.5, 0.51, 0.52, 7.0)]
    root = parse(line_chart([Series("a", [T0, T0 + 9], [0, 1])], y_range=(0, 1), thresholds=limits))
    lines = find_all(root, "line", "threshold")
    to_pixel = value_pixels(root)
    expected = [to_pixel(value) for value in (0.52, 0.51, 0.5)]
    assert [numbers(line, "y1")[0] for line in lines] == pytest.approx(expected, abs=0.11)
    labels = find_all(root, "text", "critical")
    assert [e.text for e in labels] == ["limit 0.52", "limit 0.51", "limit 0.5"]
    heights = [numbers(e, "y")[0] for e in labels]
    assert min(np.diff(heights)) >= 12.9
    free = parse(line_chart([Series("a", [T0, T0 + 9], [0, 1])], thresholds=limits))
    assert len(find_all(free, "line", "threshold")) == 4, "without y_range the axis reaches every threshold"


def test_band_covers_its_values_and_times() -> None:
    band = Band(0.25, 0.75, START + timedelta(seconds=25), T0 + 75)
    root = parse(line_chart([Series("a", [T0, T0 + 100], [0, 1])], y_range=(0, 1), bands=[band]))
    x, y, width, height = numbers(find_all(root, "rect", "band")[0], "x", "y", "width", "height")
    plot = numbers(find_all(root, "svg", "plot")[0], "x", "width")
    assert (x - plot[0] - 1, width) == pytest.approx((0.25 * (plot[1] - 2), 0.5 * (plot[1] - 2)), abs=0.2)
    to_pixel = value_pixels(root)
    assert (y, y + height) == pytest.approx((to_pixel(0.75), to_pixel(0.25)), abs=0.2)


def test_spread_is_an_area_between_lowest_and_highest_broken_where_the_line_is() -> None:
    times, values = [T0 + 20, T0, T0 + 10, T0 + 90, T0 + 100], [4.0, 2, 3, 5, 6]
    low, high = [value - 1 for value in values], [value + 1 for value in values]
    root = parse(line_chart([Series("a", times, values, gap_s=30, spread=(low, high))]))
    (area,) = find_all(root, "path", "area")
    first, second = path_points(area)
    to_pixel = value_pixels(root)
    assert [y for _, y in first] == pytest.approx([to_pixel(value) for value in (3, 4, 5, 3, 2, 1)], abs=0.1)
    assert [y for _, y in second] == pytest.approx([to_pixel(value) for value in (6, 7, 5, 4)], abs=0.1)
    assert [x for x, _ in first[:3]] == [x for x, _ in first[:2:-1]], "the way back passes the same times"
    holes = parse(line_chart([Series("a", [T0, T0 + 1], [1, 2], spread=([0, math.nan], [2, math.nan]))]))
    assert not find_all(holes, "path", "area"), "one known end is no area"


def test_legend_stays_inside_and_counts_what_it_leaves_out() -> None:
    series = [Series(f"a series with a name of its own {n}", [T0], [n]) for n in range(40)]
    root = parse(line_chart(series, width=500))
    swatches = find_all(root, "rect", "swatch")
    assert f"and {40 - len(swatches)} more" in texts(root)
    assert all(numbers(e, "x")[0] < 500 for e in swatches)
    assert len({numbers(e, "y")[0] for e in swatches}) == 3
    assert not find_all(parse(line_chart(series[:1])), "rect", "swatch"), "one series needs no legend"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: line_chart([Series("r", [T0], [1, 2])]), "series 'r': 1 times but 2 values"),
        (lambda: line_chart([Series("r", [START.replace(tzinfo=None)], [1])]), "series 'r' times: .* no time zone"),
        (lambda: line_chart([Series("r", [T0], ["x"])]), "series 'r' values: must be real numbers"),
        (lambda: line_chart([Series("r", [T0], [1], spread=([0], [1, 2]))]), "series 'r': 1 values but a spread"),
        (lambda: line_chart([Series("r", [T0], [1])], y_range=(1, 0)), "y_range: "),
        (lambda: line_chart([Series("r", [T0], [1])], time_range=(T0, T0)), "time_range: "),
        (lambda: line_chart([], width=0), "width: must be 16 to 10000"),
        (lambda: line_chart([Series("r", [T0], [1])], thresholds=[Threshold(1, level="x")]), "level: 'x'"),  # type: ignore[arg-type]
        (lambda: phase_wheel([0.0], complex(math.nan, 0)), "order_parameter: "),
        (lambda: phase_wheel([[0.0]]), "phases: must be one row"),
        (lambda: graph_chart(2, [(0, 2)]), "edges: node 2 does not exist among 2"),
        (lambda: graph_chart(2, [(0, 0.5)]), "edges: node 0.5"),
        (lambda: graph_chart(2, [(0, 1)], [1.0]), "values: 1 for 2 nodes"),
        (lambda: graph_chart(2, [(0, 1)], labels=["a"]), "labels: 1 for 2 nodes"),
        (lambda: graph_chart([[1.0]], []), "nodes: must be"),
        (lambda: graph_chart(-1, []), "nodes: must not be negative"),
        (lambda: heat_map([1.0, 2.0]), "matrix: must have two dimensions"),
        (lambda: heat_map([[1.0]], row_labels=["a", "b"]), "row_labels: 2 for 1"),
        (lambda: histogram([1.0], bins=0), "bins: must be 1 to 200"),
        (lambda: state_timeline([Interval(T0, T0 - 1, "a")]), "interval 'a': "),
    ],
)
def test_bad_input_names_the_field(call: Callable[[], str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
