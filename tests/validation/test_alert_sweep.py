"""What the minute's look at alerts does: absence, ends, silences that are over. And who is told what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from core.services.runs import end_run
from tests.factories.core import RunFactory
from tests.factories.validation import AbsenceRuleFactory, AlertRuleFactory, EmailChannelFactory
from validation.models import AlertMemory, AlertRule, MonitoringAlert
from validation.services import acknowledge_alert, change_alert_rule, evaluate_alerts, silence_alert, sweep_alerts

pytestmark = pytest.mark.django_db
NOW = timezone.now() + timedelta(hours=1)
"""Later than anything the tests make."""


def feed(run: Any, values: list[float], *, at: float = 0.0, metric: str = "r") -> Any:
    """Samples a second apart, the first `at` seconds after NOW, which come in with the last."""
    first = NOW.timestamp() + at
    times = first + np.arange(len(values), dtype=np.float64)
    now = after(at + max(len(values) - 1, 0))
    return evaluate_alerts(run_id=run.pk, series={metric: (times, np.array(values))} if values else {}, now=now)


def after(seconds: float) -> Any:
    return NOW + timedelta(seconds=seconds)


def list_alerts(*columns: str) -> list[tuple]:
    return list(MonitoringAlert.objects.order_by("pk").values_list("state", *columns))


def list_messages() -> list[tuple[str, int]]:
    jobs = ProcrastinateJob.objects.order_by("id").values_list("task_name", "args")
    return [(args["event"], args["channel_id"]) for task, args in jobs if task == "validation.deliver_alert"]


class TestAbsence:
    def test_silence_fires_and_telemetry_ends_it(self) -> None:
        AbsenceRuleFactory()
        run = RunFactory()
        feed(run, [0.5])
        assert (sweep_alerts(now=after(59)), list_alerts()) == (0, [])
        assert sweep_alerts(now=after(90)) == 1
        assert list_alerts("pending_at", "fired_at", "fired_value") == [("firing", after(0), after(60), None)]
        assert sweep_alerts(now=after(150)) == 0
        feed(run, [], at=200)
        assert list_alerts("resolved_at", "resolved_reason") == [("resolved", after(200), "calm")]
        assert sweep_alerts(now=after(259)) == 0
        assert sweep_alerts(now=after(260)) == 1
        assert list_alerts("pending_at") == [("resolved", after(0)), ("firing", after(200))]

    def test_a_run_that_never_sent_anything_is_silent_too(self) -> None:
        AbsenceRuleFactory()
        run = RunFactory()
        assert sweep_alerts(now=run.created_at + timedelta(seconds=59)) == 0
        assert sweep_alerts(now=NOW) == 1
        assert MonitoringAlert.objects.get().run == run

    def test_an_ended_run_is_not(self) -> None:
        AbsenceRuleFactory()
        run = RunFactory()
        feed(run, [0.5])
        end_run(run=run, ended_at=after(1))
        RunFactory(ended_at=after(1))
        assert sweep_alerts(now=after(100)) == 0

    @pytest.mark.parametrize(("fields", "count"), [({"run_kind": "live"}, 1), ({"run_kind": ""}, 2)])
    def test_a_rule_is_about_some_runs(self, fields: dict, count: int) -> None:
        AbsenceRuleFactory(**fields)
        RunFactory(kind="live")
        RunFactory()
        assert sweep_alerts(now=NOW) == count

    def test_one_series_may_be_silent_while_the_run_is_not(self) -> None:
        AbsenceRuleFactory(metric="metric:loss")
        run = RunFactory()
        feed(run, [0.5], metric="metric:loss")
        feed(run, [0.5], at=50, metric="metric:other")
        assert sweep_alerts(now=after(60)) == 1
        feed(run, [0.5], at=70, metric="metric:other")
        assert list_alerts() == [("firing",)]
        feed(run, [0.5], at=80, metric="metric:loss")
        assert list_alerts() == [("resolved",)]

    def test_a_rule_that_was_off_begins_to_listen_anew(self) -> None:
        rule, run = AbsenceRuleFactory(), RunFactory()
        feed(run, [0.5], at=-3600)
        AlertRule.objects.update(is_active=False)
        assert sweep_alerts(now=timezone.now() + timedelta(seconds=30)) == 0
        change_alert_rule(rule_id=rule.pk, is_active=True)
        assert sweep_alerts(now=timezone.now() + timedelta(seconds=30)) == 0
        assert sweep_alerts(now=NOW) == 1

    def test_a_changed_rule_ends_its_alert_and_listens_anew(self) -> None:
        rule, run = AbsenceRuleFactory(), RunFactory()
        feed(run, [0.5])
        sweep_alerts(now=after(60))
        change_alert_rule(rule_id=rule.pk, absent_for_s=10.0)
        assert sweep_alerts(now=after(70)) == 2
        assert list_alerts("resolved_reason") == [("resolved", "rule_changed"), ("firing", "")]
        assert sweep_alerts(now=after(80)) == 0

    def test_a_rule_that_is_now_about_others_forgets_the_series(self) -> None:
        rule, run = AbsenceRuleFactory(), RunFactory()
        feed(run, [0.5])
        sweep_alerts(now=after(60))
        change_alert_rule(rule_id=rule.pk, run_kind="live")
        assert sweep_alerts(now=after(70)) == 1
        assert list_alerts() == [("resolved",)]
        assert not AlertMemory.objects.exists()

    def test_silence_fires_no_threshold(self) -> None:
        """A pending alert waits for a sample: that nothing comes is the matter of an absent rule."""
        AlertRuleFactory()
        feed(RunFactory(), [0.1])
        assert sweep_alerts(now=after(1000)) == 0
        assert list_alerts() == [("pending",)]


class TestEnds:
    def test_with_the_run(self) -> None:
        AlertRuleFactory()
        AbsenceRuleFactory()
        firing, pending = RunFactory(), RunFactory()
        feed(firing, [0.1, 0.1, 0.1, 0.1])
        feed(pending, [0.1, 0.1])
        sweep_alerts(now=after(100))
        for run in (firing, pending):
            end_run(run=run, ended_at=after(200))
        assert sweep_alerts(now=after(200)) == 3
        rows = sorted(list_alerts("metric", "resolved_at", "resolved_reason"), key=str)
        assert rows == [
            ("inactive", "r", None, ""),
            ("resolved", "r", after(3), "run_ended"),
            ("resolved", "telemetry", after(200), "run_ended"),
            ("resolved", "telemetry", after(200), "run_ended"),
        ]
        assert sweep_alerts(now=after(300)) == 0

    def test_with_the_rule(self) -> None:
        rule, run = AlertRuleFactory(for_s=0.0), RunFactory()
        feed(run, [0.1, 0.1])
        change_alert_rule(rule_id=rule.pk, is_active=False)
        assert sweep_alerts(now=after(10)) == 1
        assert list_alerts("resolved_at", "resolved_reason") == [("resolved", after(1), "rule_off")]
        assert not feed(run, [0.1], at=2).fired
        change_alert_rule(rule_id=rule.pk, is_active=True)
        assert len(feed(run, [0.1], at=3).fired) == 1

    def test_with_its_condition_where_no_batch_comes(self) -> None:
        rule, run = AlertRuleFactory(for_s=0.0), RunFactory()
        feed(run, [0.1, 0.1])
        change_alert_rule(rule_id=rule.pk, threshold=0.05)
        assert sweep_alerts(now=after(10)) == 1
        assert sweep_alerts(now=after(70)) == 0
        assert list_alerts("resolved_reason") == [("resolved", "rule_changed")]

    def test_the_number_of_queries_does_not_grow_with_the_series(self, django_assert_num_queries: Any) -> None:
        run = RunFactory()
        for _ in range(2):
            AbsenceRuleFactory()
        feed(run, [0.5])
        with django_assert_num_queries(13):
            assert sweep_alerts(now=after(60)) == 2
        for _ in range(20):
            AbsenceRuleFactory()
        feed(run, [0.5], at=100)
        with django_assert_num_queries(13):
            assert sweep_alerts(now=after(160)) == 22


class TestMessages:
    """Who is told: queued with the change, once for each event and channel."""

    def test_firing_and_end_go_to_the_active_channels(self) -> None:
        on, off, other = EmailChannelFactory(), EmailChannelFactory(is_active=False), EmailChannelFactory()
        AlertRuleFactory(channels=[on, off, other], for_s=0.0)
        run = RunFactory()
        feed(run, [0.5])
        assert list_messages() == []
        feed(run, [0.1], at=1)
        assert list_messages() == [("firing", on.pk), ("firing", other.pk)]
        feed(run, [0.1, 0.05], at=2)
        assert len(list_messages()) == 2
        feed(run, [0.5], at=4)
        assert list_messages()[2:] == [("resolved", on.pk), ("resolved", other.pk)]
        assert ProcrastinateJob.objects.filter(args__channel_id=on.pk).values("lock").distinct().count() == 1

    def test_what_came_and_went_in_a_batch_is_told_once(self) -> None:
        channel = EmailChannelFactory()
        AlertRuleFactory(channels=[channel], for_s=0.0)
        feed(RunFactory(), [0.1, 0.5, 0.1, 0.5, 0.1])
        assert list_messages() == [("resolved", channel.pk), ("resolved", channel.pk), ("firing", channel.pk)]

    def test_pending_alerts_are_not_told(self) -> None:
        AlertRuleFactory(channels=[EmailChannelFactory()])
        feed(RunFactory(), [0.1])
        assert list_messages() == []

    def test_history_is_not_told(self) -> None:
        channel = EmailChannelFactory()
        AlertRuleFactory(channels=[channel], for_s=0.0)
        run = RunFactory()
        old = {"r": (NOW.timestamp() - 7200 + np.arange(4.0), np.array([0.1, 0.5, 0.5, 0.1]))}
        assert len(evaluate_alerts(run_id=run.pk, series=old, now=NOW).fired) == 2
        assert list_messages() == []
        # What goes on when the series is of now is told.
        feed(run, [0.1])
        assert list_messages() == [("firing", channel.pk)]

    def test_a_silenced_alert_is_told_when_the_silence_ends(self) -> None:
        channel = EmailChannelFactory()
        rule = AlertRuleFactory(channels=[channel])
        run = RunFactory()
        feed(run, [0.1])
        silence_alert(alert_id=MonitoringAlert.objects.get().pk, until=after(100), now=after(0))
        feed(run, [0.1, 0.1], at=1)
        assert (list_alerts(), list_messages()) == ([("firing",)], [])
        sweep_alerts(now=after(99))
        assert list_messages() == []
        sweep_alerts(now=after(100))
        sweep_alerts(now=after(101))
        assert list_messages() == [("firing", channel.pk)]
        assert MonitoringAlert.objects.get(rule=rule).announced_at == after(100)

    def test_nobody_is_told_of_what_a_silence_covers(self) -> None:
        AlertRuleFactory(channels=[EmailChannelFactory()])
        run = RunFactory()
        feed(run, [0.1])
        silence_alert(alert_id=MonitoringAlert.objects.get().pk, until=after(100), now=after(0))
        feed(run, [0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.5], at=1)
        assert list_alerts() == [("resolved",), ("resolved",)]
        sweep_alerts(now=after(200))
        assert list_messages() == []

    def test_who_knows_of_an_alert_is_told_its_end_whatever_the_silence(self) -> None:
        channel = EmailChannelFactory()
        AlertRuleFactory(channels=[channel], for_s=0.0)
        run = RunFactory()
        feed(run, [0.1])
        silence_alert(alert_id=MonitoringAlert.objects.get().pk, until=after(100), now=after(0))
        feed(run, [0.5], at=1)
        assert list_messages() == [("firing", channel.pk), ("resolved", channel.pk)]

    def test_an_acknowledged_alert_is_not_told(self) -> None:
        AlertRuleFactory(channels=[EmailChannelFactory()])
        run = RunFactory()
        feed(run, [0.1])
        alert = silence_alert(alert_id=MonitoringAlert.objects.get().pk, until=after(100), now=after(0))
        feed(run, [0.1, 0.1], at=1)
        acknowledge_alert(alert_id=alert.pk, actor=None, now=after(3))
        sweep_alerts(now=after(100))
        feed(run, [0.1], at=101)
        assert list_messages() == []

    def test_a_channel_that_comes_later_is_told_of_what_fires(self) -> None:
        rule, run = AlertRuleFactory(for_s=0.0), RunFactory()
        feed(run, [0.1])
        channel = EmailChannelFactory()
        change_alert_rule(rule_id=rule.pk, channels=[channel])
        feed(run, [0.1], at=1)
        assert list_messages() == [("firing", channel.pk)]

    def test_absence_is_told_and_so_is_its_end(self) -> None:
        channel = EmailChannelFactory()
        AbsenceRuleFactory(channels=[channel])
        run = RunFactory()
        sweep_alerts(now=NOW)
        feed(run, [0.5])
        assert list_messages() == [("firing", channel.pk), ("resolved", channel.pk)]

    def test_the_end_of_a_run_is_told(self) -> None:
        channel = EmailChannelFactory()
        AlertRuleFactory(channels=[channel], for_s=0.0)
        run = RunFactory()
        feed(run, [0.1])
        end_run(run=run, ended_at=after(5))
        sweep_alerts(now=after(60))
        assert list_messages() == [("firing", channel.pk), ("resolved", channel.pk)]

    def test_messages_cost_the_same_however_many(self, django_assert_num_queries: Any) -> None:
        channels = [EmailChannelFactory() for _ in range(5)]
        for _ in range(4):
            AlertRuleFactory(channels=channels, for_s=0.0)
        run = RunFactory()
        feed(run, [0.5])
        with django_assert_num_queries(8):
            feed(run, [0.1], at=1)
        assert len(list_messages()) == 20
