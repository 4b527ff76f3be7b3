"""What people do about alerts: acknowledge them, silence them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from core.exceptions import InvalidInput, NotFound
from validation.choices import OPEN_STATES, AlertState
from validation.constants import MAX_SILENCE
from validation.exceptions import AlertOrder
from validation.models import MonitoringAlert

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def acknowledge_alert(*, alert_id: int, actor: User | None, now: datetime) -> MonitoringAlert:
    """Say that somebody has seen to an alert that fires or did; its firing is not announced any more.

    Raises:
        NotFound: there is no such alert.
        AlertOrder: it has not fired, or is acknowledged already.
    """
    alert = _lock_alert(alert_id)
    if alert.fired_at is None:
        raise AlertOrder(f"Alert {alert_id} is {alert.state}; one that fired is acknowledged.")
    if alert.acknowledged:
        raise AlertOrder(f"Alert {alert_id} is acknowledged already.")
    alert.acknowledged, alert.acknowledged_at, alert.acknowledged_by = True, now, actor
    alert.save(update_fields=["acknowledged", "acknowledged_at", "acknowledged_by"])
    return alert


@transaction.atomic
def silence_alert(*, alert_id: int, until: datetime | None, now: datetime) -> MonitoringAlert:
    """Keep the firing of an open alert and of the series' next from being announced; its end is told to who knows.

    Args:
        until: at most 30 days from now; None ends the silence.

    Raises:
        NotFound: there is no such alert.
        AlertOrder: it is not open.
        InvalidInput: `until` is past or too far off.
    """
    if until is not None and not now < until <= now + MAX_SILENCE:
        raise InvalidInput.of("until", f"A time within the next {MAX_SILENCE.days} days is needed.", "out_of_range")
    alert = _lock_alert(alert_id)
    if alert.state not in OPEN_STATES:
        raise AlertOrder(f"Alert {alert_id} is {alert.state}; one that is pending or firing is silenced.")
    # A silence that ends now, rather than none, so that what fired meanwhile is told.
    alert.silenced_until = now if until is None and alert.silenced_until is not None else until
    alert.save(update_fields=["silenced_until"])
    return alert


def _lock_alert(alert_id: int) -> MonitoringAlert:
    alert = MonitoringAlert.objects.select_for_update(of=("self",)).with_names().filter(pk=alert_id).first()
    if alert is None or alert.state == AlertState.INACTIVE:
        raise NotFound(f"There is no alert {alert_id}.")
    return alert
