"""Alerts as batches bring them: one an episode, however the series is cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.factories.core import RunFactory
from tests.factories.validation import AlertRuleFactory
from validation.models import AlertRule, MonitoringAlert
from validation.services import evaluate_alerts
from validation.services.alerts import AlertOutcome

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
T0 = START.timestamp()
BATCH_QUERIES = 10


def feed(run: Any, values: Any, *, start: float = 0.0, metric: str = "r", now: datetime = START) -> AlertOutcome:
    samples = np.asarray(values, dtype=np.float64)
    times = T0 + start + np.arange(samples.size)
    return evaluate_alerts(run_id=run.pk, series={metric: (times, samples)}, now=now)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def list_rows(*columns: str) -> list[tuple]:
    return list(MonitoringAlert.objects.order_by("pk").values_list("pk", "state", *columns))


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
