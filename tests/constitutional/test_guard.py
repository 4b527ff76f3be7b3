"""The guard of a run: levels from Ha, stops that are latched, operators who overrule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from constitutional.models import RunGuardState
from constitutional.services.guard import force_emergency_stop, read_limits, release_emergency_stop
from constitutional.services.monitor import MonitorOutcome, monitor_samples
from constitutional.state_machine import Decision, GuardLimits
from core.exceptions import Conflict, InvalidInput
from core.models import SystemConfig
from kuramoto.choices import EventCause, EventType
from kuramoto.models import SynchronizationEvent
from kuramoto.services import stop_run
from tests.constitutional.database import execute, violated
from tests.factories.accounts import OperatorFactory
from tests.factories.constitutional import START
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db
T0 = START.timestamp()
NOW = START + timedelta(days=1)


def feed(run: Any, ha: Any, *, start: float = 0.0, **others: Any) -> MonitorOutcome:
    times = T0 + start + np.arange(len(ha), dtype=np.float64)
    series = {name: (times, np.asarray(values, dtype=np.float64)) for name, values in {"ha": ha, **others}.items()}
    return monitor_samples(run_id=run.pk, series=series)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def list_events(run: Any) -> list[tuple]:
    return list(
        SynchronizationEvent.objects.for_run(run.pk).order_by("id").values_list("event_type", "cause", "occurred_at")
    )


def test_a_run_is_normal_until_ha_rises() -> None:
    run = RunFactory()
    outcome = feed(run, [0.2, 0.5])
    assert (outcome.guard.ruling.decision, outcome.guard.transitions) == (Decision.ACCEPT, [])
    outcome = feed(run, [1.2, 2.2], start=2)
    guard = RunGuardState.objects.get(run=run)
    assert outcome.guard.ruling.decision == Decision.MONITOR
    assert [str(change.to_level) for change in outcome.guard.transitions] == ["warning", "critical"]
    assert (guard.level, guard.latched, guard.since, guard.cause) == ("critical", False, at(3), "ha")
    assert list_events(run) == []


def test_an_emergency_stops_the_run_until_it_has_been_calm() -> None:
    run = RunFactory()
    outcome = feed(run, [0.5, 5, 0.5])
    guard = RunGuardState.objects.get(run=run)
    assert (guard.level, guard.latched, guard.since) == ("emergency", True, at(1))
    assert outcome.guard.transitions[0].is_emergency_stop
    feed(run, [0.5] * 10, start=3)
    guard.refresh_from_db()
    assert (guard.level, guard.latched, guard.since, guard.cause) == ("recovery", False, at(7), "calm")
    assert list_events(run) == [
        (EventType.EMERGENCY_STOP, EventCause.HALLUCINATION, at(1)),
        (EventType.RECOVERY, EventCause.HALLUCINATION, at(7)),
    ]


@pytest.mark.parametrize("cut", [1, 7, 50])
def test_batches_make_no_difference(cut: int) -> None:
    ha = np.concatenate([np.full(20, 0.5), [5], np.full(45, 0.5), [3, 2.9, 1.4, 0.2], [6], np.full(40, 0.1)])
    whole, parts = RunFactory(), RunFactory()
    feed(whole, ha)
    for start in range(0, ha.size, cut):
        feed(parts, ha[start : start + cut], start=start)
    guards = [RunGuardState.objects.get(run=run) for run in (whole, parts)]
    assert guards[0].state == guards[1].state
    assert list_events(whole) == list_events(parts)
    assert len(list_events(whole)) == 4


def test_a_failure_waits_for_an_operator() -> None:
    run, operator = RunFactory(), OperatorFactory()
    feed(run, [8])
    feed(run, [0.1] * 100, start=1)
    guard = RunGuardState.objects.get(run=run)
    assert (guard.level, guard.latched) == ("failure", True)
    with pytest.raises(Conflict, match="failed"):
        force_emergency_stop(run_id=run.pk, actor=operator, reason="x", now=NOW)
    guard = release_emergency_stop(run_id=run.pk, actor=operator, reason="sensor replaced", now=NOW)
    assert (guard.level, guard.cause, guard.actor, guard.reason) == (
        "recovery",
        "operator",
        operator,
        "sensor replaced",
    )
    event = SynchronizationEvent.objects.emergencies().latest("id")
    assert (event.event_type, event.cause, event.actor_id, event.reason) == (
        EventType.RECOVERY,
        EventCause.MANUAL,
        operator.pk,
        "sensor replaced",
    )
    feed(run, [0.1] * 40, start=101)
    guard.refresh_from_db()
    assert (guard.level, guard.actor, guard.reason) == ("normal", None, "")


def test_what_an_operator_stopped_only_an_operator_lets_go_on() -> None:
    run, operator = RunFactory(), OperatorFactory()
    force_emergency_stop(run_id=run.pk, actor=operator, reason="smoke", now=NOW)
    guard = RunGuardState.objects.get(run=run)
    assert (guard.level, guard.latched, guard.since) == ("emergency", True, NOW)
    feed(run, [0.1] * 100, start=2 * 24 * 3600)
    guard.refresh_from_db()
    assert guard.level == "emergency"
    release_emergency_stop(run_id=run.pk, actor=operator, reason="cleared", now=NOW)
    with pytest.raises(Conflict, match="nothing to release"):
        release_emergency_stop(run_id=run.pk, actor=operator, reason="again", now=NOW)
    assert [(kind, cause) for kind, cause, _ in list_events(run)] == [
        (EventType.EMERGENCY_STOP, EventCause.MANUAL),
        (EventType.RECOVERY, EventCause.MANUAL),
    ]


def test_an_operator_needs_a_reason() -> None:
    run = RunFactory()
    for operate in (force_emergency_stop, release_emergency_stop):
        with pytest.raises(InvalidInput) as error:
            operate(run_id=run.pk, actor=OperatorFactory(), reason=" ", now=NOW)
        assert error.value.errors[0].field == "reason"


def test_a_run_that_is_stopped_already_is_not_stopped_twice() -> None:
    run, operator = RunFactory(), OperatorFactory()
    stop_run(run=run, cause=EventCause.MANUAL, reason="maintenance", now=START, actor_id=operator.pk)
    feed(run, [5] + [0.1] * 20)
    assert RunGuardState.objects.get(run=run).level == "recovery"
    assert [(kind, cause) for kind, cause, _ in list_events(run)] == [(EventType.EMERGENCY_STOP, EventCause.MANUAL)]


def test_integrity_counts_from_its_last_sample_on() -> None:
    run = RunFactory()
    series = {
        "ha": (T0 + np.arange(4.0), np.full(4, 0.1)),
        "integrity": (T0 + np.array([1.5]), np.array([0.4])),
    }
    outcome = monitor_samples(run_id=run.pk, series=series)
    assert outcome.guard.ruling.decision == Decision.FORCED_SYNC
    guard = RunGuardState.objects.get(run=run)
    assert (guard.level, guard.since, guard.cause) == ("critical", at(2), "integrity")


def test_other_metrics_weigh_in() -> None:
    run = RunFactory(defect_density_ref=0.01)
    assert feed(run, [0.1], defect_density=[0.009]).guard.ruling.decision == Decision.ACCEPT
    assert feed(run, [0.1], start=1, defect_density=[0.01]).guard.ruling.decision == Decision.MONITOR
    assert feed(run, [0.1], start=2, control_max=[0.6]).guard.ruling.decision == Decision.REJECT
    assert feed(run, [0.1], start=3, r=[1.5]).guard.ruling.decision == Decision.INVALID


def test_three_invalid_observations_are_an_emergency() -> None:
    run = RunFactory()
    outcome = feed(run, [0.1, np.nan, np.nan])
    assert (outcome.guard.ruling.decision, outcome.guard.transitions) == (Decision.INVALID, [])
    feed(run, [np.inf], start=3)
    assert RunGuardState.objects.get(run=run).cause == "invalid"
    assert list_events(run) == [(EventType.EMERGENCY_STOP, EventCause.INVALID_DATA, at(3))]


def test_without_ha_nothing_is_decided() -> None:
    run = RunFactory()
    outcome = monitor_samples(run_id=run.pk, series={"r": (np.array([T0]), np.array([0.1]))})
    assert outcome.guard.ruling is None
    assert not RunGuardState.objects.filter(run=run).exists()


def test_the_bounds_come_from_the_configuration() -> None:
    run = RunFactory(defect_density_ref=0.02)
    assert read_limits(run) == GuardLimits(rho_reference=0.02)
    levels = {"warning": 0.5, "critical": 1, "emergency": 2, "failure": 3}
    SystemConfig.objects.create(config_key="nfcs.ha_levels", config_value=levels, config_type="object")
    SystemConfig.objects.create(config_key="nfcs.emergency_max_duration_s", config_value=60, config_type="integer")
    assert read_limits(run) == GuardLimits(
        ha_warning=0.5, ha_critical=1, ha_emergency=2, ha_failure=3, rho_reference=0.02, emergency_max_s=60
    )
    feed(run, [2.5])
    assert RunGuardState.objects.get(run=run).level == "emergency"


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("level = 'calm'", "run_guard_states_level_ck"),
        ("cause = 'weather'", "run_guard_states_cause_ck"),
        ("cause = 'operator'", "run_guard_states_operator_ck"),
        ("reason = 'because'", "run_guard_states_operator_ck"),
        ("state = '[]'", "run_guard_states_state_ck"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused_by_name(assignment: str, constraint: str) -> None:
    run = RunFactory()
    feed(run, [0.1])
    statement = f"UPDATE run_guard_states SET {assignment} WHERE run_id = %s"
    assert violated(lambda: execute(statement, run.pk)) == constraint


def test_updated_at_follows() -> None:
    run = RunFactory()
    feed(run, [0.1])
    before = RunGuardState.objects.get().updated_at
    feed(run, [0.1], start=1)
    assert RunGuardState.objects.get().updated_at > before
    assert datetime.now(UTC) > before
