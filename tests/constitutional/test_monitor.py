"""The monitor: one violation an episode, however the series is cut."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db import connection

from constitutional.models import PolicyMonitorState, Violation
from constitutional.selectors import list_runs_to_release
from constitutional.services.monitor import MonitorOutcome, end_monitoring, monitor_samples
from constitutional.services.policies import activate_policy, deactivate_policy, update_policy
from constitutional.services.review import acknowledge_violations, resolve_violations
from core.services.runs import end_run
from tests.constitutional.database import execute
from tests.factories.constitutional import START, PolicyFactory, make_content
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db
T0 = START.timestamp()
BATCH_QUERIES = 9
"""Guard, its limits (2), its state; versions, states; violations locked, updated; states written."""


def feed(run: Any, values: Any, *, start: float = 0.0, metric: str = "ha", step: float = 1.0) -> MonitorOutcome:
    samples = np.asarray(values, dtype=np.float64)
    times = T0 + start + step * np.arange(samples.size)
    return monitor_samples(run_id=run.pk, series={metric: (times, samples)})


def after(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def list_episodes() -> list[tuple]:
    return list(
        Violation.objects.order_by("detected_at", "policy_id").values_list(
            "policy_id",
            "first_crossing_at",
            "detected_at",
            "peak_value",
            "peak_at",
            "sample_count",
            "severity_score",
            "cleared_at",
            "cleared_reason",
        )
    )


class TestEpisode:
    def test_it_opens_after_the_dwell_with_evidence(self) -> None:
        policy, run = PolicyFactory(), RunFactory()
        outcome = feed(run, [1, 2.5, 3, 2.8, 2.6])
        violation = Violation.objects.get()
        assert outcome.opened == [violation]
        assert (outcome.cleared, outcome.invalid, outcome.unreadable) == ([], set(), [])
        assert (violation.run, violation.policy, violation.policy_version) == (run, policy, policy.versions.get())
        assert (violation.first_crossing_at, violation.detected_at) == (after(1), after(3))
        assert (violation.peak_value, violation.peak_at, violation.sample_count) == (3, after(2), 3)
        assert violation.severity_score == 0.625
        assert violation.violation_type == outcome.opened[0].violation_type == "moderate"
        assert violation.ha_value == 2.8
        assert violation.cleared_at is None
        assert violation.violation_data == {
            "rule": "ha: value above 2 for 2 s -> alert; clears at or below 1.5",
            "policy_name": policy.policy_name,
            "policy_version": 1,
            "metric": "ha",
            "aggregate": "last",
            "window_s": 0,
            "low": None,
            "high": 2,
            "clear_low": None,
            "clear_high": 1.5,
            "dwell_s": 2,
            "action": "alert",
            "enforcement": 0.8,
            "value": 3,
            "samples": 3,
        }

    def test_it_rises_and_clears(self) -> None:
        PolicyFactory()
        run = RunFactory()
        (opened,) = feed(run, [3, 3, 3]).opened
        evidence = Violation.objects.get().violation_data
        assert feed(run, [2.5, 1.8], start=3).updated == []
        outcome = feed(run, [7, 6], start=5)
        assert outcome.updated == [opened]
        violation = Violation.objects.get()
        assert (violation.violation_type, violation.peak_value, violation.peak_at) == ("critical", 7, after(5))
        outcome = feed(run, [2.5, 1.4, 1], start=7)
        assert (outcome.updated, outcome.cleared) == ([], [opened])
        violation = Violation.objects.get()
        assert (violation.cleared_at, violation.cleared_reason, violation.sample_count) == (after(8), "calm", 7)
        assert violation.violation_data == evidence

    def test_one_batch_may_hold_several(self) -> None:
        PolicyFactory()
        outcome = feed(RunFactory(), [3, 3, 3, 1, 3, 3, 4, 1, 3, 3, 3])
        assert [violation.cleared_at for violation in outcome.opened] == [after(3), after(7), None]
        assert outcome.cleared == outcome.opened[:2]
        assert len(list_episodes()) == 3

    @pytest.mark.parametrize("seed", range(5))
    def test_batches_make_no_difference(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        values = np.clip(2 + np.cumsum(random.normal(0, 0.4, 400)) % 3 - 1.2, 0, 10)
        PolicyFactory()
        PolicyFactory(policy_content=make_content(aggregate="mean", window_s=5, dwell_s=4))
        PolicyFactory(
            policy_content=make_content(
                op="outside",
                threshold=None,
                clear_threshold=None,
                thresholds=[1, 3],
                clear_thresholds=[1.2, 2.8],
                severity={"scale": 2},
            )
        )
        whole = RunFactory()
        feed(whole, values)
        expected = list_episodes()
        assert len(expected) > 5
        cuts = [0, *sorted(random.choice(np.arange(1, 400), 25, replace=False).tolist()), 400]
        parts = RunFactory()
        for start, end in pairwise(cuts):
            feed(parts, values[start:end], start=start)
        columns = [list_of(run) for run in (whole, parts)]
        assert columns[0] == columns[1]

    def test_each_run_is_held_by_itself(self) -> None:
        PolicyFactory()
        first, second = RunFactory(), RunFactory()
        feed(first, [3, 3])
        feed(second, [3, 3], start=1)
        assert not Violation.objects.exists()
        feed(first, [3], start=2)
        assert Violation.objects.get().run == first

    def test_samples_seen_before_are_left_out(self) -> None:
        PolicyFactory()
        run = RunFactory()
        feed(run, [3, 3, 3])
        feed(run, [1, 1, 1])
        assert Violation.objects.get().cleared_at is None

    def test_a_review_does_not_end_it(self) -> None:
        PolicyFactory()
        run = RunFactory()
        (violation,) = feed(run, [3, 3, 3]).opened
        acknowledge_violations(ids=[violation.pk], actor=None, now=after(10))
        resolve_violations(ids=[violation.pk], actor=None, note="known", now=after(10))
        feed(run, [5, 1], start=3)
        violation = Violation.objects.get()
        assert (violation.resolution_status, violation.peak_value, violation.cleared_at) == ("resolved", 5, after(4))

    def test_ha_is_taken_from_the_batch_where_it_has_one(self) -> None:
        PolicyFactory(
            policy_content=make_content(
                metric="r", op="lt", threshold=0.3, clear_threshold=0.4, severity={"scale": 0.3}, dwell_s=None
            )
        )
        run, times = RunFactory(), T0 + np.arange(3.0)
        r = np.array([0.9, 0.2, 0.1])
        monitor_samples(run_id=run.pk, series={"r": (times, r), "ha": (times, np.array([1.0, np.nan, 2.0]))})
        assert Violation.objects.get().ha_value == 1.0
        other = RunFactory()
        monitor_samples(run_id=other.pk, series={"r": (times, r)})
        assert Violation.objects.get(run=other).ha_value is None


def list_of(run: Any) -> list[tuple]:
    return list(
        Violation.objects.filter(run=run)
        .order_by("detected_at", "policy_id")
        .values_list(
            "policy_id", "first_crossing_at", "detected_at", "peak_value", "peak_at", "sample_count", "cleared_at"
        )
    )


class TestPolicies:
    def test_a_changed_policy_ends_the_episode_and_begins_anew(self) -> None:
        policy, run = PolicyFactory(), RunFactory()
        (old,) = feed(run, [3, 3, 3, 3]).opened
        update_policy(policy_id=policy.pk, policy_content=make_content(threshold=2.5, dwell_s=3))
        outcome = feed(run, [3, 3, 3, 3], start=4)
        old.refresh_from_db()
        (new,) = outcome.opened
        assert outcome.cleared == [old]
        assert (old.cleared_at, old.cleared_reason, old.policy_version.version) == (after(3), "policy_changed", 1)
        assert (new.first_crossing_at, new.detected_at, new.policy_version.version) == (after(4), after(7), 2)

    def test_a_policy_switched_off_ends_its_episode(self) -> None:
        policy, run = PolicyFactory(), RunFactory()
        (violation,) = feed(run, [3, 3, 3, 3]).opened
        deactivate_policy(policy_id=policy.pk)
        assert feed(run, [3, 3], start=4).cleared == [violation]
        violation.refresh_from_db()
        assert (violation.cleared_at, violation.cleared_reason) == (after(3), "policy_inactive")
        outcome = feed(run, [3, 3], start=6)
        assert (outcome.opened, outcome.updated, outcome.cleared) == ([], [], [])
        activate_policy(policy_id=policy.pk)
        assert feed(run, [3, 3, 3], start=8).opened[0].first_crossing_at == after(8)

    def test_an_episode_cut_short_ends_when_it_was_detected_at_the_earliest(self) -> None:
        policy, run = PolicyFactory(policy_content=make_content(dwell_s=1.5)), RunFactory()
        feed(run, [3, 3, 3])
        deactivate_policy(policy_id=policy.pk)
        feed(run, [3], start=3)
        violation = Violation.objects.get()
        assert (violation.detected_at, violation.cleared_at) == (after(1.5), after(2))

    def test_only_policies_on_a_metric_of_the_batch_apply(self) -> None:
        PolicyFactory(policy_content=make_content(metric="metric:loop_ms", severity={"scale": 1}))
        run = RunFactory()
        assert feed(run, [3, 3, 3]).opened == []
        assert len(feed(run, [3, 3, 3], metric="metric:loop_ms").opened) == 1

    def test_a_policy_written_past_the_services_is_named_and_left_out(self, caplog: Any) -> None:
        policy, run = PolicyFactory(), RunFactory()
        (violation,) = feed(run, [3, 3, 3]).opened
        execute(
            "UPDATE constitutional_policies SET policy_content = policy_content - 'metric' WHERE id = %s", policy.pk
        )
        outcome = feed(run, [3, 3, 3], start=3)
        assert outcome.unreadable == [policy.policy_name]
        assert outcome.cleared == [violation]
        assert "/metric: is required" in caplog.text

    def test_a_deleted_policy_is_forgotten(self) -> None:
        policy, run = PolicyFactory(), RunFactory()
        feed(run, [3])
        execute("DELETE FROM constitutional_policies WHERE id = %s", policy.pk)
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert not PolicyMonitorState.objects.exists()
        assert feed(run, [3, 3, 3], start=1).opened == []


class TestRun:
    def test_its_end_ends_its_episodes(self) -> None:
        PolicyFactory()
        PolicyFactory(policy_content=make_content(threshold=9, clear_threshold=None))
        run = RunFactory()
        (violation,) = feed(run, [3, 3, 3, 3]).opened
        feed(RunFactory(), [3, 3, 3, 3])
        assert list_runs_to_release() == []
        end_run(run=run, ended_at=after(4))
        assert list_runs_to_release() == [run.pk]
        assert end_monitoring(run_id=run.pk) == 1
        violation.refresh_from_db()
        assert (violation.cleared_at, violation.cleared_reason) == (after(3), "run_ended")
        assert list_runs_to_release() == []
        assert end_monitoring(run_id=run.pk) == 0
        assert feed(run, [3, 3, 3, 3]).opened == []

    def test_three_invalid_samples_are_reported(self) -> None:
        PolicyFactory()
        run = RunFactory()
        assert feed(run, [1, np.nan, np.inf]).invalid == set()
        assert feed(run, [np.nan, 1], start=3).invalid == {"ha"}
        assert feed(run, [1], start=5).invalid == set()

    def test_the_number_of_queries_does_not_grow(self, django_assert_num_queries: Any) -> None:
        run = RunFactory()
        PolicyFactory()
        feed(run, [1])
        for _ in range(9):
            PolicyFactory()
        feed(run, [3, 3, 3], start=1)
        assert Violation.objects.count() == 10
        with django_assert_num_queries(BATCH_QUERIES):
            feed(run, [4, 4, 4], start=4)
        with django_assert_num_queries(BATCH_QUERIES + 1):
            feed(run, [4, 1, 3, 3, 3] * 100, start=7)
        assert Violation.objects.count() == 10 * 101

    @pytest.mark.django_db(transaction=True)
    def test_batches_at_once_take_turns(self) -> None:
        PolicyFactory()
        run = RunFactory()
        barrier = threading.Barrier(4)
        errors: list[BaseException] = []

        def send(offset: int) -> None:
            try:
                barrier.wait(10)
                for index in range(5):
                    feed(run, [3], start=offset + 4 * index)
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
        assert Violation.objects.count() == 1
