"""Operators look at series and validation runs and change nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory
from tests.factories.validation import MetricSeriesFactory, ValidationRunFactory
from validation.models import MetricSeries
from validation.selectors import list_series_buckets
from validation.services import record_metrics

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def page(client: Any) -> Any:
    client.force_login(AdminFactory())
    return client


def record(values: list[float], **run: Any) -> MetricSeries:
    count = len(values)
    record_metrics(
        run_id=RunFactory(**run).pk,
        names=["loss"] * count,
        components=["esc"] * count,
        units=["mV"] * count,
        tags=[{}] * count,
        times=[AT + timedelta(seconds=position) for position in range(count)],
        values=values,
    )
    return MetricSeries.objects.get()


def test_a_series_shows_its_samples_as_a_line(page: Any) -> None:
    series = record([float(second % 7) for second in range(600)], ended_at=AT + timedelta(minutes=10))
    text = page.get(f"/admin/validation/metricseries/{series.pk}/change/").content.decode()
    assert "<svg" in text
    assert "core/charts.css" in text
    assert "esc.loss" in text
    assert "500 values from 0 to 6" in text


@pytest.mark.parametrize("values", [[], [1e308, -1e308], [1.7976931348623157e308] * 3, [5e-324], [1e200] * 50])
def test_values_of_any_size_are_drawn(page: Any, values: list[float]) -> None:
    series = record(values, ended_at=AT + timedelta(minutes=1)) if values else MetricSeriesFactory()
    answer = page.get(f"/admin/validation/metricseries/{series.pk}/change/")
    assert answer.status_code == 200
    assert b"<svg" in answer.content


def test_a_run_of_no_length_is_drawn(page: Any) -> None:
    series = record([1.0], ended_at=AT)
    assert page.get(f"/admin/validation/metricseries/{series.pk}/change/").status_code == 200


def test_buckets_hold_median_and_extremes() -> None:
    series = record([3.0, 1.0, 2.0, 9.0, 8.0, 7.0])
    buckets = list_series_buckets(series, since=AT, until=AT + timedelta(seconds=6), n=2)
    assert buckets == [
        {"from_at": AT, "median": 2.0, "least": 1.0, "largest": 3.0},
        {"from_at": AT + timedelta(seconds=3), "median": 8.0, "least": 7.0, "largest": 9.0},
    ]
    assert list_series_buckets(series, since=AT, until=AT + timedelta(microseconds=1), n=500)[0]["median"] == 3.0


def test_lists_cost_the_same_however_long(page: Any, django_assert_max_num_queries: Any) -> None:
    MetricSeriesFactory.create_batch(30)
    ValidationRunFactory.create_batch(30, run=RunFactory())
    for model in ("metricseries", "validationrun"):
        with django_assert_max_num_queries(12):
            answer = page.get(f"/admin/validation/{model}/", {"within": "all"} if model == "validationrun" else {})
        assert answer.status_code == 200
        assert answer.content.count(b'class="action-checkbox"') == 0
        assert len(answer.context["cl"].result_list) == 30


def test_searching_with_poison_is_no_server_error(page: Any) -> None:
    for text in ("\x00", "'", "%", "x" * 5000):
        assert page.get("/admin/validation/metricseries/", {"q": text}).status_code in (200, 302, 400)


def test_a_validation_run_names_what_failed(page: Any) -> None:
    outcome = ValidationRunFactory(
        failed_tests=["<b>rk4</b>", "bloch"], passed_tests=8, results_data={"rk4": {"order": 3.2}}
    )
    text = page.get(f"/admin/validation/validationrun/{outcome.pk}/change/").content.decode()
    assert "<li>&lt;b&gt;rk4&lt;/b&gt;</li><li>bloch</li>" in text
    assert '<meter min="0" max="1" value="0.800"></meter> 0.800' in text
    clean = ValidationRunFactory(failed_tests=[], passed_tests=10)
    assert "none" in page.get(f"/admin/validation/validationrun/{clean.pk}/change/").content.decode()
    assert (
        '<meter min="0" max="1" value="0.800">'
        in page.get("/admin/validation/validationrun/?within=all").content.decode()
    )


@pytest.mark.parametrize("model", ["metricseries", "validationrun"])
def test_nothing_is_added_changed_or_deleted(page: Any, model: str) -> None:
    row = MetricSeriesFactory() if model == "metricseries" else ValidationRunFactory()
    assert page.get(f"/admin/validation/{model}/add/").status_code == 403
    assert page.post(f"/admin/validation/{model}/{row.pk}/change/", {}).status_code == 403
    assert page.post(f"/admin/validation/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
