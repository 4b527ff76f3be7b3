"""What the database refuses about alerts, by raw SQL and by name."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from core.db.identity import set_actor
from core.exceptions import CONSTRAINT_FIELDS
from tests.constitutional.database import execute, violated
from tests.factories.accounts import OperatorFactory
from tests.factories.core import RunFactory
from tests.factories.validation import (
    AbsenceRuleFactory,
    AlertFactory,
    AlertRuleFactory,
    EmailChannelFactory,
    WebhookFactory,
)
from validation.models import AlertDelivery, AlertMemory, AlertRule, MonitoringAlert

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 1, tzinfo=UTC)
STATES: dict[str, dict[str, Any]] = {
    "inactive": dict.fromkeys(["pending_at", "pending_value", "fired_at", "fired_value", "peak_value"]),
    "pending": dict.fromkeys(["fired_at", "fired_value", "peak_value"]),
    "firing": {},
    "resolved": {"resolved_at": AT + timedelta(seconds=9), "resolved_value": 0.5, "resolved_reason": "calm"},
}
STEPS = {
    "inactive": "state = 'inactive', pending_at = NULL, pending_value = NULL, fired_at = NULL, fired_value = NULL,"
    " peak_value = NULL, resolved_at = NULL, resolved_value = NULL, resolved_reason = ''",
    "pending": "state = 'pending', pending_at = coalesce(pending_at, '2026-01-01+00'), fired_at = NULL,"
    " fired_value = NULL, peak_value = NULL, resolved_at = NULL, resolved_value = NULL, resolved_reason = ''",
    "firing": "state = 'firing', pending_at = coalesce(pending_at, '2026-01-01+00'),"
    " fired_at = coalesce(fired_at, '2026-01-02+00'), resolved_at = NULL, resolved_value = NULL, resolved_reason = ''",
    "resolved": "state = 'resolved', pending_at = coalesce(pending_at, '2026-01-01+00'),"
    " fired_at = coalesce(fired_at, '2026-01-02+00'), resolved_at = coalesce(resolved_at, '2026-01-03+00'),"
    " resolved_reason = 'calm'",
}
ALLOWED = {("inactive", "pending"), ("pending", "inactive"), ("pending", "firing"), ("firing", "resolved")}


def make(state: str, **fields: Any) -> MonitoringAlert:
    return AlertFactory(state=state, **{**STATES[state], **fields})


def update(alert: MonitoringAlert, assignments: str) -> None:
    execute(f"UPDATE monitoring_alerts SET {assignments} WHERE id = %s", alert.pk)


class TestSteps:
    @pytest.mark.parametrize("before", STATES)
    @pytest.mark.parametrize("then", STATES)
    def test_each_step_is_allowed_or_refused_by_name(self, before: str, then: str) -> None:
        alert = make(before)
        if before == then or (before, then) in ALLOWED:
            update(alert, STEPS[then])
            alert.refresh_from_db()
            assert alert.state == then
        else:
            assert violated(lambda: update(alert, STEPS[then])) == "monitoring_alerts_transition"

    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("column", ["pending_at", "fired_at", "resolved_at"])
    def test_a_state_has_the_times_up_to_itself(self, state: str, column: str) -> None:
        has = {**dict.fromkeys(["pending_at", "fired_at"], AT), "resolved_at": None, **STATES[state]}
        fields = dict.fromkeys(["pending_value", "fired_value", "peak_value", "resolved_value"])
        fields[column] = None if has[column] else AT + timedelta(days=1)
        fields["resolved_reason"] = "calm" if fields.get("resolved_at", has.get("resolved_at")) else ""
        assert violated(lambda: make(state, **fields)) == "monitoring_alerts_state_times_ck"

    @pytest.mark.parametrize(
        ("state", "fields", "constraint"),
        [
            ("firing", {"fired_at": AT - timedelta(seconds=1)}, "monitoring_alerts_times_ck"),
            ("resolved", {"resolved_at": AT}, "monitoring_alerts_times_ck"),
            ("firing", {"state": "loud"}, "monitoring_alerts_state_ck"),
            ("firing", {"severity": "fatal"}, "monitoring_alerts_severity_ck"),
            ("firing", {"pending_value": float("nan")}, "monitoring_alerts_pending_value_ck"),
            ("firing", {"fired_value": float("inf")}, "monitoring_alerts_fired_value_ck"),
            ("firing", {"peak_value": float("-inf")}, "monitoring_alerts_peak_value_ck"),
            ("firing", {"resolved_value": 1.0}, "monitoring_alerts_resolved_value_ck"),
            ("pending", {"fired_value": 1.0}, "monitoring_alerts_fired_value_ck"),
            ("pending", {"peak_value": 1.0}, "monitoring_alerts_peak_value_ck"),
            ("inactive", {"pending_value": 1.0}, "monitoring_alerts_pending_value_ck"),
            ("firing", {"resolved_reason": "calm"}, "monitoring_alerts_reason_ck"),
            ("resolved", {"resolved_reason": ""}, "monitoring_alerts_reason_ck"),
            ("resolved", {"resolved_reason": "bored"}, "monitoring_alerts_reason_ck"),
            ("pending", {"acknowledged": True, "acknowledged_at": AT}, "monitoring_alerts_acknowledged_ck"),
            ("firing", {"acknowledged": True}, "monitoring_alerts_acknowledged_ck"),
            ("firing", {"acknowledged_at": AT}, "monitoring_alerts_acknowledged_ck"),
            ("pending", {"announced_at": AT}, "monitoring_alerts_announced_ck"),
            ("firing", {"series_key": "x" * 64}, "monitoring_alerts_series_ck"),
            ("firing", {"metric": ""}, "monitoring_alerts_series_ck"),
            ("firing", {"tags": []}, "monitoring_alerts_series_ck"),
        ],
    )
    def test_an_alert_that_makes_no_sense_is_refused_by_name(self, state: str, fields: dict, constraint: str) -> None:
        assert violated(lambda: AlertFactory(**{"state": state, **STATES[state], **fields})) == constraint

    def test_alerts_are_kept(self) -> None:
        for state in STATES:
            alert = make(state)
            if state == "inactive":
                execute("DELETE FROM monitoring_alerts WHERE id = %s", alert.pk)
            else:
                delete = lambda pk=alert.pk: execute("DELETE FROM monitoring_alerts WHERE id = %s", pk)  # noqa: E731
                assert violated(delete) == "monitoring_alerts_kept"


class TestPast:
    @pytest.mark.parametrize(
        "assignment",
        [
            "rule_id = rule_id + 1",
            "run_id = run_id + 1",
            "series_key = repeat('0', 64)",
            "metric = 'ha'",
            "component = 'x'",
            "unit = '1'",
            "tags = '{\"a\": 1}'",
            "id = id + 1",
        ],
    )
    def test_the_series_is_fixed(self, assignment: str) -> None:
        alert = make("inactive")
        assert violated(lambda: update(alert, assignment)) == "monitoring_alerts_identity_fixed"

    @pytest.mark.parametrize(
        ("state", "assignment"),
        [
            ("pending", "pending_at = pending_at - interval '1 s'"),
            ("pending", "pending_value = 0"),
            ("pending", "condition = 'x'"),
            ("pending", "severity = 'info'"),
            ("firing", "pending_at = pending_at - interval '1 s'"),
            ("firing", "fired_at = fired_at + interval '1 s'"),
            ("firing", "fired_value = NULL"),
            ("resolved", "resolved_at = resolved_at + interval '1 s'"),
            ("resolved", "resolved_value = 1"),
            ("resolved", "resolved_reason = 'run_ended'"),
            ("resolved", "peak_value = 0"),
            ("resolved", "silenced_until = now()"),
        ],
    )
    def test_what_was_is_fixed(self, state: str, assignment: str) -> None:
        alert = make(state)
        assert violated(lambda: update(alert, assignment)) == "monitoring_alerts_past_fixed"

    def test_an_announcement_is_made_once(self) -> None:
        alert = make("firing", announced_at=AT)
        assert violated(lambda: update(alert, "announced_at = NULL")) == "monitoring_alerts_past_fixed"

    @pytest.mark.parametrize("state", ["firing", "resolved"])
    def test_it_is_acknowledged_once_by_the_actor(self, state: str) -> None:
        actor, alert = OperatorFactory(), make(state)
        set_actor(actor.pk)
        update(alert, "acknowledged = true")
        alert.refresh_from_db()
        assert (alert.acknowledged_by, alert.acknowledged_at is not None) == (actor, True)
        for assignment in ("acknowledged = false, acknowledged_at = NULL, acknowledged_by_id = NULL",
                           "acknowledged_at = now()", "acknowledged_by_id = NULL"):  # fmt: skip
            assert violated(lambda change=assignment: update(alert, change)) == "monitoring_alerts_acknowledged_fixed"

    def test_the_peak_rises_while_it_fires(self) -> None:
        alert = make("firing")
        update(alert, "peak_value = 0.01")
        alert.refresh_from_db()
        assert alert.peak_value == 0.01


class TestOpen:
    def test_a_series_has_one_open_alert_of_a_rule(self) -> None:
        first = make("firing")
        same = {"rule": first.rule, "run": first.run}
        for state in ("pending", "firing"):
            assert violated(lambda state=state: make(state, **same)) == "monitoring_alerts_open_uq"
        make("resolved", **same)
        make("inactive", **same)
        make("firing", rule=first.rule)
        make("firing", run=first.run)
        update(first, STEPS["resolved"])
        make("pending", **same)

    @pytest.mark.django_db(transaction=True)
    def test_of_writers_at_once_one_is_refused(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        barrier, answers = threading.Barrier(4), []

        def write() -> None:
            try:
                barrier.wait(10)
                make("pending", rule=rule, run=run)
                answers.append("")
            except IntegrityError as error:
                answers.append(error.__cause__.diag.constraint_name)
            finally:
                connection.close()

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(answers) == ["", *["monitoring_alerts_open_uq"] * 3]


class TestRules:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"name": " "}, "alert_rules_name_ck"),
            ({"name": "a\nb"}, "alert_rules_name_ck"),
            ({"metric": ""}, "alert_rules_metric_ck"),
            ({"metric": "metric:"}, "alert_rules_metric_ck"),
            ({"metric": "R"}, "alert_rules_metric_ck"),
            ({"metric": "telemetry"}, "alert_rules_metric_ck"),
            ({"component": "esc"}, "alert_rules_filters_ck"),
            ({"tags": {"a": 1}}, "alert_rules_filters_ck"),
            ({"metric": "metric:x", "tags": []}, "alert_rules_tags_ck"),
            ({"labels": []}, "alert_rules_labels_ck"),
            ({"labels": {"a": 1}}, "alert_rules_labels_ck"),
            ({"run_kind": "dream"}, "alert_rules_kind_ck"),
            ({"op": "eq", "clear_threshold": None}, "alert_rules_op_ck"),
            ({"severity": "fatal"}, "alert_rules_severity_ck"),
            ({"threshold": None, "clear_threshold": None}, "alert_rules_threshold_ck"),
            ({"threshold": float("nan"), "clear_threshold": None}, "alert_rules_threshold_ck"),
            ({"threshold": 1e101, "clear_threshold": None}, "alert_rules_threshold_ck"),
            ({"threshold_high": 1.0}, "alert_rules_threshold_ck"),
            ({"op": "outside", "clear_threshold": None}, "alert_rules_threshold_ck"),
            ({"op": "outside", "threshold_high": 0.3, "clear_threshold": None}, "alert_rules_threshold_ck"),
            ({"op": "absent", "absent_for_s": 5.0, "for_s": 0.0, "clear_threshold": None}, "alert_rules_threshold_ck"),
            ({"clear_threshold": 0.2}, "alert_rules_clear_ck"),
            ({"op": "gt", "clear_threshold": 0.4}, "alert_rules_clear_ck"),
            ({"clear_threshold": float("inf")}, "alert_rules_clear_ck"),
            ({"op": "outside", "threshold_high": 1.0, "clear_threshold": 0.4}, "alert_rules_clear_ck"),
            (
                {"op": "outside", "threshold_high": 1.0, "clear_threshold": 0.6, "clear_threshold_high": 0.5},
                "alert_rules_clear_ck",
            ),
            ({"for_s": -1.0}, "alert_rules_for_ck"),
            ({"for_s": float("nan")}, "alert_rules_for_ck"),
            ({"for_s": 604801.0}, "alert_rules_for_ck"),
            ({"absent_for_s": 5.0}, "alert_rules_absent_ck"),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused_by_name(self, fields: dict, constraint: str) -> None:
        assert violated(lambda: AlertRuleFactory(**fields)) == constraint

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"absent_for_s": None}, "alert_rules_absent_ck"),
            ({"absent_for_s": 0.0}, "alert_rules_absent_ck"),
            ({"absent_for_s": float("nan")}, "alert_rules_absent_ck"),
            ({"for_s": 1.0}, "alert_rules_for_ck"),
            ({"clear_threshold": 1.0}, "alert_rules_clear_ck"),
        ],
    )
    def test_so_is_an_absent_one(self, fields: dict, constraint: str) -> None:
        assert violated(lambda: AbsenceRuleFactory(**fields)) == constraint

    def test_names_are_unique_whatever_the_case(self) -> None:
        AlertRuleFactory(name="Low r")
        EmailChannelFactory(name="Duty")
        assert violated(lambda: AlertRuleFactory(name="low R")) == "alert_rules_name_uq"
        assert violated(lambda: EmailChannelFactory(name="duty")) == "alert_channels_name_uq"

    def test_the_version_counts_changes_of_the_condition(self) -> None:
        rule = AlertRuleFactory()
        for assignment, version in (
            ("severity = 'info', runbook = 'x', labels = '{\"a\": \"b\"}', version = 9", 1),
            ("threshold = 0.2", 2),
            ("threshold = 0.2", 2),
            ("run_kind = 'live'", 3),
        ):
            execute(f"UPDATE alert_rules SET {assignment} WHERE id = %s", rule.pk)
            rule.refresh_from_db()
            assert rule.version == version

    def test_a_rule_that_alerts_tell_of_stays(self) -> None:
        alert = make("firing")

        def delete() -> None:
            execute("DELETE FROM alert_rules WHERE id = %s", alert.rule_id)
            execute("SET CONSTRAINTS ALL IMMEDIATE")

        assert violated(delete).startswith("monitoring_alerts_rule_id")


class TestChannelsAndLog:
    @pytest.mark.parametrize(
        ("factory", "fields", "constraint"),
        [
            (EmailChannelFactory, {"name": ""}, "alert_channels_name_ck"),
            (EmailChannelFactory, {"kind": "pigeon"}, "alert_channels_kind_ck"),
            (EmailChannelFactory, {"target": "nobody"}, "alert_channels_target_ck"),
            (EmailChannelFactory, {"target": "a@b c"}, "alert_channels_target_ck"),
            (EmailChannelFactory, {"target": "a,b@c"}, "alert_channels_target_ck"),
            (EmailChannelFactory, {"target": "a@b\nBcc: c@d"}, "alert_channels_target_ck"),
            (EmailChannelFactory, {"key_ref": "hook"}, "alert_channels_key_ck"),
            (WebhookFactory, {"target": "ftp://a"}, "alert_channels_target_ck"),
            (WebhookFactory, {"target": "https://a b"}, "alert_channels_target_ck"),
            (WebhookFactory, {"key_ref": ""}, "alert_channels_key_ck"),
            (WebhookFactory, {"key_ref": "../hook"}, "alert_channels_key_ck"),
            (WebhookFactory, {"key_ref": "A5c/+=="}, "alert_channels_key_ck"),
        ],
    )
    def test_a_channel_that_makes_no_sense_is_refused_by_name(
        self, factory: Any, fields: dict, constraint: str
    ) -> None:
        assert violated(lambda: factory(**fields)) == constraint

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"event": "shout"}, "alert_deliveries_event_ck"),
            ({"event": "test"}, "alert_deliveries_event_ck"),
            ({"alert": None}, "alert_deliveries_event_ck"),
            ({"attempt": 0}, "alert_deliveries_attempt_ck"),
            ({"status": "lost"}, "alert_deliveries_status_ck"),
            ({"status": "failed"}, "alert_deliveries_status_ck"),
            ({"error": "x"}, "alert_deliveries_status_ck"),
            ({"http_status": 99}, "alert_deliveries_http_ck"),
            ({"http_status": 600}, "alert_deliveries_http_ck"),
            ({"duration_ms": -1.0}, "alert_deliveries_duration_ck"),
            ({"duration_ms": float("nan")}, "alert_deliveries_duration_ck"),
        ],
    )
    def test_an_attempt_that_makes_no_sense_is_refused_by_name(self, fields: dict, constraint: str) -> None:
        assert violated(lambda: attempt(**{"alert": make("firing"), **fields})) == constraint

    def test_an_attempt_counts_once(self) -> None:
        first = attempt(make("firing"))
        same = {"channel": first.channel}
        assert violated(lambda: attempt(first.alert, **same)) == "alert_deliveries_attempt_uq"
        attempt(first.alert, attempt=2, **same)
        attempt(first.alert, event="resolved", **same)
        attempt(None, event="test", **same)
        attempt(None, event="test", **same)

    @pytest.mark.owner
    @pytest.mark.parametrize("statement", ["UPDATE alert_deliveries SET attempt = 2", "DELETE FROM alert_deliveries"])
    def test_the_log_does_not_change(self, statement: str) -> None:
        attempt(make("firing"))
        assert violated(lambda: execute(statement)) == "alert_deliveries_append_only"

    @pytest.mark.parametrize("statement", ["UPDATE alert_deliveries SET attempt = 2", "DELETE FROM alert_deliveries"])
    def test_nor_may_the_runtime_role_try(self, statement: str) -> None:
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            execute(statement)

    def test_a_memory_is_an_object_of_a_series(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        fields = {"rule": rule, "run": run, "series_key": "0" * 64, "metric": "r", "rule_version": 1, "heard_at": AT}
        for wrong, constraint in (
            ({"state": []}, "alert_memories_state_ck"),
            ({"state": {}, "series_key": "0"}, "alert_memories_series_ck"),
        ):
            assert violated(lambda wrong=wrong: AlertMemory.objects.create(**{**fields, **wrong})) == constraint
        AlertMemory.objects.create(state={}, **fields)
        assert violated(lambda: AlertMemory.objects.create(state={}, **fields)) == "alert_memories_uq"


def test_every_constraint_has_words() -> None:
    models = (AlertDelivery, AlertMemory, AlertRule, MonitoringAlert)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = ANY(%s::regclass[])",
            [[model._meta.db_table for model in models]],
        )
        names = {name for (name,) in cursor.fetchall()}
    assert names - CONSTRAINT_FIELDS.keys() == set()


def attempt(alert: MonitoringAlert | None, **fields: Any) -> AlertDelivery:
    values = {"event": "firing", "attempt": 1, "status": "delivered", "duration_ms": 1.0, **fields}
    values.setdefault("channel", None)
    values["channel"] = values["channel"] or EmailChannelFactory()
    return AlertDelivery.objects.create(**{"alert": alert, **values})
