"""Messages about alerts: what they say, that they arrive, and what the log says where they do not."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from core.exceptions import InvalidInput, NotFound
from core.named_secrets import SecretMissing, read_named_secret
from tests.constitutional.database import execute
from tests.factories.core import NamedSecretFactory, RunFactory
from tests.factories.validation import AlertFactory, AlertRuleFactory, EmailChannelFactory, WebhookFactory
from tests.validation.receiver import Receiver, receive
from validation.choices import AlertEvent
from validation.constants import DELIVER_TASK, MAX_ATTEMPTS
from validation.exceptions import ChannelInUse
from validation.models import AlertChannel, AlertDelivery, MonitoringAlert
from validation.services import (
    change_channel,
    create_channel,
    delete_channel,
    deliver_alert,
    evaluate_alerts,
    send_test,
)
from validation.services.delivery import NO_MAIL, DeliveryFailed, DeliveryGivenUp

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
KEY = b"a key of more than 16 bytes"


@pytest.fixture(autouse=True)
def _key(settings: Any, tmp_path: Path) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = [ipaddress.ip_network("127.0.0.0/8")]
    settings.SECRETS_DIR = str(tmp_path)
    (tmp_path / "hook").write_bytes(KEY + b"\n")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as running:
        yield running


def deliver(alert: MonitoringAlert, channel: AlertChannel, event: AlertEvent = AlertEvent.FIRING) -> Any:
    return deliver_alert(alert_id=alert.pk, event=event, channel_id=channel.pk, now=NOW)


def list_log() -> list[tuple]:
    return list(AlertDelivery.objects.order_by("pk").values_list("event", "attempt", "status", "http_status", "error"))


class TestWebhook:
    def test_a_message_is_signed_and_complete(self, receiver: Receiver) -> None:
        channel = WebhookFactory(target=receiver.url)
        rule = AlertRuleFactory(name="Low r", runbook="Look.", labels={"team": "a"}, channels=[channel])
        alert = AlertFactory(rule=rule)
        delivery = deliver(alert, channel)
        ((headers, body),) = receiver.requests
        timestamp = str(int(NOW.timestamp()))
        expected = hmac.new(KEY, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["NFCS-Signature"] == f"sha256={expected}"
        assert {name: headers[name] for name in ("NFCS-Timestamp", "NFCS-Event", "NFCS-Delivery", "NFCS-Attempt")} == {
            "NFCS-Timestamp": timestamp,
            "NFCS-Event": "firing",
            "NFCS-Delivery": f"alert-{alert.pk}-firing-{channel.pk}",
            "NFCS-Attempt": "1",
        }
        assert (headers["Content-Type"], headers["User-Agent"]) == ("application/json", "NFCS")
        assert json.loads(body) == {
            "event": "firing",
            "channel": channel.name,
            "alert": {
                "id": alert.pk,
                "state": "firing",
                "severity": "warning",
                "condition": "r below 0.3 for 2 s; ends at or above 0.4",
                "pending_at": "2026-01-01T00:00:00+00:00",
                "pending_value": 0.2,
                "fired_at": "2026-01-01T00:00:02+00:00",
                "fired_value": 0.1,
                "peak_value": 0.1,
                "resolved_at": None,
                "resolved_value": None,
                "resolved_reason": "",
                "acknowledged": False,
            },
            "rule": {"id": rule.pk, "name": "Low r", "labels": {"team": "a"}, "runbook": "Look."},
            "run": {"id": alert.run_id, "uuid": str(alert.run.run_uuid), "name": alert.run.name},
            "series": {"metric": "r", "component": "", "unit": None, "tags": {}},
        }
        assert (delivery.at, delivery.duration_ms > 0) == (NOW, True)
        assert list_log() == [("firing", 1, "delivered", 200, "")]

    def test_it_is_sent_once(self, receiver: Receiver) -> None:
        alert, channel = AlertFactory(), WebhookFactory(target=receiver.url)
        deliver(alert, channel)
        assert deliver(alert, channel) is None
        assert deliver(alert, channel, AlertEvent.RESOLVED) is not None
        assert [headers["NFCS-Event"] for headers, _ in receiver.requests] == ["firing", "resolved"]

    def test_a_failed_attempt_is_logged_and_another_delivers(self) -> None:
        with receive(500, 503, 200) as receiver:
            alert, channel = AlertFactory(), WebhookFactory(target=receiver.url)
            for _ in range(2):
                with pytest.raises(DeliveryFailed):
                    deliver(alert, channel)
            deliver(alert, channel)
        words = "no thing <b>here</b>."
        assert list_log() == [
            ("firing", 1, "failed", 500, f"The answer was 500: {words}"),
            ("firing", 2, "failed", 503, f"The answer was 503: {words}"),
            ("firing", 3, "delivered", 200, ""),
        ]
        assert len({headers["NFCS-Delivery"] for headers, _ in receiver.requests}) == 1

    def test_it_is_given_up_in_the_end(self) -> None:
        with receive(500) as receiver:
            alert, channel = AlertFactory(), WebhookFactory(target=receiver.url)
            for _ in range(MAX_ATTEMPTS - 1):
                with pytest.raises(DeliveryFailed):
                    deliver(alert, channel)
            with pytest.raises(DeliveryGivenUp):
                deliver(alert, channel)
        assert [status for _, _, status, _, _ in list_log()] == ["failed"] * (MAX_ATTEMPTS - 1) + ["given_up"]

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            ("http://10.0.0.1/", "10.0.0.1 is not public"),
            ("https://169.254.169.254/latest/meta-data/", "169.254.169.254 is not public"),
            ("https://[::1]/", "::1 is not public"),
        ],
    )
    def test_a_private_address_is_refused(self, target: str, words: str) -> None:
        with pytest.raises(DeliveryFailed, match=words):
            deliver(AlertFactory(), WebhookFactory(target=target))
        assert list_log()[0][3] is None

    def test_nothing_goes_to_a_channel_that_is_off(self, receiver: Receiver) -> None:
        assert deliver(AlertFactory(), WebhookFactory(target=receiver.url, is_active=False)) is None
        assert (receiver.requests, list_log()) == ([], [])

    def test_what_is_not_there_is_told(self) -> None:
        alert, channel = AlertFactory(), WebhookFactory()
        for alert_id, channel_id in ((alert.pk + 1, channel.pk), (alert.pk, channel.pk + 1)):
            with pytest.raises(NotFound):
                deliver_alert(alert_id=alert_id, event=AlertEvent.FIRING, channel_id=channel_id, now=NOW)

    @pytest.mark.parametrize(("content", "words"), [(None, "no secret hook"), (b" \n", "no secret"), (b"short", "16")])
    def test_no_message_goes_out_unsigned(
        self, receiver: Receiver, tmp_path: Path, content: bytes | None, words: str
    ) -> None:
        (tmp_path / "hook").unlink()
        if content is not None:
            (tmp_path / "hook").write_bytes(content)
        with pytest.raises(DeliveryFailed, match=words):
            deliver(AlertFactory(), WebhookFactory(target=receiver.url))
        assert receiver.requests == []


class TestSecrets:
    def test_a_file_comes_before_the_environment(self, monkeypatch: Any, settings: Any, tmp_path: Path) -> None:
        monkeypatch.setenv("NFCS_SECRET_HOOK", "from the environment")
        assert read_named_secret("hook") == KEY
        settings.SECRETS_DIR = ""
        assert read_named_secret("hook") == b"from the environment"
        monkeypatch.setenv("NFCS_SECRET_A_B_C", "xyz")
        assert read_named_secret("a.b-c") == b"xyz"

    @pytest.mark.parametrize("name", ["", "Hook", "../hook", "a/b", "hook\n", "hook\x00", ".hook", "other", "x" * 101])
    def test_nothing_else_is_read(self, name: str) -> None:
        with pytest.raises(SecretMissing):
            read_named_secret(name)


class TestTokensInAddresses:
    def test_they_are_filled_in_and_masked(self) -> None:
        NamedSecretFactory(name="pager", value="T0/B0/x y~z")
        with receive(404) as running:
            channel = WebhookFactory(target=f"http://127.0.0.1:{running.port}/services/{{secret:pager}}?x=1")
            with pytest.raises(DeliveryFailed):
                deliver(AlertFactory(), channel)
        assert running.paths == ["/services/T0/B0/x%20y~z?x=1"]
        (logged,) = list_log()
        assert logged[3:] == (404, "The answer was 404: no /services/********?x=1 here.")

    def test_one_that_is_missing_is_told(self, receiver: Receiver) -> None:
        with pytest.raises(DeliveryFailed, match="no secret pager"):
            deliver(AlertFactory(), WebhookFactory(target=f"{receiver.url}&t={{secret:pager}}"))
        assert receiver.requests == []

    @pytest.mark.parametrize("target", ["https://{secret:pager}/", "https://x.{secret:pager}.example.org/a"])
    def test_none_stands_in_the_host(self, target: str) -> None:
        with pytest.raises(InvalidInput):
            create_channel(name="x", kind="webhook", key_ref="hook", target=target)


class TestEmail:
    def test_a_message_says_what_people_need(self) -> None:
        channel = EmailChannelFactory(target="duty@example.org")
        rule = AlertRuleFactory(name="Low r", runbook="Look at the coupling.")
        alert = AlertFactory(rule=rule, run=RunFactory(name="night\nrun"))
        assert deliver(alert, channel).status == "delivered"
        (message,) = mail.outbox
        assert (message.to, message.subject) == (["duty@example.org"], "[NFCS warning] firing: Low r in night run")
        assert "condition: r below 0.3 for 2 s; ends at or above 0.4" in message.body
        assert "since:     2026-01-01 00:00:00 UTC at 0.2" in message.body
        assert message.body.endswith("What to do:\nLook at the coupling.\n")
        assert list_log() == [("firing", 1, "delivered", None, "")]

    def test_an_end_says_why(self) -> None:
        resolved = {"state": "resolved", "resolved_at": NOW, "resolved_value": 0.5, "resolved_reason": "calm"}
        alert = AlertFactory(rule=AlertRuleFactory(runbook="Look."), tags={"fold": 1}, component="esc", **resolved)
        deliver(alert, EmailChannelFactory(), AlertEvent.RESOLVED)
        (message,) = mail.outbox
        assert "resolved:  2026-01-01 00:01:00 UTC at 0.5\nbecause:   The condition ended\n" in message.body
        assert "series:    esc.r (fold=1)\n" in message.body
        assert "Look." not in message.body

    def test_without_a_mail_server_the_log_says_so(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = NO_MAIL
        with pytest.raises(DeliveryFailed, match="NFCS_EMAIL_URL"):
            deliver(AlertFactory(), EmailChannelFactory())
        assert list_log()[0][2] == "failed"

    def test_a_mail_server_that_does_not_answer_is_told(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with receive() as receiver:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
        with pytest.raises(DeliveryFailed, match="refused"):
            deliver(AlertFactory(), EmailChannelFactory())


class TestChannels:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"kind": "email", "target": "nobody"}, "target"),
            ({"kind": "email", "target": "a@b"}, "target"),
            ({"kind": "webhook", "target": "https://u:p@example.org/", "key_ref": "hook"}, "target"),
            ({"kind": "webhook", "target": "ftp://example.org/", "key_ref": "hook"}, "target"),
        ],
    )
    def test_an_address_is_looked_at_before_it_is_stored(self, fields: dict, field: str) -> None:
        with pytest.raises(InvalidInput) as error:
            create_channel(name="x", **fields)
        assert [one.field for one in error.value.errors] == [field]

    def test_one_that_messages_went_to_stays(self) -> None:
        used, unused = EmailChannelFactory(), EmailChannelFactory()
        rule = AlertRuleFactory(channels=[used, unused])
        send_test(channel_id=used.pk, now=NOW)
        with pytest.raises(ChannelInUse):
            delete_channel(channel_id=used.pk)
        delete_channel(channel_id=unused.pk)
        assert list(rule.channels.all()) == [used]
        assert change_channel(channel_id=used.pk, is_active=False).is_active is False
        for act in (delete_channel, change_channel):
            with pytest.raises(NotFound):
                act(channel_id=unused.pk)

    def test_a_test_is_sent_even_where_the_channel_is_off(self, receiver: Receiver) -> None:
        channel = WebhookFactory(target=receiver.url, is_active=False)
        assert send_test(channel_id=channel.pk, now=NOW).status == "delivered"
        ((headers, body),) = receiver.requests
        assert headers["NFCS-Event"] == json.loads(body)["event"] == "test"
        refused = send_test(channel_id=WebhookFactory(target="https://10.0.0.1/").pk, now=NOW)
        assert (refused.status, "not public" in refused.error) == ("given_up", True)
        with pytest.raises(NotFound):
            send_test(channel_id=channel.pk + 99, now=NOW)


@pytest.mark.django_db(transaction=True)
class TestWorker:
    """The queue itself, with the worker's own loop."""

    @pytest.fixture(autouse=True)
    def _empty_queue(self) -> Iterator[None]:
        yield
        execute("TRUNCATE procrastinate_jobs CASCADE")

    def run_worker(self) -> None:
        with app.replace_connector(app.connector.get_worker_connector()) as working:
            working.run_worker(queues=["alerts"], wait=False, install_signal_handlers=False, listen_notify=False)

    def list_jobs(self) -> list[ProcrastinateJob]:
        return list(ProcrastinateJob.objects.filter(task_name=DELIVER_TASK).order_by("id"))

    def fire(self, *targets: str) -> MonitoringAlert:
        AlertRuleFactory(channels=[WebhookFactory(target=target) for target in targets], for_s=0.0)
        samples = (np.array([timezone.now().timestamp()]), np.array([0.1]))
        outcome = evaluate_alerts(run_id=RunFactory().pk, series={"r": samples}, now=timezone.now())
        return outcome.fired[0]

    def test_what_is_rolled_back_is_not_told(self, receiver: Receiver) -> None:
        with transaction.atomic():
            self.fire(receiver.url)
            transaction.set_rollback(True)
        self.run_worker()
        assert (receiver.requests, self.list_jobs()) == ([], [])

    def test_what_is_committed_is_told(self, receiver: Receiver) -> None:
        self.fire(receiver.url, receiver.url)
        assert receiver.requests == []
        self.run_worker()
        assert len(receiver.requests) == 2
        assert [job.status for job in self.list_jobs()] == ["succeeded"] * 2

    def test_a_failed_message_is_tried_again_later_and_its_end_waits(self) -> None:
        with receive(500, 200) as receiver:
            alert = self.fire(receiver.url)
            later = (np.array([timezone.now().timestamp() + 1]), np.array([0.9]))
            evaluate_alerts(run_id=alert.run_id, series={"r": later}, now=timezone.now())
            before = timezone.now()
            self.run_worker()
            first, second = self.list_jobs()
            assert (first.status, first.attempts, second.status, second.attempts) == ("todo", 1, "todo", 0)
            assert before + timedelta(seconds=3) < first.scheduled_at < timezone.now() + timedelta(seconds=5)
            execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE id = %s", first.pk)
            self.run_worker()
        assert [headers["NFCS-Event"] for headers, _ in receiver.requests] == ["firing", "firing", "resolved"]
        assert [(row[0], row[2]) for row in list_log()] == [
            ("firing", "failed"),
            ("firing", "delivered"),
            ("resolved", "delivered"),
        ]

    def test_what_is_given_up_is_a_failed_job(self) -> None:
        with receive(500) as receiver:
            self.fire(receiver.url)
            for _ in range(MAX_ATTEMPTS + 2):
                self.run_worker()
                execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")
        assert len(receiver.requests) == MAX_ATTEMPTS
        assert list_log()[-1][1:3] == (MAX_ATTEMPTS, "given_up")
        assert [job.status for job in self.list_jobs()] == ["failed"]

    def test_a_message_whose_worker_was_killed_is_sent_by_the_next(self, receiver: Receiver) -> None:
        self.fire(receiver.url)
        execute("UPDATE procrastinate_jobs SET status = 'doing'")
        self.run_worker()
        assert receiver.requests == []
        app.configure_task("nfcs.resume_deliveries").defer(timestamp=0)
        self.run_worker()
        self.run_worker()
        assert len(receiver.requests) == 1

    def test_the_sweep_is_a_job(self) -> None:
        AlertRuleFactory(
            metric="telemetry", op="absent", threshold=None, clear_threshold=None, for_s=0.0, absent_for_s=1e-6
        )
        RunFactory()
        app.configure_task("nfcs.sweep_alerts").defer(timestamp=0)
        self.run_worker()
        assert MonitoringAlert.objects.get().state == "firing"
        connection.close()
