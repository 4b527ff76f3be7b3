"""`/api/v1/series/`: as many points as asked for, and the same from samples and rollups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from core.exceptions import InvalidInput, NotFound
from tests.factories.core import RunFactory
from tests.factories.validation import MetricSeriesFactory
from validation import downsampling
from validation.downsampling import STEPS, WIDTHS, choose_step, find_width, read_points
from validation.models import MetricRollup, MetricRollupTouch
from validation.services.rollups import refresh_rollups

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 5, tzinfo=UTC)
URL = "/api/v1/series/"


def fill(n: int, every_s: float, **series: Any) -> Any:
    made = MetricSeriesFactory(**{"metric_name": "r", "run": RunFactory(), **series})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metric_samples SELECT %s, %s, %s::timestamptz + i * make_interval(secs => %s), sin(i * 0.37)"
            " FROM generate_series(0, %s - 1) i",
            [made.run_id, made.pk, AT, every_s, n],
        )
    return made


@pytest.mark.parametrize(
    ("span", "points", "step", "width"),
    [
        (1.0, 1000, 0.001, None),
        (60.0, 500, 0.2, None),
        (3600.0, 500, 10, None),
        (86_400.0, 500, 300, 60),
        (86_400.0, 24, 3600, 3600),
        (365 * 86_400.0, 500, 86_400, 86_400),
        (365 * 86_400.0, 100, 5 * 86_400, 86_400),
        (1e12, 1, 10_000 * 86_400, 86_400),
    ],
)
def test_the_step_is_the_shortest_that_suffices(span: float, points: int, step: float, width: int | None) -> None:
    assert choose_step(span, points) == step
    assert find_width(step) == width


def test_rollups_divide_the_steps_that_are_read_from_them() -> None:
    assert all(step % width == 0 for step in STEPS if (width := find_width(step)) is not None)
    assert sorted(WIDTHS, reverse=True) == list(WIDTHS)


def plain(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Arrays as lists."""
    return [{name: getattr(value, "tolist", lambda v=value: v)() for name, value in one.items()} for one in series]


@pytest.mark.parametrize("refreshed", [True, False])
@pytest.mark.parametrize("points", [10, 40, 200, 1500])
def test_samples_and_rollups_say_the_same(points: int, refreshed: bool) -> None:
    series = fill(400, 613.7)
    if refreshed:
        assert refresh_rollups(most=100) == 400
        assert not MetricRollupTouch.objects.exists()
        assert MetricRollup.objects.filter(width_s=60).exists()
    span = {"run_id": series.run_id, "metric_name": "r", "since": AT, "until": AT + timedelta(days=3, hours=5)}
    found = read_points(**span, points=points)
    samples = read_points(**span, points=points, exact_width=0)
    assert plain(found.series) == plain(samples.series)
    assert len(found.series[0]["t"]) <= points + 1
    assert found.width_s == {10: 3600, 40: 3600, 200: 60, 1500: 60}[points]


def test_the_answer(admin_api: APIClient) -> None:
    series = fill(120, 1.0, metric_unit="1", component="kuramoto")
    other = fill(1, 1.0, run=series.run, component="other")
    answer = admin_api.get(
        URL, {"metric": "r", "run": series.run_id, "from": AT.isoformat(), "to": "2026-01-05T00:02:00Z", "points": 4}
    ).json()
    assert (answer["from"], answer["to"]) == ("2026-01-05T00:00:00Z", "2026-01-05T00:02:00Z")
    assert (answer["step_s"], answer["width_s"]) == (30.0, None)
    first, second = answer["series"]
    assert (first["id"], first["component"], first["unit"], first["tags"]) == (series.pk, "kuramoto", "1", {})
    assert first["count"] == [30] * 4
    assert first["t"][1] == "2026-01-05T00:00:30Z"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(sin(i * 0.37)), max(sin(i * 0.37)), avg(sin(i * 0.37)) FROM generate_series(0, 29) i"
        )
        least, largest, mean = cursor.fetchone()
    assert (first["min"][0], first["max"][0]) == (least, largest)
    assert first["mean"][0] == pytest.approx(mean, rel=1e-12)
    assert (second["id"], second["count"]) == (other.pk, [1])
    one = admin_api.get(URL, {"metric": "r", "run": series.run_id, "from": AT.isoformat(), "component": "other"}).json()
    assert [found["id"] for found in one["series"]] == [other.pk]


def test_every_sample_of_a_span(admin_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    series = fill(120, 0.5)
    other = fill(3, 7.25, run=series.run, component="other")
    span = {"metric": "r", "run": series.run_id, "from": AT.isoformat(), "to": "2026-01-05T00:00:30.5Z", "raw": "true"}
    answer = admin_api.get(URL, span).json()
    assert (answer["step_s"], answer["width_s"]) == (0, None)
    for found, made in zip(answer["series"], (series, other), strict=True):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT recorded_at, value FROM metric_samples WHERE series_id = %s AND recorded_at < %s ORDER BY 1",
                [made.pk, span["to"]],
            )
            times, values = zip(*cursor.fetchall(), strict=True)
        assert [datetime.fromisoformat(at) for at in found["t"]] == list(times)
        assert found["value"] == list(values)
    monkeypatch.setattr(downsampling, "MAX_SAMPLES", 63)
    refused = admin_api.get(URL, span)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "from")


def test_the_span_is_widened_to_whole_steps(admin_api: APIClient) -> None:
    series = fill(10, 1.0)
    answer = admin_api.get(
        URL,
        {
            "metric": "r",
            "run": series.run_id,
            "from": "2026-01-05T00:00:03Z",
            "to": "2026-01-05T00:00:08Z",
            "points": 1,
        },
    ).json()
    assert (answer["from"], answer["to"], answer["step_s"]) == ("2026-01-05T00:00:00Z", "2026-01-05T00:00:10Z", 5.0)
    assert answer["series"][0]["count"] == [5, 5]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"metric": ""}, "metric"),
        ({"run": "x"}, "run"),
        ({"run": 2**63}, "run"),
        ({"from": "yesterday"}, "from"),
        ({"from": "0001-01-01T00:00:00Z"}, "from"),
        ({"to": "9999-01-01T00:00:00Z"}, "to"),
        ({"to": "2026-01-01T00:00:00Z"}, "to"),
        ({"points": 0}, "points"),
        ({"points": 10_001}, "points"),
        ({"raw": "1"}, "raw"),
        ({"raw": "true", "points": 5}, "points"),
        ({"speed": 1}, "speed"),
    ],
)
def test_what_cannot_be_asked_for(admin_api: APIClient, changes: dict[str, Any], field: str) -> None:
    series = fill(1, 1.0)
    asked = {"metric": "r", "run": series.run_id, "from": "2026-01-04T00:00:00Z", "to": "2026-01-06T00:00:00Z"}
    answer = admin_api.get(URL, asked | changes)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_series_that_is_not_there_and_too_many(admin_api: APIClient) -> None:
    series = fill(1, 1.0)
    span = {"run_id": series.run_id, "since": AT, "until": AT + timedelta(days=1), "points": 10}
    with pytest.raises(NotFound, match="has no series of nothing"):
        read_points(metric_name="nothing", **span)
    for i in range(50):
        MetricSeriesFactory(run=series.run, metric_name="r", component=f"c{i}")
    with pytest.raises(InvalidInput) as error:
        read_points(metric_name="r", **span)
    assert error.value.errors[0].field == "component"
    assert len(read_points(metric_name="r", component="c3", **span).series) == 1
    answer = admin_api.get(URL, {"metric": "nothing", "run": series.run_id, "from": AT.isoformat()})
    assert answer.status_code == 404


def test_the_command_rolls_up(capsys: pytest.CaptureFixture[str]) -> None:
    fill(3, 60.0)
    call_command("telemetry", "rollup")
    call_command("telemetry", "rollup")
    assert capsys.readouterr().out.splitlines() == ["3 touched minutes rolled up", "0 touched minutes rolled up"]
