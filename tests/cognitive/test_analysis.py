"""Analyses of runs: what is known of constructed runs, whatever the way they are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from cognitive import analysis
from cognitive.analysis import analyse_run, extend_analysis, finish_analysis, follow_runs, start_analysis
from cognitive.models import ComplexityRecord, ComplexitySnapshot, ComplexitySummary
from cognitive.windows import slide_windows
from core.exceptions import Conflict, InvalidInput
from core.models import Run
from core.services.runs import end_run
from kuramoto.services import OscillatorBatch, record_oscillators
from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory
from tests.factories.kuramoto import START

pytestmark = pytest.mark.django_db

N, RATE = 16, 10
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def make_run(phases: np.ndarray, **fields: Any) -> Run:
    """A run with rows of these phases (m, n), RATE a second."""
    run = RunFactory(n_oscillators=phases.shape[1], started_at=START, **fields)
    rows = len(phases)
    batch = OscillatorBatch(
        indices=range(rows),
        timestamps=[START + timedelta(seconds=(row + 1) / RATE) for row in range(rows)],
        phases=phases,
        coupling_strength=np.full(rows, np.nan),
    )
    record_oscillators(run=run, batch=batch, defect=np.full(rows, np.nan))
    return run


def incoherent(seconds: int = 60, n: int = N) -> np.ndarray:
    return np.random.default_rng(1).uniform(-np.pi, np.pi, (seconds * RATE, n))


def snapshots(record: ComplexityRecord) -> list[ComplexitySnapshot]:
    return list(record.snapshots.order_by("ts"))


def test_a_locked_population_is_ordered_and_simple() -> None:
    rows = np.repeat(np.arange(600)[:, None] * 0.01, N, axis=1)
    (first, *_) = snapshots(analyse_run(run=make_run(rows), now=NOW))
    assert first.ts == START + timedelta(seconds=30)
    assert (first.r_mean, first.r_std) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    assert first.metastability_shanahan == pytest.approx(0, abs=1e-12)
    assert first.chimera == pytest.approx(0, abs=1e-12)
    assert first.total_correlation is None
    assert first.n_samples == 300


def test_independent_phases_are_as_complex_as_noise() -> None:
    found = snapshots(analyse_run(run=make_run(incoherent()), now=NOW))
    assert len(found) == 4
    for one in found:
        assert one.r_mean == pytest.approx(np.sqrt(np.pi / (4 * N)), rel=0.1)
        assert one.lzc_norm == pytest.approx(1.0, abs=0.1)
        assert one.total_correlation == pytest.approx(0.0, abs=0.2)


def test_a_population_half_in_step_is_a_chimera() -> None:
    rows = incoherent(40)
    rows[:, : N // 2] = 0.3
    chimera = snapshots(analyse_run(run=make_run(rows), now=NOW))[0].chimera
    even = snapshots(analyse_run(run=make_run(incoherent(40)), now=NOW))[0].chimera
    assert chimera > 1.0 > 0.3 > even


def test_the_same_seed_gives_the_same_numbers_and_pages_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(incoherent())
    measures = ("ts", "r_mean", "chimera", "lzc_norm", "total_correlation", "n_samples")
    first = list(analyse_run(run=run, now=NOW, seed=7).snapshots.order_by("ts").values_list(*measures))
    monkeypatch.setattr(analysis, "PAGE", 7)
    monkeypatch.setattr(analysis, "BATCH", 1)
    second = list(analyse_run(run=run, now=NOW, seed=7).snapshots.order_by("ts").values_list(*measures))
    other = list(analyse_run(run=run, now=NOW, seed=8).snapshots.order_by("ts").values_list(*measures))
    assert first == second
    assert [row[:3] for row in first] == [row[:3] for row in other]
    assert first != other


@pytest.mark.parametrize("cuts", [[31, 45, 60], [60], [5, 29, 30, 40, 41, 60]])
def test_an_analysis_that_follows_a_run_is_the_analysis_of_the_whole(cuts: list[int]) -> None:
    run = make_run(incoherent())
    whole = [(one.ts, one.r_mean, one.lzc_norm) for one in snapshots(analyse_run(run=run, now=NOW))]
    record = start_analysis(run=run)
    for cut in cuts:
        extend_analysis(record=record, until=START + timedelta(seconds=cut))
    assert [(one.ts, one.r_mean, one.lzc_norm) for one in snapshots(record)] == whole
    record.refresh_from_db()
    assert record.n_snapshots == len(whole)


def test_windows_hold_what_lies_in_them() -> None:
    rows = [(second / 2, [float(second)]) for second in range(1, 101)]
    found = list(slide_windows(rows, first_end_s=10, last_end_s=50, window_s=10, step_s=20))
    assert [end for end, _ in found] == [10, 30, 50]
    assert [(phases.min(), phases.max(), len(phases)) for _, phases in found] == [
        (1, 20, 20),
        (41, 60, 20),
        (81, 100, 20),
    ]


def test_one_analysis_a_run_is_open_at_a_time() -> None:
    run = make_run(incoherent(5))
    record = start_analysis(run=run)
    with pytest.raises(Conflict):
        start_analysis(run=run)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        ComplexityRecord.objects.filter(pk=record.pk).update(status="finished")
    assert error.value.__cause__.diag.constraint_name == "consciousness_records_finished_ck"
    finish_analysis(record=record, now=NOW)
    with pytest.raises(Conflict):
        extend_analysis(record=record, until=NOW)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidInput) as error:
        start_analysis(run=RunFactory())
    assert error.value.errors[0].field == "run"
    with pytest.raises(InvalidInput) as error:
        start_analysis(run=make_run(incoherent(5)), communities=[1, 2])
    assert error.value.errors[0].field == "communities"
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        start_analysis(run=make_run(incoherent(5)), window_s=5, step_s=10)
    assert refused.value.__cause__.diag.constraint_name == "consciousness_records_window_ck"


def test_a_failure_leaves_its_reason_and_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("r: broken")

    monkeypatch.setattr(analysis, "measure_window", fail)
    record = analyse_run(run=make_run(incoherent()), now=NOW)
    assert (record.status, record.message, record.n_snapshots) == ("failed", "r: broken", 0)
    assert not ComplexitySnapshot.objects.exists()


def test_the_worker_follows_runs_and_closes_what_ended() -> None:
    going, ended = make_run(incoherent(40)), make_run(incoherent(40))
    end_run(run=ended, ended_at=START + timedelta(seconds=40))
    assert follow_runs(now=START + timedelta(seconds=40)) == 4
    assert ComplexityRecord.objects.get(run=going).status == "running"
    assert ComplexityRecord.objects.get(run=ended).status == "finished"
    assert follow_runs(now=START + timedelta(seconds=40)) == 0
    end_run(run=going, ended_at=START + timedelta(seconds=40))
    follow_runs(now=NOW)
    assert ComplexityRecord.objects.get(run=going).status == "finished"


def test_a_producer_that_is_behind_loses_no_window() -> None:
    rows = incoherent(60)
    run = make_run(rows[:350])
    follow_runs(now=START + timedelta(seconds=300))
    batch = OscillatorBatch(
        indices=range(250),
        timestamps=[START + timedelta(seconds=(row + 1) / RATE) for row in range(350, 600)],
        phases=rows[350:],
        coupling_strength=np.full(250, np.nan),
    )
    record_oscillators(run=run, batch=batch, defect=np.full(250, np.nan))
    follow_runs(now=START + timedelta(seconds=301))
    ends = [one.ts - START for one in snapshots(ComplexityRecord.objects.get(run=run))]
    assert ends == [timedelta(seconds=end) for end in (30, 40, 50, 60)]


def test_the_view_shows_the_latest_analysis() -> None:
    run = make_run(incoherent())
    analyse_run(run=run, now=NOW)
    record = analyse_run(run=run, now=NOW, step_s=30)
    summary = ComplexitySummary.objects.get(run=run)
    assert summary.pk == record.pk
    assert summary.snapshots == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT avg(lzc_norm) FROM consciousness_snapshots WHERE record_id = %s", [record.pk])
        assert summary.lzc_norm == pytest.approx(cursor.fetchone()[0])


@pytest.mark.owner
def test_the_daily_summary_holds_what_its_refresh_saw() -> None:
    from cognitive.models import DailyComplexity
    from core.models import SummaryRefresh

    record = analyse_run(run=make_run(incoherent()), now=NOW)
    assert not DailyComplexity.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("REFRESH MATERIALIZED VIEW consciousness_daily_summary")
    day = DailyComplexity.objects.get()
    assert (day.run_id, day.snapshots, str(day.day)) == (record.run_id, 4, "2026-01-01")
    assert SummaryRefresh._meta.pk.name == "name"


def test_the_command_says_what_it_made() -> None:
    run = make_run(incoherent())
    out = StringIO()
    call_command("analyse_run", run.pk, json=True, stdout=out, step=30.0)
    answer = json.loads(out.getvalue())
    assert answer["snapshots"] == 2
    for options, words in (({"step": 0.0}, "--step"), ({"step": 50.0}, "--step")):
        with pytest.raises(CommandError, match=words):
            call_command("analyse_run", run.pk, **options)
    with pytest.raises(CommandError, match="no run"):
        call_command("analyse_run", 12345678)


def test_the_api_asks_for_analyses_and_reads_them(admin_api: Any) -> None:
    run = make_run(incoherent(40))
    answer = admin_api.post("/api/v1/complexity/records/", {"run": run.pk, "seed": 3})
    assert answer.status_code == 202, answer.content
    assert answer.json()["status"] == "running"
    assert admin_api.post("/api/v1/complexity/records/", {"run": run.pk}).status_code == 409
    follow_runs(now=START + timedelta(seconds=40))
    rows = admin_api.get("/api/v1/complexity/snapshots/", {"run": run.pk}).json()["results"]
    assert [row["ts"] for row in rows] == ["2026-01-01T00:00:40Z", "2026-01-01T00:00:30Z"]
    record = answer.json()["id"]
    assert admin_api.get(f"/api/v1/complexity/snapshots/{rows[0]['id']}/").json() == rows[0]
    assert admin_api.get(f"/api/v1/complexity/records/{record}/").json()["n_snapshots"] == 2
    (summary,) = admin_api.get("/api/v1/complexity/summary/").json()["results"]
    assert summary["snapshots"] == 2
    assert admin_api.get(f"/api/v1/complexity/summary/{record}/").json() == summary
    assert admin_api.get("/api/v1/complexity/daily/").json()["results"] == []
    assert admin_api.get(f"/api/v1/complexity/daily/{run.pk * 100_000}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"run": 12345678}, "run"),
        ({"run": 2**63}, "run"),
        ({"run": "x"}, "run"),
        ({"run": 0, "window_s": -1}, "window_s"),
        ({"run": 1, "communities": [2**31]}, "communities.0"),
        ({"run": 1, "seed": -1}, "seed"),
    ],
)
def test_a_bad_request_names_its_field(admin_api: Any, body: dict[str, Any], field: str) -> None:
    answer = admin_api.post("/api/v1/complexity/records/", body)
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_the_admin_draws_an_analysis(client: Any) -> None:
    client.force_login(AdminFactory())
    record = analyse_run(run=make_run(incoherent()), now=NOW)
    page = client.get(f"/admin/cognitive/complexityrecord/{record.pk}/change/")
    assert page.status_code == 200
    assert page.content.decode().count("<svg") >= 3
    for model in ("complexityrecord", "complexitysummary", "dailycomplexity"):
        assert client.get(f"/admin/cognitive/{model}/").status_code == 200
