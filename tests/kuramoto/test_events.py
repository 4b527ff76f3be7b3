"""Synchronization events as the pipeline records them and the database guards them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from core.models import Run
from kuramoto.choices import EventCause
from kuramoto.forecaster import WARM_UP
from kuramoto.models import SynchronizationEvent, SynchronizationState
from kuramoto.services import record_oscillators, recover_run, stop_run
from tests.factories.accounts import OperatorFactory
from tests.factories.core import RunFactory
from tests.factories.kuramoto import START, make_batch

pytestmark = pytest.mark.django_db

LEVELS = [0.2] * 20 + [0.9] * 20 + [0.7] * 10 + [0.3] * 20
"""Order, then a dip that hysteresis ignores, then its loss."""


def record(run: Run, levels: list[float], first: int) -> None:
    batch = make_batch(levels, start=START + timedelta(seconds=first))
    record_oscillators(run=run, batch=batch, defect=np.full(len(levels), np.nan))


@pytest.mark.parametrize("size", [1, 7, 70])
def test_events_do_not_depend_on_how_the_series_is_cut(size: int) -> None:
    run = RunFactory()
    for first in range(0, len(LEVELS), size):
        record(run, LEVELS[first : first + size], first)
    events = list(run.sync_events.order_by("occurred_at"))
    assert [event.event_type for event in events] == ["sync_achieved", "desync_detected"]
    synced, lost = events
    assert synced.entered_at == START + timedelta(seconds=20)
    assert synced.occurred_at == START + timedelta(seconds=25)
    assert (synced.sync_level_before, synced.sync_level_after) == (pytest.approx(0.2), pytest.approx(0.9))
    assert lost.entered_at == START + timedelta(seconds=50)
    assert lost.sync_level_after == pytest.approx(0.3)
    assert (lost.threshold_on, lost.threshold_off, lost.dwell_s, lost.n_oscillators) == (0.8, 0.6, 5.0, 64)
    assert lost.coupling_strength == 2.0


def test_the_dwell_is_three_relaxation_times_where_both_couplings_are_known() -> None:
    run = RunFactory(critical_coupling=1.8)
    record(run, [0.2] * 10 + [0.9] * 30, 0)
    event = run.sync_events.get()
    assert event.dwell_s == pytest.approx(3 / 0.2)


def test_late_rows_are_stored_and_counted_but_make_no_event() -> None:
    run = RunFactory()
    record(run, [0.2] * 5, 100)
    outcome = record_oscillators(run=run, batch=make_batch([0.9] * 30), defect=np.full(30, np.nan))
    assert outcome.late == 30
    assert outcome.events == []
    assert run.oscillators.count() == 35


def test_late_rows_do_not_reach_the_forecaster() -> None:
    """What is sent twice counts once, and later components are as if it had not been."""
    levels = (0.5 + 0.3 * np.sin(np.arange(80))).tolist()
    once, twice = RunFactory(), RunFactory()
    for run, firsts in ((once, (0, 40)), (twice, (0, 0, 20, 40))):
        for first in firsts:
            record(run, levels[first : first + 40], first)
    expected = dict(once.oscillators.values_list("timestamp", "ha_forecast"))
    found = twice.oscillators.order_by("id").values_list("timestamp", "ha_forecast")
    assert [forecast for _, forecast in found[40:80]] == [None] * 40
    kept = {at: forecast for at, forecast in found if forecast is not None}
    assert kept == {at: pytest.approx(forecast) for at, forecast in expected.items() if forecast is not None}
    assert len(kept) == 80 - WARM_UP + 1


def make_event(run: Run, **fields: object) -> SynchronizationEvent:
    usual = {
        "event_type": "sync_achieved",
        "sync_level_before": 0.2,
        "sync_level_after": 0.9,
        "entered_at": START,
        "occurred_at": START + timedelta(seconds=5),
        "threshold_on": 0.8,
        "threshold_off": 0.6,
        "dwell_s": 5.0,
    }
    with transaction.atomic():
        return SynchronizationEvent.objects.create(run=run, **usual | fields)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"event_type": "dream", "cause": "hallucination", "reason": "x"}, "synchronization_events_type_ck"),
        ({"cause": "hallucination"}, "synchronization_events_cause_ck"),
        ({"sync_level_after": 0.7}, "synchronization_events_agrees_ck"),
        ({"sync_level_after": 1.1}, "synchronization_events_levels_ck"),
        ({"threshold_on": 0.5}, "synchronization_events_thresholds_ck"),
        ({"dwell_s": None}, "synchronization_events_thresholds_ck"),
        ({"occurred_at": START - timedelta(seconds=1)}, "synchronization_events_times_ck"),
        ({"event_data": []}, "synchronization_events_data_ck"),
        ({"event_type": "desync_detected", "sync_level_after": 0.1}, "synchronization_events_alternate"),
        (
            {"event_type": "emergency_stop", "cause": "hallucination", "reason": " "},
            "synchronization_events_reason_ck",
        ),
        ({"event_type": "emergency_stop", "cause": "manual", "reason": "x"}, "synchronization_events_actor_ck"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_by_name(fields: dict, constraint: str) -> None:
    with pytest.raises(IntegrityError) as error:
        make_event(RunFactory(), **fields)
    assert error.value.__cause__.diag.constraint_name == constraint


def test_events_of_a_run_alternate() -> None:
    run, other = RunFactory(), RunFactory()
    make_event(run)
    make_event(other)
    with pytest.raises(IntegrityError) as error:
        make_event(run)
    assert error.value.__cause__.diag.constraint_name == "synchronization_events_alternate"


def test_an_emergency_stop_is_latched_until_somebody_recovers_the_run() -> None:
    run, operator = RunFactory(), OperatorFactory()
    stop_run(run=run, cause=EventCause.HALLUCINATION, reason="Ha above 4", now=START)
    with pytest.raises(IntegrityError), transaction.atomic():
        stop_run(run=run, cause=EventCause.MANUAL, reason="again", now=START, actor_id=operator.pk)
    recovery = recover_run(run=run, reason="checked", now=START, actor_id=operator.pk)
    assert recovery.actor == operator
    with pytest.raises(IntegrityError), transaction.atomic():
        recover_run(run=run, reason="again", now=START, actor_id=operator.pk)


def test_a_run_remembers_its_detector_and_forecaster_between_batches() -> None:
    run = RunFactory()
    record(run, [0.2] * 10, 0)
    record(run, [0.9] * 3, 10)
    state = SynchronizationState.objects.get(run=run)
    assert state.forecaster["count"] == 13
    assert state.detector["crossing"]["at_s"] == (START + timedelta(seconds=10)).timestamp()
    assert state.settings["dwell_on_s"] == 5.0
    with pytest.raises(IntegrityError), transaction.atomic():
        SynchronizationState.objects.create(run=run, settings={}, detector={}, forecaster={})
