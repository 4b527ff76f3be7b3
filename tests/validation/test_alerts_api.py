"""Alert rules, channels, alerts and the delivery log through the API."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.factories.accounts import OperatorFactory
from tests.factories.validation import (
    AbsenceRuleFactory,
    AlertFactory,
    AlertRuleFactory,
    EmailChannelFactory,
    WebhookFactory,
)
from tests.validation.receiver import receive
from validation.models import AlertChannel, AlertRule, MonitoringAlert
from validation.services import send_test

pytestmark = pytest.mark.django_db
RULES, CHANNELS, ALERTS = "/api/v1/alert-rules/", "/api/v1/alert-channels/", "/api/v1/alerts/"
DELIVERIES = "/api/v1/alert-deliveries/"
RULE = {"name": "Low r", "metric": "r", "op": "lt", "threshold": 0.3, "severity": "warning"}
CHANNEL = {"name": "duty", "kind": "email", "target": "duty@example.org"}
HOOK = {"name": "hook", "kind": "webhook", "target": "https://hooks.example.org/", "key_ref": "hook"}
PENDING = {"state": "pending", "fired_at": None, "fired_value": None, "peak_value": None}
INACTIVE = PENDING | {"state": "inactive", "pending_at": None, "pending_value": None}


def named(response: Any) -> set[str]:
    assert response["Content-Type"] == "application/problem+json", response.content
    return {error["field"].split(".")[0] for error in response.json()["errors"]}


def as_role(api: Any, *permissions: str) -> Any:
    """The client, signed in as somebody with these permissions of the app."""
    from django.contrib.auth.models import Permission

    user = OperatorFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    api.force_authenticate(user)
    return api


class TestRules:
    def test_made_changed_and_deleted(self, admin_api: Any) -> None:
        channels = sorted([EmailChannelFactory().pk, EmailChannelFactory().pk])
        made = admin_api.post(RULES, RULE | {"channels": channels[::-1], "labels": {"team": "a"}, "for_s": 5})
        assert made.status_code == 201, made.content
        body = made.json()
        assert (body["condition"], body["version"]) == ("r below 0.3 for 5 s; ends at or above 0.3", 1)
        assert (body["channels"], body["is_active"], body["tags"], body["run"]) == (channels, True, {}, None)
        url = f"{RULES}{body['id']}/"
        changed = admin_api.patch(url, {"clear_threshold": 0.4, "channels": channels[:1]})
        assert changed.status_code == 200, changed.content
        assert (changed.json()["version"], changed.json()["channels"]) == (2, channels[:1])
        assert admin_api.get(url).json() == changed.json()
        assert admin_api.patch(url, {"threshold": None}).status_code == 400
        assert admin_api.delete(url).status_code == 204
        assert admin_api.get(url).status_code == 404

    def test_one_that_alerts_tell_of_stays(self, admin_api: Any) -> None:
        assert admin_api.delete(f"{RULES}{AlertFactory().rule_id}/").status_code == 409

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"name": ""}, "name"),
            ({"name": "LOW ORDER"}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"name": 5}, "name"),
            ({"name": None}, "name"),
            ({"metric": "phase"}, "metric"),
            ({"metric": "telemetry"}, "metric"),
            ({"metric": "metric:" + "x" * 101}, "metric"),
            ({"metric": {}}, "metric"),
            ({"component": "esc"}, "component"),
            ({"tags": []}, "tags"),
            ({"tags": {"a": 1}}, "component"),
            ({"run": 2**40}, "run"),
            ({"run": 2**70}, "run"),
            ({"run": "1"}, "run"),
            ({"run_kind": "dream"}, "run_kind"),
            ({"op": "eq"}, "op"),
            ({"op": ["lt"]}, "op"),
            ({"threshold": None}, "threshold"),
            ({"threshold": "0.3"}, "threshold"),
            ({"threshold": True}, "threshold"),
            ({"threshold": 1.5}, "threshold"),
            ({"threshold": 10**400}, "threshold"),
            ({"threshold_high": 0.5}, "threshold"),
            ({"op": "outside"}, "threshold"),
            ({"clear_threshold": 0.2}, "clear_threshold"),
            ({"for_s": -1}, "for_s"),
            ({"for_s": 10**9}, "for_s"),
            ({"for_s": None}, "for_s"),
            ({"absent_for_s": 5}, "absent_for_s"),
            ({"severity": "fatal"}, "severity"),
            ({"is_active": "maybe"}, "is_active"),
            ({"runbook": 5}, "runbook"),
            ({"runbook": "x" * 20_001}, "runbook"),
            ({"labels": {"a": 1}}, "labels"),
            ({"labels": ["a"]}, "labels"),
            ({"labels": {"a": "x" * 201}}, "labels"),
            ({"labels": {f"a{n}": "x" * 100 for n in range(50)}}, "labels"),
            ({"channels": [2**40]}, "channels"),
            ({"channels": [2**70]}, "channels"),
            ({"channels": [True]}, "channels"),
            ({"channels": ["1"]}, "channels"),
            ({"channels": 1}, "channels"),
            ({"channels": [1] * 101}, "channels"),
            ({"version": 2}, "version"),
            ({"condition": "x"}, "condition"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_bad_values_are_named(self, admin_api: Any, fields: dict, name: str) -> None:
        AlertRuleFactory(name="Low order")
        answer = admin_api.post(RULES, RULE | fields)
        assert answer.status_code == 400, answer.content
        assert name in named(answer)
        assert AlertRule.objects.count() == 1

    @pytest.mark.parametrize(
        "text", ['"a\\u0000"', '"\\ud800"', "1e999", "NaN", "-Infinity", "[" * 900 + "]" * 900, '{"a": 1, "a": 2}']
    )
    def test_poison_is_refused(self, admin_api: Any, text: str) -> None:
        for field in ("name", "tags", "labels", "threshold", "runbook"):
            body = '{"metric": "metric:x", "op": "gt", "severity": "info", "' + field + '": ' + text + "}"
            answer = admin_api.generic("POST", RULES, body.encode(), content_type="application/json")
            assert answer.status_code == 400, answer.content

    def test_numbers_beyond_64_bits_in_tags_are_read_again(self, admin_api: Any) -> None:
        body = RULE | {"metric": "metric:x", "tags": {"a": 2**80, "b": [1e300]}}
        made = admin_api.post(RULES, body)
        assert made.status_code == 201, made.content
        answer = admin_api.get(RULES)
        assert answer.status_code == 200
        assert answer.json()["results"][0]["tags"]["a"] == 2**80

    def test_lists_are_filtered_and_cost_the_same(self, admin_api: Any, django_assert_num_queries: Any) -> None:
        for n in range(5):
            AlertRuleFactory(labels={"team": f"{n}"}, channels=[EmailChannelFactory()], is_active=n > 0)
        AbsenceRuleFactory(severity="critical")
        with django_assert_num_queries(4):
            assert len(admin_api.get(RULES).json()["results"]) == 6
        for query, count in [
            ({"metric": "r"}, 5),
            ({"severity": "critical"}, 1),
            ({"is_active": "false"}, 1),
            ({"label": "team"}, 5),
            ({"label": "team=3"}, 1),
            ({"label": "=3"}, 0),
        ]:
            assert len(admin_api.get(RULES, query).json()["results"]) == count, query
        for query in ({"severity": "x"}, {"is_active": "x"}, {"colour": "red"}, {"label": "a\x00"}):
            assert admin_api.get(RULES, query).status_code == 400


class TestChannels:
    def test_made_changed_and_deleted(self, admin_api: Any) -> None:
        made = admin_api.post(CHANNELS, HOOK)
        assert made.status_code == 201, made.content
        url = f"{CHANNELS}{made.json()['id']}/"
        assert admin_api.patch(url, {"is_active": False}).json()["is_active"] is False
        assert admin_api.patch(url, {"kind": "email"}).status_code == 400
        assert admin_api.get(CHANNELS, {"kind": "webhook", "is_active": "false"}).json()["results"][0]["name"] == "hook"
        assert admin_api.delete(url).status_code == 204

    @pytest.mark.parametrize(
        ("base", "fields", "name"),
        [
            (CHANNEL, {"name": "\t"}, "name"),
            (CHANNEL, {"name": "DUTY officer"}, "name"),
            (CHANNEL, {"kind": "pigeon"}, "kind"),
            (CHANNEL, {"target": "nobody"}, "target"),
            (CHANNEL, {"target": "a@example.org\nBcc: b@example.org"}, "target"),
            (CHANNEL, {"target": "x" * 600}, "target"),
            (CHANNEL, {"target": 5}, "target"),
            (CHANNEL, {"key_ref": "hook"}, "key_ref"),
            (HOOK, {"key_ref": ""}, "key_ref"),
            (HOOK, {"key_ref": "../../etc/passwd"}, "key_ref"),
            (HOOK, {"target": "http://u:p@example.org/"}, "target"),
            (HOOK, {"target": "javascript:alert(1)"}, "target"),
            (HOOK, {"target": "https://h\u202eost/"}, "target"),
            (CHANNEL, {"colour": "red"}, "colour"),
        ],
    )
    def test_bad_values_are_named(self, admin_api: Any, base: dict, fields: dict, name: str) -> None:
        EmailChannelFactory(name="duty officer")
        answer = admin_api.post(CHANNELS, base | fields)
        assert answer.status_code == 400, answer.content
        assert name in named(answer)
        assert AlertChannel.objects.count() == 1

    def test_a_test_says_what_happened(self, admin_api: Any, settings: Any, tmp_path: Path) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = [ipaddress.ip_network("127.0.0.0/8")]
        settings.SECRETS_DIR = str(tmp_path)
        (tmp_path / "hook").write_text("x" * 32)
        with receive(200, 500) as receiver:
            url = f"{CHANNELS}{WebhookFactory(target=receiver.url).pk}/test/"
            arrived, failed = admin_api.post(url).json(), admin_api.post(url).json()
        assert (arrived["status"], arrived["http_status"], arrived["error"]) == ("delivered", 200, "")
        assert (failed["status"], failed["http_status"], failed["event"]) == ("given_up", 500, "test")
        assert failed["error"].startswith("The answer was 500")
        assert [row["id"] for row in admin_api.get(DELIVERIES).json()["results"]] == [failed["id"], arrived["id"]]
        assert admin_api.get(f"{DELIVERIES}{failed['id']}/").json()["http_status"] == 500
        assert admin_api.post(url, {"loud": True}).status_code == 400
        assert admin_api.post(f"{CHANNELS}999999/test/").status_code == 404

    def test_one_that_messages_went_to_stays(self, admin_api: Any) -> None:
        channel = EmailChannelFactory()
        send_test(channel_id=channel.pk, now=timezone.now())
        assert admin_api.delete(f"{CHANNELS}{channel.pk}/").status_code == 409


class TestAlerts:
    def test_they_are_listed_newest_first_and_filtered(self, admin_api: Any, django_assert_num_queries: Any) -> None:
        first = AlertFactory(severity="critical", acknowledged=True, acknowledged_at=timezone.now())
        second = AlertFactory(pending_at=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), metric="ha")
        third = AlertFactory(**PENDING | {"pending_at": datetime(2026, 1, 2, tzinfo=UTC)})
        AlertFactory(**INACTIVE)
        with django_assert_num_queries(3):
            rows = admin_api.get(ALERTS).json()["results"]
        assert [row["id"] for row in rows] == [third.pk, second.pk, first.pk]
        assert rows[2]["rule_name"] == first.rule.name
        for query, found in [
            ({"state": "firing"}, [second, first]),
            ({"severity": "critical"}, [first]),
            ({"acknowledged": "true"}, [first]),
            ({"metric": "ha"}, [second]),
            ({"rule": first.rule_id}, [first]),
            ({"run": second.run_id}, [second]),
            ({"since": "2026-01-02T00:00:00Z"}, [third]),
            ({"until": "2026-01-01T00:00:01Z"}, [first]),
        ]:
            ids = [row["id"] for row in admin_api.get(ALERTS, query).json()["results"]]
            assert ids == [alert.pk for alert in found], query
        page = admin_api.get(ALERTS, {"limit": 1}).json()
        assert admin_api.get(page["next"]).json()["results"][0]["id"] == second.pk
        for query in ({"state": "inactive"}, {"rule": "x"}, {"since": "x"}, {"colour": "red"}, {"metric": "\x00"}):
            assert admin_api.get(ALERTS, query).status_code == 400, query

    def test_one_that_waits_is_not_shown(self, admin_api: Any) -> None:
        waiting = AlertFactory(**INACTIVE)
        assert admin_api.get(f"{ALERTS}{waiting.pk}/").status_code == 404
        assert admin_api.post(f"{ALERTS}{waiting.pk}/acknowledge/").status_code == 404

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
    def test_nobody_writes_one(self, admin_api: Any, method: str) -> None:
        url = ALERTS if method == "post" else f"{ALERTS}{AlertFactory().pk}/"
        assert getattr(admin_api, method)(url, {}).status_code == 405
        assert getattr(admin_api, method)(DELIVERIES, {}).status_code == 405

    def test_it_is_acknowledged_once(self, api: Any) -> None:
        client, alert = as_role(api, "acknowledge_alert"), AlertFactory()
        url = f"{ALERTS}{alert.pk}/acknowledge/"
        assert client.post(url, {"note": "x"}).status_code == 400
        answer = client.post(url)
        assert answer.status_code == 200, answer.content
        alert.refresh_from_db()
        assert answer.json()["acknowledged_by"] == alert.acknowledged_by_id == api.handler._force_user.pk
        assert client.post(url).status_code == 409
        assert client.post(f"{ALERTS}{AlertFactory(**PENDING).pk}/acknowledge/").status_code == 409
        assert client.post(f"{ALERTS}{'9' * 18}/acknowledge/").status_code == 404

    def test_it_is_silenced_for_a_while(self, api: Any) -> None:
        client, url = as_role(api, "silence_alert"), f"{ALERTS}{AlertFactory().pk}/silence/"
        until = timezone.now() + timedelta(hours=1)
        assert client.post(url, {"until": until.isoformat()}).json()["silenced_until"] is not None
        assert MonitoringAlert.objects.get().silenced_until == until
        assert client.post(url, {"until": None}).status_code == 200
        assert MonitoringAlert.objects.get().silenced_until <= timezone.now()
        for body in (
            {},
            {"until": "yesterday"},
            {"until": 5},
            {"until": "2026-01-01T00:00:00Z"},
            {"until": "9999-12-31T23:59:59-10:00"},
            {"until": "0001-01-01T00:00:00+10:00"},
            {"until": "2026-02-30T00:00:00Z"},
            {"until": (until + timedelta(days=31)).isoformat()},
            {"until": until.isoformat(), "reason": "x"},
            [],
        ):
            assert client.post(url, body).status_code == 400, body
        assert client.post(url, {"until": 5}).json()["errors"][0]["field"] == "until"

    def test_the_delivery_log_is_filtered(self, admin_api: Any, django_assert_num_queries: Any) -> None:
        alert, channel = AlertFactory(), EmailChannelFactory()
        for attempt in (1, 2):
            alert.deliveries.create(
                channel=channel, event="firing", attempt=attempt, status="failed", error="x", duration_ms=1.0
            )
        with django_assert_num_queries(3):
            assert len(admin_api.get(DELIVERIES, {"alert": alert.pk}).json()["results"]) == 2
        for query, count in [
            ({"channel": channel.pk, "event": "firing"}, 2),
            ({"status": "given_up"}, 0),
            ({"until": "2020-01-01T00:00:00Z"}, 0),
        ]:
            assert len(admin_api.get(DELIVERIES, query).json()["results"]) == count


class TestWhoMay:
    def test_operators_handle_alerts_and_do_not_edit_rules(self, api: Any) -> None:
        from django.core.management import call_command

        call_command("loaddata", "roles", verbosity=0)
        api.force_authenticate(OperatorFactory())
        alert = AlertFactory()
        assert api.get(ALERTS).status_code == 200
        assert api.get(RULES).status_code == 200
        assert api.post(f"{ALERTS}{alert.pk}/acknowledge/").status_code == 200
        until = (timezone.now() + timedelta(hours=1)).isoformat()
        assert api.post(f"{ALERTS}{alert.pk}/silence/", {"until": until}).status_code == 200
        assert api.post(RULES, RULE).status_code == 403
        assert api.patch(f"{RULES}{alert.rule_id}/", {"threshold": 0.1}).status_code == 403
        assert api.post(CHANNELS, CHANNEL).status_code == 403
        assert api.post(f"{CHANNELS}{EmailChannelFactory().pk}/test/").status_code == 403

    @pytest.mark.parametrize("permissions", [(), ("view_monitoringalert",), ("change_monitoringalert",)])
    def test_nobody_else_handles_them(self, api: Any, permissions: tuple) -> None:
        client, alert = as_role(api, *permissions), AlertFactory()
        for action in ("acknowledge", "silence"):
            assert client.post(f"{ALERTS}{alert.pk}/{action}/", {}).status_code == 403

    def test_nobody_unknown_sees_anything(self, api: Any) -> None:
        for url in (RULES, CHANNELS, ALERTS, DELIVERIES):
            assert api.get(url).status_code == 401
