"""`/api/v1/series/latest/`: the newest sample of each series, rolled up or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from accounts.choices import Role
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory
from tests.factories.validation import MetricSeriesFactory
from validation.models import MetricLatest, MetricSeries
from validation.services.rollups import refresh_rollups

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 5, tzinfo=UTC)
URL = "/api/v1/series/latest/"
TRUTH = """
    SELECT series_id, recorded_at, value FROM (
        SELECT *, row_number() OVER (PARTITION BY series_id ORDER BY recorded_at DESC, value DESC) AS place
        FROM metric_samples WHERE run_id = %s) s
    WHERE place = 1 ORDER BY series_id
"""


def insert(series: MetricSeries, *samples: tuple[float, float]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO metric_samples VALUES (%s, %s, %s, %s)",
            [(series.run_id, series.pk, AT + timedelta(seconds=at), value) for at, value in samples],
        )


def read(client: APIClient, run_id: int, **query: Any) -> list[tuple[int, datetime, float]]:
    answer = client.get(URL, {"run": run_id, **query})
    assert answer.status_code == 200, answer.content
    return [(row["id"], datetime.fromisoformat(row["t"]), row["value"]) for row in answer.json()["results"]]


def read_truth(run_id: int) -> list[tuple[int, datetime, float]]:
    with connection.cursor() as cursor:
        cursor.execute(TRUTH, [run_id])
        return cursor.fetchall()


def test_the_newest_of_each_series_whenever_it_is_rolled_up(admin_api: APIClient) -> None:
    run = RunFactory()
    first, second, _ = (MetricSeriesFactory(run=run, metric_name=name) for name in ("r", "ha", "empty"))
    steps: list[Any] = [
        lambda: insert(first, (0, 1.0), (59.5, 2.0), (61, 3.0)),
        refresh_rollups,
        lambda: insert(second, (0.5, -1.0), (0.5, -2.0)),
        lambda: insert(first, (60.5, 9.0), (-86_400, 4.0)),
        refresh_rollups,
        lambda: insert(first, (61, 7.0)),
        lambda: insert(first, (61, 5.0)),
        lambda: insert(second, (7200, 0.0)),
        refresh_rollups,
    ]
    for step in steps:
        step()
        assert read(admin_api, run.pk) == read_truth(run.pk)
    assert MetricLatest.objects.filter(run=run).count() == 2
    assert read(admin_api, run.pk)[0] == (first.pk, AT + timedelta(seconds=61), 7.0)


def test_it_is_narrowed_and_paged(admin_api: APIClient) -> None:
    run = RunFactory()
    made = [MetricSeriesFactory(run=run, metric_name="r", component=f"c{number}") for number in range(5)]
    for series in made:
        insert(series, (series.pk, 1.0))
    assert [row[0] for row in read(admin_api, run.pk, component="c3")] == [made[3].pk]
    assert read(admin_api, run.pk, metric="ha") == []
    pages, address = [], f"{URL}?run={run.pk}&limit=2"
    while address:
        page = admin_api.get(address).json()
        pages.append([row["id"] for row in page["results"]])
        address = page["next"]
    assert pages == [[made[0].pk, made[1].pk], [made[2].pk, made[3].pk], [made[4].pk]]


def test_a_row_says_what_was_measured(admin_api: APIClient) -> None:
    series = MetricSeriesFactory(metric_name="r", component="c", metric_unit="1", tags={"host": "a"})
    insert(series, (0, 0.5))
    assert admin_api.get(URL, {"run": series.run_id}).json() == {
        "next": None,
        "results": [
            {
                "id": series.pk,
                "metric": "r",
                "component": "c",
                "unit": "1",
                "tags": {"host": "a"},
                "t": "2026-01-05T00:00:00Z",
                "value": 0.5,
            }
        ],
    }


def test_who_does_not_see_the_run_sees_nothing_of_it(api: APIClient) -> None:
    series = MetricSeriesFactory()
    insert(series, (0, 0.5))
    call_command("loaddata", "roles", verbosity=0)
    user = UserFactory(role=Role.USER)
    api.force_authenticate(user)
    assert read(api, series.run_id) == []
    refresh_rollups()
    assert read(api, series.run_id) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "run"), ({"run": "x"}, "run"), ({"run": 1, "limit": 0}, "limit"), ({"run": 1, "cursor": -1}, "cursor")],
)
def test_bad_queries_name_what_is_wrong(admin_api: APIClient, query: dict[str, Any], field: str) -> None:
    answer = admin_api.get(URL, query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
