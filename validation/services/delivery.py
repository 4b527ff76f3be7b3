"""Messages about alerts: queued with the change they tell of, sent by the worker, every attempt logged."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from smtplib import SMTPException
from typing import NamedTuple
from urllib.parse import unquote

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from core.db.encryption import MASK
from core.exceptions import NotFound
from core.named_secrets import SecretMissing, fill_in_secrets, read_named_secret
from core.webhook import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Resolve,
    WebhookError,
    post_webhook,
    resolve_host,
    sign_body,
)
from validation.alert_messages import build_payload, write_subject, write_text
from validation.choices import AlertEvent, ChannelKind, DeliveryStatus
from validation.constants import ALERT_QUEUE, DELIVER_TASK, MAX_ATTEMPTS, MAX_ERROR_LENGTH, MIN_KEY_BYTES
from validation.models import AlertChannel, AlertDelivery, MonitoringAlert

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


class Message(NamedTuple):
    """One alert's event for one channel."""

    alert_id: int
    event: AlertEvent
    channel_id: int


class DeliveryFailed(Exception):
    """The attempt failed and is in the log; another is due."""


class DeliveryGivenUp(Exception):
    """The last attempt failed and is in the log."""


def queue_messages(messages: Sequence[Message]) -> None:
    """Queue messages for the worker in the current transaction: they go out if it commits, and only then.

    Those of one alert to one channel go out in order, the next once the one before arrived or was given up.
    """
    jobs = [
        Job(
            id=None,
            queue=ALERT_QUEUE,
            lock=f"alert {message.alert_id}, channel {message.channel_id}",
            queueing_lock=None,
            task_name=DELIVER_TASK,
            task_kwargs={**message._asdict(), "event": str(message.event)},
        )
        for message in messages
    ]
    if jobs:
        app.job_manager.batch_defer_jobs(jobs=jobs)


def deliver_alert(
    *, alert_id: int, event: AlertEvent, channel_id: int, now: datetime, resolve: Resolve = resolve_host
) -> AlertDelivery | None:
    """Send a message and log the attempt, outside any transaction; None where it has arrived or the channel is off.

    A message may arrive twice where the worker is killed between the answer and the log: its NFCS-Delivery is the same.

    Raises:
        DeliveryFailed: it did not arrive.
        DeliveryGivenUp: nor will it be tried again.
        NotFound: there is no such alert or channel.
    """
    alert = MonitoringAlert.objects.with_names().filter(pk=alert_id).first()
    channel = AlertChannel.objects.filter(pk=channel_id).first()
    if alert is None or channel is None:
        raise NotFound(f"There is no alert {alert_id} or no channel {channel_id}.")
    earlier = list(alert.deliveries.filter(channel=channel, event=event).values_list("status", flat=True))
    if not channel.is_active or DeliveryStatus.DELIVERED in earlier:
        return None
    delivery = _attempt(channel, event, alert, attempt=len(earlier) + 1, now=now, resolve=resolve)
    _log(delivery)
    if delivery.status == DeliveryStatus.GIVEN_UP:
        raise DeliveryGivenUp(delivery.error)
    if delivery.status == DeliveryStatus.FAILED:
        raise DeliveryFailed(delivery.error)
    return delivery


def send_test(*, channel_id: int, now: datetime, resolve: Resolve = resolve_host) -> AlertDelivery:
    """Send a test message at once, whether or not the channel is on, and return what the log says about it.

    Raises:
        NotFound: there is no such channel.
    """
    channel = AlertChannel.objects.filter(pk=channel_id).first()
    if channel is None:
        raise NotFound(f"There is no channel {channel_id}.")
    return _log(_attempt(channel, AlertEvent.TEST, None, attempt=1, now=now, resolve=resolve))


@transaction.atomic
def _log(delivery: AlertDelivery) -> AlertDelivery:
    delivery.save(force_insert=True)
    return delivery


def _attempt(
    channel: AlertChannel,
    event: AlertEvent,
    alert: MonitoringAlert | None,
    *,
    attempt: int,
    now: datetime,
    resolve: Resolve,
) -> AlertDelivery:
    """Send a message once, and say how that went."""
    began = time.perf_counter()
    error, http_status = "", None
    try:
        if channel.kind == ChannelKind.WEBHOOK:
            http_status = _send_webhook(channel, event, alert, attempt, now, resolve)
        else:
            _send_email(channel, event, alert)
    except WebhookError as failure:
        error, http_status = str(failure), failure.http_status
    except (SecretMissing, SMTPException, OSError, ValueError) as failure:
        # ValueError: what stands in the message or the address cannot be put into an e-mail.
        error = str(failure) or type(failure).__name__
    status = DeliveryStatus.DELIVERED
    if error:
        is_last = alert is None or attempt >= MAX_ATTEMPTS
        status = DeliveryStatus.GIVEN_UP if is_last else DeliveryStatus.FAILED
    return AlertDelivery(
        alert=alert,
        channel=channel,
        event=event,
        attempt=attempt,
        status=status,
        http_status=http_status,
        error="".join(letter if letter.isprintable() else " " for letter in error)[:MAX_ERROR_LENGTH],
        at=now,
        duration_ms=1000.0 * (time.perf_counter() - began),
    )


def _send_webhook(
    channel: AlertChannel,
    event: AlertEvent,
    alert: MonitoringAlert | None,
    attempt: int,
    now: datetime,
    resolve: Resolve,
) -> int:
    key = read_named_secret(channel.key_ref)
    if len(key) < MIN_KEY_BYTES:
        raise WebhookError(f"The key {channel.key_ref} is shorter than {MIN_KEY_BYTES} bytes.")
    body = json.dumps(build_payload(event, alert, channel), ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = int(now.timestamp())
    about = f"test-{timestamp}" if alert is None else f"alert-{alert.pk}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "NFCS",
        "NFCS-Event": str(event),
        "NFCS-Delivery": f"{about}-{event}-{channel.pk}",
        "NFCS-Attempt": str(attempt),
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign_body(key, timestamp, body),
    }
    target, secrets = fill_in_secrets(channel.target)
    try:
        return post_webhook(target, body, headers, allowed=settings.WEBHOOK_ALLOW_PRIVATE, resolve=resolve)
    except WebhookError as error:
        # The other side may repeat the address it was asked for.
        words = str(error)
        for secret in secrets:
            words = words.replace(secret, MASK).replace(unquote(secret), MASK)
        raise WebhookError(words, error.http_status) from None


def _send_email(channel: AlertChannel, event: AlertEvent, alert: MonitoringAlert | None) -> None:
    if settings.EMAIL_BACKEND == NO_MAIL:
        raise OSError("There is no mail server: NFCS_EMAIL_URL is not set.")
    EmailMessage(
        subject=write_subject(event, alert),
        body=write_text(event, alert),
        to=[channel.target],
        headers={"Auto-Submitted": "auto-generated"},
    ).send()
