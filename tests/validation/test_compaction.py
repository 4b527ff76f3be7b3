"""Compacted days: every reader answers what it answered before, late samples included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection, connections
from rest_framework.test import APIClient

from core.management.base import FindingsError
from core.models import AuditEntry, Run
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory
from tests.factories.validation import MetricSeriesFactory
from validation.downsampling import WIDTHS, read_points, read_samples
from validation.models import Metric, MetricDay, MetricPoint, MetricSample, SystemMetric
from validation.selectors import list_series_buckets
from validation.services.compaction import CompactedDay, compact_samples
from validation.services.rollups import refresh_rollups

pytestmark = [pytest.mark.django_db, pytest.mark.owner]

AT = datetime(2024, 5, 14, 22, tzinfo=UTC)
END = AT + timedelta(hours=40)
NOW = datetime(2024, 6, 3, tzinfo=UTC)
COLUMNS = ("t", "min", "max", "mean", "count", "value")
PARTITION = "metric_samples_y2024m05"


@pytest.fixture(autouse=True)
def _one_connection(db: None) -> Iterator[None]:
    """What the command does as the owner happens in the test's transaction."""
    mirrored = connections["owner"]
    connections["owner"] = connection
    yield
    connections["owner"] = mirrored


@pytest.fixture
def run() -> Run:
    """A run of two series over three days, of which one has two samples at one time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT create_monthly_partition('metric_samples', '2024-05-01')")
    run: Run = RunFactory(started_at=AT)
    for number, name in enumerate(("r", "ha")):
        made = MetricSeriesFactory(run=run, metric_name=name, component=f"c{number}")
        insert(made, *((600.1 * i, (-1) ** i * 0.37 * i) for i in range(200)), (600.1, -7.0))
    insert(run.metric_series.first(), (125.0, -0.0), (245.000001, 1e-308))
    return run


def insert(series: Any, *samples: tuple[float, float]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO metric_samples VALUES (%s, %s, %s, %s)",
            [(series.run_id, series.pk, AT + timedelta(seconds=at), str(value)) for at, value in samples],
        )


def compact(**options: Any) -> list[CompactedDay]:
    return compact_samples(**{"now": NOW, "older_than": timedelta(0), "using": "default", **options})


def read_series(run: Run, metric_name: str, points: int, width: int) -> str:
    """The points of a metric, from the rollups of one width or, with 0, from the samples."""
    return show(
        read_points(
            run_id=run.pk, metric_name=metric_name, since=AT, until=END, points=points, exact_width=width
        ).series
    )


def show(series: list[dict[str, Any]]) -> str:
    """Series by column in words, which arrays cannot be compared without."""
    return repr([{name: list(at) if name in COLUMNS else at for name, at in one.items()} for one in series])


def read_everything(client: APIClient, run: Run) -> dict[str, Any]:
    """What every reader of samples says about a run."""
    span = {"since": AT.isoformat(), "until": END.isoformat(), "run": run.pk}
    listed, address = [], f"/api/v1/metrics/?{urlencode({'limit': 7, **span})}"
    while address:
        page = client.get(address).json()
        listed += page["results"]
        address = page["next"]
    exports = {
        name: b"".join(client.get("/api/v1/metrics/export/", {"format": "csv", **asked}).streaming_content)
        for name, asked in {"run": {"run": run.pk}, "span": span, "metric": {**span, "metric_name": "ha"}}.items()
    }
    points_of = {0: 2400, 60: 2400, 3600: 20, 86_400: 1}
    points = {
        (name, width): read_series(run, name, points_of[width], width) for name in ("r", "ha") for width in points_of
    }
    samples = [show(read_samples(run_id=run.pk, metric_name=name, since=AT, until=END).series) for name in ("r", "ha")]
    charts = [list_series_buckets(series, since=AT, until=END, n=33) for series in run.metric_series.all()]
    latest = client.get("/api/v1/series/latest/", {"run": run.pk}).json()
    seeds = sorted(map(repr, SystemMetric.objects.filter(run=run).values_list()))
    others = sorted(map(repr, Metric.objects.filter(labels__run=run.pk).values_list()))
    assert len(listed) > 400
    assert len(seeds) == len(others) == len(exports["run"].splitlines()) - 2
    return {
        "listed": listed,
        "exports": exports,
        "points": points,
        "samples": samples,
        "charts": charts,
        "latest": latest,
        "seeds": seeds,
        "others": others,
    }


def test_every_reader_says_what_it_said_before(admin_api: APIClient, run: Run) -> None:
    refresh_rollups()
    before = read_everything(admin_api, run)
    moved = compact()
    assert [(day.day[:10], day.rows, day.series, day.problem) for day in moved] == [
        ("2024-05-14", 28, 2, ""),
        ("2024-05-15", 288, 2, ""),
        ("2024-05-16", 88, 2, ""),
    ]
    assert not MetricSample.objects.filter(run=run).exists()
    assert read_everything(admin_api, run) == before
    assert compact() == []


def test_late_samples_of_compacted_days(admin_api: APIClient, run: Run) -> None:
    first, second = run.metric_series.order_by("id")
    refresh_rollups()
    compact()
    insert(first, (30.0, 99.0), (60_000.0, -99.0), (60_001.0, 5.0))
    insert(second, (600.1 * 199, 1e6), (86_400 * 1.5, 0.25))
    late = read_everything(admin_api, run)
    for name in ("r", "ha"):
        whole = [read_series(run, name, 1, width) for width in (0, *WIDTHS)]
        assert whole == [whole[0]] * 4
        assert late["points"][name, 60] == late["points"][name, 0]
    refresh_rollups()
    assert read_everything(admin_api, run) == late
    moved = compact()
    assert [(day.day[:10], day.rows, day.series) for day in moved] == [
        ("2024-05-14", 1, 1),
        ("2024-05-15", 2, 1),
        ("2024-05-16", 2, 1),
    ]
    assert read_everything(admin_api, run) == late


def test_samples_that_are_not_rolled_up_when_they_are_compacted(admin_api: APIClient, run: Run) -> None:
    before = read_everything(admin_api, run)
    compact()
    assert read_everything(admin_api, run) == before
    refresh_rollups()
    assert read_everything(admin_api, run) == before


def test_a_day_holds_the_same_numbers_in_the_order_of_time(run: Run) -> None:
    before = list(
        MetricSample.objects.order_by("series_id", "recorded_at", "value").values_list("recorded_at", "value")
    )
    compact()
    days = MetricDay.objects.filter(run=run).order_by("series_id", "day")
    assert {day.day.hour for day in days} == {0}
    pairs = [pair for day in days for pair in zip(day.times, day.samples, strict=True)]
    assert [(at, str(value)) for at, value in pairs] == [(at, str(value)) for at, value in before]
    assert "-0.0" in {str(value) for _, value in pairs}
    assert sum(day.n for day in days) == len(pairs)


def test_open_partitions_and_young_days_stay(run: Run) -> None:
    assert compact(now=datetime(2024, 6, 1, 5, 59, tzinfo=UTC)) == []
    assert [day.day[:10] for day in compact(older_than=NOW - AT)] == []
    assert [day.day[:10] for day in compact(older_than=NOW - AT - timedelta(hours=3))] == ["2024-05-14"]
    assert MetricSample.objects.filter(run=run).count() == 376


def test_a_move_is_an_audit_entry(run: Run) -> None:
    compact()
    entries = AuditEntry.objects.filter(row_key=PARTITION).order_by("pk")
    payloads = [json.loads(bytes(entry.payload)) for entry in entries]
    assert [payload["event"] for payload in payloads] == ["samples.compacted"] * 3
    details = payloads[1]["details"]
    assert (details["rows"], details["series"]) == (288, 2)
    assert details["before"] == details["after"]
    assert details["before"].startswith("(288,")


def test_a_wrong_move_is_taken_back(run: Run) -> None:
    refresh_rollups()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.samples[2] := NEW.samples[2] + 1; RETURN NEW; END $$;"
            "CREATE TRIGGER spoil BEFORE INSERT ON metric_days FOR EACH ROW WHEN (extract(day FROM NEW.day) = 15)"
            " EXECUTE FUNCTION pg_temp.spoil()"
        )
    moved = compact()
    assert [(day.rows, "digest became" in day.problem) for day in moved] == [(28, False), (0, True), (88, False)]
    assert MetricSample.objects.filter(run=run).count() == 288
    assert MetricPoint.objects.filter(run=run).count() == 404


def test_a_series_with_too_many_samples_stays(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.services.compaction.MOST_SAMPLES_OF_A_DAY", 100)
    assert ["too many" in day.problem for day in compact()] == [False, True, False]
    assert MetricSample.objects.filter(run=run).count() == 288


def test_whoever_sees_the_run_sees_its_points(run: Run, acting: Any) -> None:
    owner, stranger = UserFactory(), UserFactory()
    Run.objects.filter(pk=run.pk).update(owner=owner)
    compact()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE nfcs_app")
    for user, n in ((owner, 404), (stranger, 0), (None, 0)):
        with acting(user):
            assert MetricPoint.objects.count() == SystemMetric.objects.count() == n
            assert MetricDay.objects.count() == (6 if n else 0)


def test_the_command(run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("samples", "compact", "--dry-run", "--json")
    would = json.loads(capsys.readouterr().out)
    assert next((day["day"], day["rows"]) for day in would) == ("2024-05-14T00:00:00+00:00", 28)
    assert not MetricDay.objects.exists()
    monkeypatch.setattr("validation.services.compaction.MOST_SAMPLES_OF_A_DAY", 100)
    with pytest.raises(FindingsError, match="Not compacted: 2024-05-15"):
        call_command("samples", "compact", "--older-than-days", "0")
    assert capsys.readouterr().out.splitlines()[0] == "2024-05-14  28 samples moved"
    monkeypatch.undo()
    call_command("samples", "compact")
    call_command("samples", "compact")
    assert capsys.readouterr().out.splitlines() == ["2024-05-15  288 samples moved", "every closed day is compacted"]
