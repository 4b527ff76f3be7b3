"""Alerts as batches bring them: one an episode, however the series is cut."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from constitutional.evaluation import MonitorState
from tests.factories.core import RunFactory
from tests.factories.kuramoto import make_phases
from tests.factories.validation import AlertRuleFactory
from tests.validation.alert_feed import START, T0, after, feed, list_rows
from validation.alert_conditions import SeriesName
from validation.models import AlertMemory, AlertRule, MonitoringAlert
from validation.services import (
    delete_alert_rule,
    evaluate_alerts,
)
from validation.services.alerts import AlertOutcome

pytestmark = pytest.mark.django_db
BATCH_QUERIES = 7
"""Whether there is anything to do, the guard, the rules and their lock, memories read and written, alerts made."""


def list_episodes(run: Any) -> list[tuple]:
    return list(
        MonitoringAlert.objects.shown()
        .filter(run=run)
        .order_by("pending_at", "rule_id")
        .values_list(
            "rule_id",
            "state",
            "pending_at",
            "pending_value",
            "fired_at",
            "fired_value",
            "peak_value",
            "resolved_at",
            "resolved_value",
            "resolved_reason",
        )
    )


class TestEpisode:
    def test_it_is_pending_then_fires_then_is_resolved(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        feed(run, [0.5, 0.29])
        alert = MonitoringAlert.objects.get()
        assert (alert.state, alert.pending_at, alert.pending_value, alert.fired_at) == ("pending", after(1), 0.29, None)
        outcome = feed(run, [0.2, 0.25], start=2)
        assert outcome.fired == [alert]
        alert.refresh_from_db()
        assert (alert.state, alert.fired_at, alert.fired_value, alert.peak_value) == ("firing", after(3), 0.25, 0.2)
        assert feed(run, [0.1, 0.35], start=4).resolved == []
        outcome = feed(run, [0.45, 0.2], start=6)
        assert outcome.resolved == [alert]
        alert.refresh_from_db()
        assert (alert.state, alert.resolved_at, alert.resolved_value) == ("resolved", after(6), 0.45)
        assert (alert.peak_value, alert.resolved_reason, alert.severity) == (0.1, "calm", rule.severity)
        assert alert.condition == "r below 0.3 for 2 s; ends at or above 0.4"
        assert list(MonitoringAlert.objects.exclude(pk=alert.pk).values_list("state", "pending_at")) == [
            ("pending", after(7))
        ]

    def test_a_condition_that_does_not_last_leaves_an_inactive_alert_for_the_next(self) -> None:
        AlertRuleFactory()
        run = RunFactory()
        feed(run, [0.2])
        feed(run, [0.5], start=1)
        alert = MonitoringAlert.objects.get()
        assert (alert.state, alert.pending_at, alert.pending_value) == ("inactive", None, None)
        feed(run, [0.5, 0.1], start=2)
        assert list(MonitoringAlert.objects.values_list("pk", "state", "pending_at")) == [
            (alert.pk, "pending", after(3))
        ]
        # Dropped and begun anew within one batch.
        feed(run, [0.5, 0.2], start=4)
        assert list(MonitoringAlert.objects.values_list("pk", "state", "pending_at")) == [
            (alert.pk, "pending", after(5))
        ]
        feed(run, [0.1, 0.1, 0.1], start=6)
        assert list_rows("fired_at") == [(alert.pk, "firing", after(7))]

    def test_flapping_around_the_threshold_is_one_episode(self) -> None:
        AlertRuleFactory(for_s=0.0)
        run = RunFactory()
        feed(run, [0.29, 0.31] * 50)
        assert [row[1] for row in list_episodes(run)] == ["firing"]
        AlertRule.objects.update(clear_threshold=None)
        other = RunFactory()
        feed(other, [0.29, 0.31] * 50)
        assert len(list_episodes(other)) == 50

    @pytest.mark.parametrize("seed", range(5))
    def test_batches_make_no_difference(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        values = np.clip(0.4 + np.cumsum(random.normal(0, 0.12, 400)) % 0.6 - 0.3, 0, 1)
        AlertRuleFactory()
        AlertRuleFactory(for_s=0.0, op="gt", threshold=0.6, clear_threshold=0.5)
        AlertRuleFactory(
            op="outside", threshold=0.2, threshold_high=0.6, clear_threshold=0.25, clear_threshold_high=0.5
        )
        AlertRuleFactory(for_s=3.5, clear_threshold=None)
        whole, parts = RunFactory(), RunFactory()
        feed(whole, values)
        cuts = [0, *sorted(random.choice(np.arange(1, 400), 60, replace=False).tolist()), 400]
        for start, end in pairwise(cuts):
            feed(parts, values[start:end], start=start)
        assert len(list_episodes(whole)) > 20
        assert list_episodes(parts) == list_episodes(whole)

    def test_samples_that_say_nothing_are_left_out(self) -> None:
        AlertRuleFactory(op="gt", threshold=2.0, clear_threshold=None, metric="metric:loss")
        run = RunFactory()
        feed(run, [3, 3, 3], metric="metric:loss")
        feed(run, [1, 1, 1], metric="metric:loss")
        feed(run, [1e101, -1e200, np.inf, np.nan], metric="metric:loss", start=3)
        assert [row[1] for row in list_episodes(run)] == ["firing"]

    def test_one_batch_may_hold_a_thousand(self, django_assert_num_queries: Any) -> None:
        for _ in range(3):
            AlertRuleFactory(for_s=0.0)
        run = RunFactory()
        feed(run, [0.2, 0.5])
        with django_assert_num_queries(BATCH_QUERIES):
            feed(run, [0.2, 0.5] * 1000 + [0.1], start=2)
        assert MonitoringAlert.objects.count() == 3 * 1002
        # One step of an alert that is there, the peak, and the next alert.
        with django_assert_num_queries(BATCH_QUERIES + 1):
            feed(run, [0.05, 0.5, 0.1], start=2003)

    def test_nothing_to_hold_a_batch_to_costs_little(self, django_assert_num_queries: Any) -> None:
        AlertRuleFactory(metric="ha", op="gt", threshold=4.0, clear_threshold=None)
        run = RunFactory()
        feed(run, [0.2])
        with django_assert_num_queries(1):
            feed(run, [0.2])


class TestMemory:
    """What is changed past the services keeps no batch from being stored."""

    def test_an_alert_that_somebody_ended(self) -> None:
        AlertRuleFactory(for_s=0.0)
        run = RunFactory()
        feed(run, [0.1])
        MonitoringAlert.objects.update(state="resolved", resolved_at=after(1), resolved_reason="calm")
        assert not feed(run, [0.05, 0.5], start=1).resolved
        assert len(feed(run, [0.1], start=3).fired) == 1

    def test_a_memory_that_somebody_deleted(self) -> None:
        AlertRuleFactory()
        run = RunFactory()
        feed(run, [0.1, 0.1, 0.1])
        AlertMemory.objects.update(state=MonitorState().to_dict())
        outcome = feed(run, [0.1, 0.1, 0.1], start=3)
        assert (len(outcome.resolved), len(outcome.fired)) == (1, 1)
        AlertMemory.objects.all().delete()
        outcome = feed(run, [0.1, 0.1, 0.1], start=6)
        assert (len(outcome.resolved), len(outcome.fired)) == (1, 1)


class TestSeries:
    def parts(self, **tags: bytes) -> Any:
        """A series for each tag, one second of 3.0 each."""
        samples = (np.array([T0]), np.array([3.0]))
        return lambda metric: {SeriesName(metric, name, None, text): samples for name, text in tags.items()}

    def evaluate(self, run: Any, split: Any) -> AlertOutcome:
        samples = (np.array([T0]), np.array([3.0]))
        return evaluate_alerts(run_id=run.pk, series={"metric:loss": samples}, now=START, split=split)

    @pytest.mark.parametrize(
        ("filters", "components"),
        [
            ({}, {"a", "b", "c"}),
            ({"component": "a"}, {"a"}),
            ({"component": "d"}, set()),
            ({"tags": {"fold": 1}}, {"a", "b"}),
            ({"tags": {"fold": 1, "x": "y"}}, {"b"}),
            ({"tags": {"fold": True}}, set()),
            ({"tags": {"fold": 1.0}}, set()),
            ({"component": "b", "tags": {"fold": 1}}, {"b"}),
        ],
    )
    def test_component_and_tags_tell_series_apart(self, filters: dict, components: set) -> None:
        AlertRuleFactory(metric="metric:loss", op="gt", threshold=2.0, clear_threshold=None, for_s=0.0, **filters)
        outcome = self.evaluate(RunFactory(), self.parts(a=b'{"fold":1}', b=b'{"fold":1,"x":"y"}', c=b"null"))
        assert {alert.component for alert in outcome.fired} == components

    @pytest.mark.parametrize(
        ("filters", "fires"),
        [({}, True), ({"run_kind": "simulation"}, True), ({"run_kind": "live"}, False), ({"is_active": False}, False)],
    )
    def test_a_rule_is_about_some_runs(self, filters: dict, fires: bool) -> None:
        AlertRuleFactory(for_s=0.0, **filters)
        assert bool(feed(RunFactory(), [0.1]).fired) is fires

    def test_a_rule_may_be_about_one_run(self) -> None:
        run = RunFactory()
        AlertRuleFactory(for_s=0.0, run=run)
        assert feed(run, [0.1]).fired
        assert not feed(RunFactory(), [0.1]).fired

    def test_the_key_is_the_description(self) -> None:
        names = [
            SeriesName("r"),
            SeriesName("ha"),
            SeriesName("r", "a"),
            SeriesName("r", "", "a"),
            SeriesName("r", "", None, b'{"a":1}'),
            SeriesName("metric:r"),
        ]
        assert len({name.key for name in names}) == len(names)
        assert SeriesName("r", "", "", b"{}").key == SeriesName("r").key


@pytest.mark.django_db(transaction=True)
def test_batches_at_once_make_one_alert() -> None:
    AlertRuleFactory(for_s=0.0)
    run = RunFactory()
    barrier, errors = threading.Barrier(4), []

    def send(offset: int) -> None:
        try:
            barrier.wait(10)
            for index in range(5):
                feed(run, [0.1], start=offset + 4 * index)
        except BaseException as error:  # noqa: BLE001 - a thread's failure has to reach the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[offset]) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert MonitoringAlert.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_not_deleted_under_a_batch() -> None:
    """A batch that loaded a rule is stored before the rule goes."""
    rule, run = AlertRuleFactory(), RunFactory()
    evaluated, order = threading.Event(), []

    def send() -> None:
        with transaction.atomic():
            feed(run, [0.5])
            evaluated.set()
            # The other thread has all the time to overtake, if nothing keeps it.
            threading.Event().wait(0.3)
            order.append("stored")
        connection.close()

    thread = threading.Thread(target=send)
    thread.start()
    assert evaluated.wait(10)
    delete_alert_rule(rule_id=rule.pk)
    order.append("deleted")
    thread.join(10)
    assert order == ["stored", "deleted"]
    assert not AlertMemory.objects.exists()


def test_the_pipeline_evaluates_each_series_of_a_metric(admin_api: Any) -> None:
    AlertRuleFactory(metric="metric:loss", op="gt", threshold=2.0, clear_threshold=None, for_s=0.0)
    run = RunFactory()
    rows = [
        {"run": run.pk, "timestamp": "2026-01-01T00:00:00Z", "metric_name": "loss", "component": component}
        | {"metric_value": value, "metric_unit": unit, "tags": tags}
        for component, value, unit, tags in [
            ("a", 3.0, "1", {"fold": 1}),
            ("a", 1.0, "1", {"fold": 2}),
            ("b", 3.0, None, {}),
            ("b", 4.0, "", {}),
        ]
    ]
    assert admin_api.post("/api/v1/metrics/batch/", rows).status_code == 201
    found = MonitoringAlert.objects.order_by("component").values_list("component", "unit", "tags", "peak_value")
    assert list(found) == [("a", "1", {"fold": 1}, 3.0), ("b", None, {}, 3.0)]


def test_the_pipeline_evaluates_the_order_parameter(admin_api: Any) -> None:
    AlertRuleFactory(for_s=0.0)
    run = RunFactory()
    row = {"run": run.pk, "timestamp": "2026-01-01T00:00:00Z", "phases": make_phases(0.2).tolist()}
    answer = admin_api.post("/api/v1/oscillators/batch/", [row | {"coupling_strength": 2.0}])
    assert answer.status_code == 201, answer.content
    assert MonitoringAlert.objects.get().fired_value == pytest.approx(0.2)
