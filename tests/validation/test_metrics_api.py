"""Metrics as programs read them: bounded in time, every sample once, however one pages."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.models import Run
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory
from tests.factories.validation import MetricSeriesFactory
from validation.services import record_metrics

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics/"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def record(run: Run, times: list[datetime], name: str = "loss", component: str = "esc", **columns: Any) -> None:
    count = len(times)
    batch = {"units": ["1"] * count, "tags": [{"node": 1}] * count, "values": [float(n) for n in range(count)]}
    record_metrics(
        run_id=run.pk, names=[name] * count, components=[component] * count, times=times, **(batch | columns)
    )


def read_all(client: Any, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(URL, query)
    rows = []
    while True:
        assert answer.status_code == 200, answer.data
        rows += answer.data["results"]
        assert len(rows) < 1000, "the pages go round in a circle"
        if answer.data["next"] is None:
            return rows
        assert len(answer.data["results"]) == query["limit"]
        answer = client.get(answer.data["next"])


def test_a_sample_comes_with_its_series(admin_api: Any) -> None:
    run = RunFactory()
    record(run, [AT])
    answer = admin_api.get(URL, {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"})
    (row,) = json.loads(answer.content)["results"]
    assert row.pop("series") > 0
    assert row == {
        "run": run.pk,
        "metric_name": "loss",
        "metric_value": 0.0,
        "metric_unit": "1",
        "component": "esc",
        "tags": {"node": 1},
        "recorded_at": "2026-01-01T00:00:00Z",
    }


def test_without_times_the_last_24_hours_are_listed(admin_api: Any) -> None:
    now = timezone.now()
    record(RunFactory(), [now - timedelta(hours=hours) for hours in (1, 23, 25)])
    assert [row["metric_value"] for row in admin_api.get(URL).data["results"]] == [0.0, 1.0]
    longer = admin_api.get(URL, {"since": (now - timedelta(hours=26)).isoformat()})
    assert [row["metric_value"] for row in longer.data["results"]] == [0.0, 1.0, 2.0]
    earlier = admin_api.get(URL, {"until": (now - timedelta(hours=24)).isoformat()})
    assert [row["metric_value"] for row in earlier.data["results"]] == [2.0]


def test_until_is_exclusive_and_since_is_inclusive(admin_api: Any) -> None:
    record(RunFactory(), [AT, AT + timedelta(seconds=1)])
    window = {"since": AT.isoformat(), "until": (AT + timedelta(seconds=1)).isoformat()}
    assert [row["metric_value"] for row in admin_api.get(URL, window).data["results"]] == [0.0]


def test_filters(admin_api: Any) -> None:
    first, second = RunFactory(), RunFactory()
    record(first, [AT], "a", "x")
    record(first, [AT], "b", "x")
    record(second, [AT], "a", "y")
    window = {"since": "2026-01-01T00:00:00Z"}
    for query, count in [
        ({"run": first.pk}, 2),
        ({"metric_name": "a"}, 2),
        ({"component": "y"}, 1),
        ({"run": first.pk, "metric_name": "a", "component": "x"}, 1),
        ({"run": 2**62}, 0),
    ]:
        assert len(admin_api.get(URL, window | query).data["results"]) == count, query


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_hold_every_sample_once_even_of_one_moment(admin_api: Any, limit: int) -> None:
    run = RunFactory()
    spread = [AT + timedelta(seconds=10.0**power) for power in range(5) for _ in range(3)]
    for name in ("a", "b"):
        record(run, spread, name)
    record(run, [AT] * 5, "c", values=[2.0] * 5)
    rows = read_all(admin_api, since=AT.isoformat(), until="2026-01-03T00:00:00Z", limit=limit)
    assert len(rows) == 35
    keys = [(row["recorded_at"], -row["series"]) for row in rows]
    assert keys == sorted(keys, reverse=True)
    for name in ("a", "b"):
        assert sorted(row["metric_value"] for row in rows if row["metric_name"] == name) == list(range(15))
    assert [row["metric_value"] for row in rows if row["metric_name"] == "c"] == [2.0] * 5


def test_queries_do_not_grow_with_samples(admin_api: Any, django_assert_num_queries: Any) -> None:
    run = RunFactory()
    window = {"since": AT.isoformat(), "until": "2026-01-02T00:00:00Z"}
    for count in (3, 90):
        record(run, [AT + timedelta(seconds=second) for second in range(count)], f"metric_{count}")
        with django_assert_num_queries(3 + 4):  # savepoint; 4 ever longer stretches of time, the series
            admin_api.get(URL, window)


def test_reading_needs_to_be_signed_in_and_allowed(api: Any) -> None:
    assert api.get(URL).status_code == 401
    user = UserFactory()
    user.groups.clear()
    api.force_authenticate(user)
    assert api.get(URL).status_code == 403


def cursor_of(*content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("run", "x"),
        ("run", "0"),
        ("run", str(2**63)),
        ("run", "9" * 5000),
        ("run", "1.5"),
        ("run", "NaN"),
        ("since", "yesterday"),
        ("since", "2026-02-30T00:00:00Z"),
        ("since", "0001-01-01T00:00:00Z"),
        ("since", "9999-12-31T23:59:59-12:00"),
        ("until", "0000-01-01T00:00:00Z"),
        ("until", "1899-12-31T23:59:59Z"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "many"),
        ("cursor", "x"),
        ("cursor", ""),
        ("cursor", "null"),
        ("cursor", "äöü"),
        ("cursor", cursor_of("2026-01-01T00:00:00+00:00", 1)),
        ("cursor", cursor_of("2026-01-01T00:00:00", 1, 1)),
        ("cursor", cursor_of("0001-01-01T00:00:00+14:00", 1, 1)),
        ("cursor", cursor_of("2026-01-01T00:00:00+00:00", True, 1)),
        ("cursor", cursor_of("2026-01-01T00:00:00+00:00", 1, -1)),
        ("cursor", cursor_of("2026-01-01T00:00:00+00:00", 2**63, 1)),
        ("cursor", cursor_of(None, None, None)),
        ("cursor", cursor_of("9" * 100, 1, 1)),
        ("cursor", base64.urlsafe_b64encode(b"[" * 5000).decode()),
        ("colour", "red"),
    ],
)
def test_bad_parameters_are_named(admin_api: Any, parameter: str, value: str) -> None:
    answer = admin_api.get(URL, {parameter: value})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.data["errors"]] == [parameter]


def test_a_parameter_given_twice_is_refused(admin_api: Any) -> None:
    answer = admin_api.get(f"{URL}?run=1&run=2")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.data["errors"]] == ["run"]


def test_a_nul_in_the_query_is_refused(admin_api: Any) -> None:
    assert admin_api.get(f"{URL}?metric_name=%00").status_code == 400


def test_numbers_beyond_the_page_are_a_position_without_rows(admin_api: Any) -> None:
    record(RunFactory(), [AT])
    answer = admin_api.get(URL, {"cursor": cursor_of(AT.isoformat(), 1, 2**40), "since": AT.isoformat()})
    assert (answer.status_code, answer.data["results"]) == (200, [])


def test_series(admin_api: Any, django_assert_num_queries: Any) -> None:
    series = MetricSeriesFactory(metric_name="loss", tags={"node": 3})
    MetricSeriesFactory.create_batch(3)
    with django_assert_num_queries(3):
        assert len(admin_api.get(f"{URL}series/").data["results"]) == 4
    (row,) = admin_api.get(f"{URL}series/", {"metric_name": "loss", "run": series.run_id}).data["results"]
    assert row == {
        "id": series.pk,
        "run": series.run_id,
        "metric_name": "loss",
        "component": "test",
        "metric_unit": None,
        "tags": {"node": 3},
    }
    assert admin_api.get(f"{URL}series/{series.pk}/").data == row
    assert admin_api.get(f"{URL}series/{2**40}/").status_code == 404
    assert admin_api.get(f"{URL}series/", {"run": "x"}).data["errors"][0]["field"] == "run"
    first_page = admin_api.get(f"{URL}series/", {"limit": 3}).data
    assert len(admin_api.get(first_page["next"]).data["results"]) == 1
