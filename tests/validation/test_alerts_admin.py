"""People at alerts: rules in sentences, alerts acknowledged and silenced, channels tested."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.validation import (
    AbsenceRuleFactory,
    AlertFactory,
    AlertRuleFactory,
    EmailChannelFactory,
    WebhookFactory,
)
from tests.validation.receiver import receive
from validation.models import AlertChannel, AlertDelivery, AlertRule, MonitoringAlert
from validation.services import send_test

pytestmark = pytest.mark.django_db
BASE = "/admin/validation"
RULE = {
    "name": "Low r",
    "metric": "r",
    "component": "",
    "tags": "{}",
    "op": "lt",
    "threshold": "0.3",
    "for_s": "5",
    "severity": "warning",
    "is_active": "on",
    "labels": "",
}
RESOLVED = {"state": "resolved", "resolved_at": datetime(2026, 1, 1, 1, tzinfo=UTC), "resolved_reason": "calm"}
PENDING = {"state": "pending", "fired_at": None, "fired_value": None, "peak_value": None}


@pytest.fixture
def page(client: Any) -> Any:
    client.force_login(AdminFactory())
    return client


def staff(*permissions: str) -> Client:
    user = UserFactory(role="operator")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, (answer.status_code, answer.content[:500])
    return answer.content.decode()


def errors_of(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


class TestRules:
    def test_made_and_changed(self, page: Any) -> None:
        channel = EmailChannelFactory()
        answer = page.post(f"{BASE}/alertrule/add/", RULE | {"channels": [channel.pk]})
        assert answer.status_code == 302, errors_of(answer)
        rule = AlertRule.objects.get()
        assert (rule.threshold, rule.labels, list(rule.channels.all())) == (0.3, {}, [channel])
        text = text_of(page.get(f"{BASE}/alertrule/"))
        assert "r below 0.3 for 5 s; ends at or above 0.3" in text
        assert channel.name in text
        url = f"{BASE}/alertrule/{rule.pk}/change/"
        assert page.post(url, RULE | {"threshold": "0.2", "labels": '{"team": "a"}'}).status_code == 302
        rule.refresh_from_db()
        assert (rule.threshold, rule.labels, rule.version, rule.channels.count()) == (0.2, {"team": "a"}, 2, 0)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"name": "low ORDER"}, "name"),
            ({"metric": "phase"}, "metric"),
            ({"threshold": ""}, "threshold"),
            ({"threshold": "nan"}, "threshold"),
            ({"threshold": "1e400"}, "threshold"),
            ({"threshold": "2"}, "threshold"),
            ({"clear_threshold": "0.1"}, "clear_threshold"),
            ({"for_s": "-1"}, "for_s"),
            ({"op": "absent"}, "absent_for_s"),
            ({"labels": '{"a": 1}'}, "labels"),
            ({"labels": "{"}, "labels"),
            ({"labels": '{"a": "\\u0000"}'}, "labels"),
            ({"tags": '{"a": 1}'}, "component"),
            ({"run": "999999999999999999999"}, "run"),
        ],
    )
    def test_what_is_refused_stands_beside_its_box(self, page: Any, fields: dict, field: str) -> None:
        AlertRuleFactory(name="Low order")
        answer = page.post(f"{BASE}/alertrule/add/", RULE | fields)
        assert answer.status_code == 200
        assert field in errors_of(answer)
        assert AlertRule.objects.count() == 1

    def test_one_with_alerts_is_not_deleted(self, page: Any) -> None:
        used, unused = AlertFactory().rule, AbsenceRuleFactory()
        assert page.post(f"{BASE}/alertrule/{used.pk}/delete/", {"post": "yes"}).status_code == 403
        assert page.post(f"{BASE}/alertrule/{unused.pk}/delete/", {"post": "yes"}).status_code == 302
        assert AlertRule.objects.get() == used
        assert "delete_selected" not in text_of(page.get(f"{BASE}/alertrule/"))

    def test_lists_cost_the_same_however_long(self, page: Any, django_assert_max_num_queries: Any) -> None:
        for _ in range(20):
            AlertRuleFactory(channels=[EmailChannelFactory()])
            AlertFactory()
        for model in ("alertrule", "alertchannel", "monitoringalert", "alertdelivery"):
            with django_assert_max_num_queries(13):
                text_of(page.get(f"{BASE}/{model}/", {"within": "all"} if model == "monitoringalert" else {}))


class TestAlerts:
    def test_the_page_shows_state_times_and_messages(self, page: Any) -> None:
        alert = AlertFactory(rule=AlertRuleFactory(runbook="Look <here>."), tags={"fold": 1}, component="esc")
        alert.deliveries.create(
            channel=EmailChannelFactory(name="duty"),
            event="firing",
            status="failed",
            error="<refused>",
            duration_ms=1.0,
        )
        text = text_of(page.get(f"{BASE}/monitoringalert/{alert.pk}/change/"))
        assert '<span class="alert-mark critical">firing</span>' in text
        assert "esc.r (fold=1)" in text
        assert "Look &lt;here&gt;." in text
        assert "&lt;refused&gt;" in text
        assert "nfcs-timeline" in text
        assert "pending: 2026-01-01 00:00:00 to 2026-01-01 00:00:02 UTC" in text
        assert "style=" not in text

    @pytest.mark.parametrize("fields", [PENDING, {}, RESOLVED, {"fired_at": datetime(2026, 1, 1, tzinfo=UTC)}])
    def test_every_state_is_drawn(self, page: Any, fields: dict) -> None:
        alert = AlertFactory(**fields)
        for now in (timezone.now(), datetime(2026, 1, 1, tzinfo=UTC)):
            MonitoringAlert.objects.filter(pk=alert.pk, fired_at__isnull=False).exclude(acknowledged=True).update(
                acknowledged=True, acknowledged_at=now
            )
            assert "nfcs-timeline" in text_of(page.get(f"{BASE}/monitoringalert/{alert.pk}/change/"))

    def test_what_tells_nothing_is_not_listed(self, page: Any) -> None:
        firing = AlertFactory()
        over = AlertFactory(**RESOLVED)
        AlertFactory(**PENDING | {"state": "inactive", "pending_at": None, "pending_value": None})
        for query, found in [
            ({}, [over, firing]),
            ({"state": "open"}, [firing]),
            ({"state": "resolved"}, [over]),
            ({"severity": "critical"}, []),
            ({"q": firing.rule.name}, [firing]),
        ]:
            answer = page.get(f"{BASE}/monitoringalert/", {"within": "all", **query})
            assert {row.pk for row in answer.context["cl"].result_list} == {row.pk for row in found}, query

    def test_acknowledged_by_a_button(self, page: Any) -> None:
        alert = AlertFactory()
        url = f"{BASE}/monitoringalert/{alert.pk}/"
        assert "acknowledge/" in text_of(page.get(f"{url}change/"))
        assert page.get(f"{url}acknowledge/").status_code == 405
        assert page.post(f"{url}acknowledge/", follow=True).redirect_chain[-1][0] == f"{url}change/"
        alert.refresh_from_db()
        assert alert.acknowledged_by is not None
        assert "acknowledge/" not in text_of(page.get(f"{url}change/"))
        assert "acknowledged already" in text_of(page.post(f"{url}acknowledge/", follow=True))

    def test_silenced_by_a_button(self, page: Any) -> None:
        alert = AlertFactory()
        url = f"{BASE}/monitoringalert/{alert.pk}/"
        page.post(f"{url}silence/", {"hours": "8"})
        alert.refresh_from_db()
        left = alert.silenced_until - timezone.now()
        assert timedelta(hours=7, minutes=59) < left <= timedelta(hours=8)
        assert "End the silence" in text_of(page.get(f"{url}change/"))
        page.post(f"{url}silence/", {"hours": ""})
        alert.refresh_from_db()
        assert alert.silenced_until <= timezone.now()
        assert "is resolved" in text_of(
            page.post(f"{BASE}/monitoringalert/{AlertFactory(**RESOLVED).pk}/silence/", {"hours": "1"}, follow=True)
        )
        assert page.post(f"{BASE}/monitoringalert/{10**15}/silence/", {"hours": "1"}, follow=True).status_code == 200

    def test_many_at_once(self, page: Any) -> None:
        alerts = [AlertFactory(), AlertFactory(), AlertFactory(**PENDING)]
        chosen = {"_selected_action": [alert.pk for alert in alerts]}
        url = f"{BASE}/monitoringalert/?within=all"
        text = text_of(page.post(url, chosen | {"action": "acknowledge"}, follow=True))
        assert "Acknowledged: 2." in text
        assert "one that fired is acknowledged" in text
        assert "Silenced for 1 h: 3." in text_of(page.post(url, chosen | {"action": "silence_hour"}, follow=True))
        assert MonitoringAlert.objects.filter(silenced_until__gt=timezone.now()).count() == 3

    def test_who_may_what(self) -> None:
        alert = AlertFactory()
        url = f"{BASE}/monitoringalert/{alert.pk}/"
        looking = staff("view_monitoringalert")
        text = text_of(looking.get(f"{url}change/"))
        assert "acknowledge/" not in text
        assert "silence/" not in text
        for step in ("acknowledge", "silence"):
            assert looking.post(f"{url}{step}/").status_code == 403
        handling = staff("view_monitoringalert", "acknowledge_alert")
        assert handling.post(f"{url}acknowledge/").status_code == 302
        assert handling.post(f"{url}silence/").status_code == 403

    def test_no_step_without_its_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(AdminFactory())
        alert, channel = AlertFactory(), EmailChannelFactory()
        for url in (
            f"{BASE}/monitoringalert/{alert.pk}/acknowledge/",
            f"{BASE}/monitoringalert/{alert.pk}/silence/",
            f"{BASE}/alertchannel/{channel.pk}/test/",
        ):
            assert client.post(url).status_code == 403
        page = text_of(client.get(f"{BASE}/alertchannel/{channel.pk}/change/"))
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        answer = client.post(f"{BASE}/alertchannel/{channel.pk}/test/", {"csrfmiddlewaretoken": token[1]})
        assert answer.status_code == 302

    @pytest.mark.parametrize("model", ["monitoringalert", "alertdelivery"])
    def test_nothing_is_added_changed_or_deleted(self, page: Any, model: str) -> None:
        alert = AlertFactory()
        delivery = send_test(channel_id=EmailChannelFactory().pk, now=timezone.now())
        pk = alert.pk if model == "monitoringalert" else delivery.pk
        assert page.get(f"{BASE}/{model}/add/").status_code == 403
        assert page.post(f"{BASE}/{model}/{pk}/change/", {}).status_code == 403
        assert page.post(f"{BASE}/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
        assert page.get(f"{BASE}/{model}/{pk}/change/").status_code == 200


class TestChannels:
    def test_made_and_tested(self, page: Any, settings: Any, tmp_path: Path) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = [ipaddress.ip_network("127.0.0.0/8")]
        settings.SECRETS_DIR = str(tmp_path)
        (tmp_path / "hook").write_text("x" * 32)
        with receive(200, 500) as receiver:
            body = {"name": "hook", "kind": "webhook", "target": receiver.url, "key_ref": "hook", "is_active": "on"}
            assert page.post(f"{BASE}/alertchannel/add/", body).status_code == 302
            url = f"{BASE}/alertchannel/{AlertChannel.objects.get().pk}/test/"
            assert page.get(url).status_code == 405
            assert "Delivered in" in text_of(page.post(url, follow=True))
            text = text_of(page.post(url, follow=True))
        assert "Not delivered: The answer was 500" in text
        assert text.count("failed for good") == 1
        assert AlertDelivery.objects.count() == 2
        assert "There is no channel" in text_of(page.post(f"{BASE}/alertchannel/{10**15}/test/", follow=True))

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"target": "nobody"}, "target"),
            ({"kind": "webhook"}, "target"),
            ({"key_ref": "hook"}, "key_ref"),
            ({"name": "Duty OFFICER"}, "name"),
        ],
    )
    def test_what_is_refused_stands_beside_its_box(self, page: Any, fields: dict, field: str) -> None:
        EmailChannelFactory(name="duty officer")
        body = {"name": "duty", "kind": "email", "target": "duty@example.org", "key_ref": ""} | fields
        assert field in errors_of(page.post(f"{BASE}/alertchannel/add/", body))

    def test_one_that_messages_went_to_is_not_deleted(self, page: Any) -> None:
        used, unused = EmailChannelFactory(), WebhookFactory()
        send_test(channel_id=used.pk, now=timezone.now())
        assert page.post(f"{BASE}/alertchannel/{used.pk}/delete/", {"post": "yes"}).status_code == 403
        assert page.post(f"{BASE}/alertchannel/{unused.pk}/delete/", {"post": "yes"}).status_code == 302

    def test_who_may_test(self) -> None:
        channel = EmailChannelFactory()
        looking = staff("view_alertchannel")
        assert "Send a test" not in text_of(looking.get(f"{BASE}/alertchannel/{channel.pk}/change/"))
        assert looking.post(f"{BASE}/alertchannel/{channel.pk}/test/").status_code == 403
        assert not AlertDelivery.objects.exists()
