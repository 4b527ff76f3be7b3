"""The SVG charts besides the line: wheel, network, timeline, heat map, bars; and all of them on any float."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.charts import (
    Interval,
    Series,
    bar_chart,
    graph_chart,
    heat_map,
    histogram,
    line_chart,
    phase_wheel,
    sparkline,
    state_timeline,
)
from core.charts.colour import format_colours, map_levels, map_phases
from core.charts.layout import place_nodes, project_nodes
from core.charts.scale import format_value, list_ticks, list_time_ticks, round_step, spread
from tests.core.svg_reading import find_all, numbers, parse, path_points, texts

DAY = 86400.0
T0 = 1_767_268_800.0  # 2026-01-01 12:00 UTC
ANY_FLOATS = st.lists(st.floats(width=64), max_size=40)


@pytest.mark.parametrize(
    ("low", "high", "count", "labels"),
    [
        (0, 1, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.3, 0.3, 4, ["−0.2", "0.0", "0.2"]),
        (0, 250_000, 5, ["0", "50 000", "100 000", "150 000", "200 000", "250 000"]),
        (0, 3e-7, 3, ["0", "1×10⁻⁷", "2×10⁻⁷", "3×10⁻⁷"]),
        (9.5e299, 1.05e300, 2, ["0.95×10³⁰⁰", "1.00×10³⁰⁰", "1.05×10³⁰⁰"]),
    ],
)
def test_value_ticks_are_round(low: float, high: float, count: int, labels: list[str]) -> None:
    ticks = list_ticks(low, high, round_step(low, high, count))
    assert [label.replace("\N{NARROW NO-BREAK SPACE}", " ") for _, label in ticks] == labels


@pytest.mark.parametrize(
    ("low", "high", "count", "labels"),
    [
        (T0, T0 + 0.02, 2, ["12:00:00.00", "12:00:00.01", "12:00:00.02"]),
        (T0, T0 + 20, 4, ["12:00:00", "12:00:05", "12:00:10", "12:00:15", "12:00:20"]),
        (T0, T0 + 86400, 4, ["12:00", "18:00", "2 Jan", "06:00", "12:00"]),
        (T0, T0 + 28 * DAY, 4, ["5 Jan", "12 Jan", "19 Jan", "26 Jan"]),
        (T0, T0 + 200 * DAY, 4, ["Mar 2026", "May 2026", "Jul 2026"]),
        (T0, T0 + 4000 * DAY, 6, ["2028", "2030", "2032", "2034", "2036"]),
        (-1e15, 1e15, 2, ["−1×10¹⁵ s", "0 s", "1×10¹⁵ s"]),
    ],
)
def test_time_ticks_are_round_in_utc(low: float, high: float, count: int, labels: list[str]) -> None:
    ticks = list_time_ticks(low, high, count)
    assert [label for _, label in ticks] == labels
    assert all(low <= time <= high for time, _ in ticks)


def test_month_tick_is_the_first_instant_of_the_month() -> None:
    ticks = {label: time for time, label in list_time_ticks(T0, T0 + 200 * DAY, 4)}
    assert ticks["Mar 2026"] == 1_772_323_200.0


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.12345, "0.1235"), (-2.0, "−2"), (1e300, "1×10³⁰⁰"), (-0.0, "0"), (math.nan, "no value")],
)
def test_values_print_with_four_digits(value: float, printed: str) -> None:
    assert format_value(value) == printed


def test_labels_are_spread_apart_and_kept_inside() -> None:
    assert spread([0, 1, 50], 10, 0, 100) == [0, 10, 50]
    assert spread([95, 96, 97], 10, 0, 100) == [80, 90, 100]


def test_wheel_dots_and_arrow_stand_at_their_angles() -> None:
    phases = [0.0, np.pi / 2, np.pi, -np.pi / 4]
    root = parse(phase_wheel(phases, 0.5 * np.exp(1j * np.pi / 2), size=200))
    x, y, radius = numbers(find_all(root, "circle", "ring")[0], "cx", "cy", "r")
    dots = [numbers(e, "cx", "cy") for e in find_all(root, "circle", "node")]
    expected = [[x + radius * np.cos(p), y - radius * np.sin(p)] for p in phases]
    assert np.allclose(dots, expected, atol=0.06)
    tip = find_all(root, "polygon", "arrow")[0].attrib["points"].split()[3]
    assert tip == f"{x:.1f},{y - radius / 2:.1f}"
    assert texts(root, "value") == ["r = 0.500\N{EM SPACE}ψ = 1.57 rad"]


def test_wheel_computes_or_completes_the_order_parameter() -> None:
    phases = np.random.default_rng(2).normal(1.0, 0.5, 64)
    z = np.exp(1j * phases).mean()
    computed = phase_wheel(phases)
    assert computed == phase_wheel(phases, complex(z)) == phase_wheel(phases, float(abs(z)))
    assert phase_wheel([0.0], np.complex64(0.5j)) == phase_wheel([0.0], 0.5j)  # type: ignore[arg-type]
    assert f"r = {abs(z):.3f}\N{EM SPACE}ψ = {np.angle(z):.2f} rad" in computed


def test_wheel_of_a_million_phases_shows_their_density() -> None:
    phases = np.random.default_rng(2).normal(0.0, 0.4, 1_000_000)
    root = parse(phase_wheel(phases, size=240))
    dots = find_all(root, "circle", "node")
    assert len(dots) <= 120
    largest = max(dots, key=lambda dot: float(dot.attrib["r"]))
    assert numbers(largest, "cx") == pytest.approx([240 / 2 + 94], abs=1)


def test_graph_edges_join_their_nodes_in_the_phase_colours() -> None:
    phases = [0.0, 1.0, np.nan]
    chart = graph_chart([[0, 0], [4, 0], [4, 2]], [(0, 1), (1, 2)], phases, labels=["a", "b", "c"])
    root = parse(chart)
    nodes = find_all(root, "circle", "node")
    places = [tuple(numbers(node, "cx", "cy")) for node in nodes]
    assert path_points(find_all(root, "path", "edge")[0]) == [places[:2], places[1:]]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert (y0, x1, y1 - y2) == pytest.approx((y1, x2, (x1 - x0) / 2), abs=0.11), "one scale, y upwards"
    assert [node.attrib["fill"] for node in nodes] == [*format_colours(map_phases([0.0, 1.0])), "#808080"]
    assert [title.text for title in find_all(root, "title")[1:]] == [
        "a: 0 rad",
        "b: 1 rad",
        "c: no phase",
    ]


def test_graph_draws_heavier_edges_darker() -> None:
    edges = [(0, j, float(j)) for j in range(1, 9)]
    paths = find_all(parse(graph_chart(9, edges)), "path", "edge")
    assert [len(path_points(path)) for path in paths] == [2, 2, 2, 2]
    shades = [float(path.attrib["stroke-opacity"]) for path in paths]
    assert shades == sorted(set(shades))


def test_graph_of_a_large_network_stays_small() -> None:
    rng = np.random.default_rng(0)
    nodes, edges = rng.random((100_000, 2)), rng.integers(0, 100_000, (300_000, 2))
    root = parse(graph_chart(nodes, edges))
    assert len(find_all(root, "circle", "node")) == 2000
    assert sum(len(path_points(path)) for path in find_all(root, "path", "edge")) == 6000
    assert root[1].text == "100000 nodes, 300000 edges."


def test_electrodes_keep_their_distance_from_the_top() -> None:
    angles = np.linspace(0, np.pi * 0.6, 7)
    sphere = 0.095 * np.stack([np.sin(angles), np.zeros(7), np.cos(angles)], axis=1)
    assert np.allclose(project_nodes(sphere), np.stack([angles, np.zeros(7)], axis=1))
    scattered = np.random.default_rng(1).random((20, 3))
    assert np.allclose(project_nodes(scattered) * np.abs(scattered).max(), scattered[:, :2])


def test_layout_without_coordinates_is_repeatable_and_apart() -> None:
    ring = np.array([(i, (i + 1) % 20) for i in range(20)])
    sprung = place_nodes(np.zeros((20, 0)), ring)
    assert np.array_equal(sprung, place_nodes(np.full((20, 3), np.nan), ring))
    distances = np.linalg.norm(sprung[:, None] - sprung, axis=2)
    joined = distances[ring[:, 0], ring[:, 1]]
    assert distances[np.triu_indices(20, 1)].min() > 0.3 * joined.mean()
    assert joined.max() < 0.5 * distances.max(), "neighbours are drawn as neighbours"
    circle = place_nodes(np.zeros((500, 0)), ring)
    assert np.allclose(np.linalg.norm(circle, axis=1), 1.0)


def test_timeline_bars_cover_their_times() -> None:
    intervals = [Interval(T0, T0 + 50, "synced", "a"), Interval(T0 + 50, None, "desynced", "a")]
    root = parse(state_timeline(intervals, width=600, time_range=(T0, T0 + 200)))
    plot = find_all(root, "svg", "plot")[0]
    left, width = (a + b for a, b in zip(numbers(plot, "x", "width"), (1, -2), strict=True))
    bars = {bar.attrib["class"]: numbers(bar, "x", "width") for bar in find_all(root, "rect", "state")}
    assert bars["state s1"] == pytest.approx([left, width / 4], abs=1)
    assert bars["state s2"] == pytest.approx([left + width / 4, width * 3 / 4], abs=1)
    assert texts(root)[-2:] == ["synced", "desynced"]
    assert find_all(root, "title")[1].text == "desynced: 2026-01-01 12:00:50 to … UTC"


def test_timeline_shows_a_brief_rare_state_among_many() -> None:
    intervals = [Interval(T0 + n, T0 + n + 1, "NORMAL") for n in range(50_000)]
    intervals.insert(20_000, Interval(T0 + 20_000.2, T0 + 20_000.3, "EMERGENCY"))
    root = parse(state_timeline(intervals, width=600))
    bars = find_all(root, "rect", "state")
    assert len(bars) < 1200
    (alarm,) = [index for index, bar in enumerate(bars) if bar.attrib["class"] == "state emergency"]
    x, width = numbers(bars[alarm], "x", "width")
    assert width == 1
    assert not [b for b in bars[alarm + 1 :] if numbers(b, "x")[0] <= x < sum(numbers(b, "x", "width"))]


def test_heat_map_cells_have_the_colours_of_their_values() -> None:
    root = parse(heat_map([[0.0, 1.0], [0.5, math.nan]], value_range=(0, 1)))
    paths = [path for path in find_all(root, "path") if path.get("stroke")]
    lowest, middle, highest = format_colours(map_levels(np.array([0, 32, 63]) / 63))
    assert [path.attrib["stroke"] for path in paths] == [lowest, middle, highest, "#808080"]
    starts = [path.attrib["d"] for path in paths]
    assert len({start.split(",")[0] for start in starts}) == 2
    assert len({start.split(",")[1].split("H")[0] for start in starts}) == 2


def test_heat_map_of_a_large_matrix_keeps_a_single_peak() -> None:
    matrix = np.zeros((1000, 1000))
    matrix[123, 456] = 5.0
    root = parse(heat_map(matrix))
    paths = [path for path in find_all(root, "path") if path.get("stroke")]
    assert [path.attrib["d"].count("M") for path in paths] == [101, 1]
    assert paths[1].attrib["stroke"] == format_colours(map_levels([1.0]))[0]


def test_cyclic_heat_map_wraps_its_values() -> None:
    drawn = [heat_map([[phase, 0.0]], cyclic=True).split("<path")[1] for phase in (1.0, 1.0 + 2 * np.pi)]
    assert drawn[0] == drawn[1]


def test_bars_are_as_long_as_their_values() -> None:
    root = parse(bar_chart({"a": 10, "b": -5, "c": math.nan, "d": 2.5}, levels={"d": "critical"}))
    bars = find_all(root, "rect", "bar")
    lengths = [numbers(bar, "width")[0] for bar in bars]
    assert np.allclose(np.array(lengths) / lengths[0], [1, 0.5, 0, 0.25], atol=0.01)
    zero = numbers(find_all(root, "line", "axis")[0], "x1")[0]
    assert sum(numbers(bars[1], "x", "width")) == pytest.approx(zero, abs=0.11)
    assert bars[3].attrib["class"] == "bar critical"
    assert texts(root, "value") == ["10", "−5", "no value", "2.5"]


def test_bars_beyond_the_fortieth_are_counted() -> None:
    root = parse(bar_chart({f"c{n}": n for n in range(100)}))
    assert len(find_all(root, "rect", "bar")) == 40
    assert "and 60 more" in texts(root)


def test_histogram_counts_every_finite_value_once() -> None:
    values = np.append(np.random.default_rng(5).normal(size=1_000_000), [math.nan, math.inf])
    root = parse(histogram(values, bins=20))
    counts = [int((title.text or "").split()[0]) for title in find_all(root, "title")[1:]]
    assert sum(counts) == 1_000_000
    expected, _ = np.histogram(values[:-2], 20)
    assert counts == [count for count in expected.tolist() if count]
    heights = [numbers(bar, "height")[0] for bar in find_all(root, "rect", "bar")]
    assert heights[np.argmax(counts)] == max(heights)


ON_ANY_FLOATS: dict[str, Callable[[list[float]], str]] = {
    "line": lambda v: line_chart([Series("a", [T0 + n for n in range(len(v))], v)]),
    "line over any time": lambda v: line_chart([Series("a", v, list(range(len(v))))]),
    "line in a range": lambda v: line_chart([Series("a", v, v)], y_range=(-1, 1), time_range=(T0, T0 + 1)),
    "sparkline": sparkline,
    "wheel": phase_wheel,
    "graph": lambda v: graph_chart([[x, -x] for x in v], [(n, 0, x) for n, x in enumerate(v)], v),
    "solid graph": lambda v: graph_chart([[x, x / 2, 1.0] for x in v], []),
    "heat map": lambda v: heat_map([v, v[::-1]]),
    "phase map": lambda v: heat_map([v], cyclic=True),
    "bars": lambda v: bar_chart({str(n): x for n, x in enumerate(v)}),
    "histogram": histogram,
    "timeline": lambda v: state_timeline([Interval(x, None, "a") for x in v if math.isfinite(x)]),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ON_ANY_FLOATS)
@settings(max_examples=60, deadline=None)
@given(values=ANY_FLOATS)
@example(values=[1.7976931348623157e308, -1.7976931348623157e308])
@example(values=[5e-324, -5e-324, 0.0])
@example(values=[1e300, 1e-300])
@example(values=[1.0, 1.0 + 2**-52])
@example(values=[7.0] * 1500)
@example(values=[253370764800.0, -62135596800.0, 253402300799.0])
def test_any_floats_make_a_readable_chart(kind: str, values: list[float]) -> None:
    root = parse(ON_ANY_FLOATS[kind](values))
    width, height = numbers(root, "width", "height")
    for text in find_all(root, "text"):
        x, y = numbers(text, "x", "y")
        assert 0 <= x <= width
        assert 0 <= y <= height + 4
