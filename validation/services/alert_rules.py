"""Alert rules and channels: made, changed, deleted while nothing tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core.exceptions import InvalidInput, NotFound
from core.models import Run
from core.webhook import WebhookRefused, read_target
from validation.alert_conditions import find_rule_faults
from validation.choices import AlertState, ChannelKind
from validation.exceptions import ChannelInUse, RuleInUse
from validation.models import AlertChannel, AlertDelivery, AlertMemory, AlertRule, MonitoringAlert
from validation.services.rule_lock import claim_rules


class RuleFields(TypedDict, total=False):
    """What people say about a rule; see the columns of `AlertRule`."""

    name: str
    metric: str
    component: str
    tags: dict[str, Any]
    run: Run | None
    run_kind: str
    op: str
    threshold: float | None
    threshold_high: float | None
    clear_threshold: float | None
    clear_threshold_high: float | None
    for_s: float
    absent_for_s: float | None
    severity: str
    is_active: bool
    runbook: str
    labels: dict[str, str]


class ChannelFields(TypedDict, total=False):
    """What people say about a channel; see the columns of `AlertChannel`."""

    name: str
    kind: str
    target: str
    key_ref: str
    is_active: bool


@transaction.atomic
def create_alert_rule(*, channels: Iterable[AlertChannel] = (), **fields: Unpack[RuleFields]) -> AlertRule:
    """Make a rule, in force with the next batch.

    Raises:
        InvalidInput: a threshold that the metric never reaches.
        IntegrityError: an `alert_rules_*` constraint.
    """
    return _save_rule(AlertRule(**fields), channels)


@transaction.atomic
def change_alert_rule(
    *, rule_id: int, channels: Iterable[AlertChannel] | None = None, **fields: Unpack[RuleFields]
) -> AlertRule:
    """Change a rule; a changed condition ends its alerts, with the next batch or within a minute.

    Raises:
        NotFound: there is no such rule.
        InvalidInput: a threshold that the metric never reaches.
        IntegrityError: an `alert_rules_*` constraint.
    """
    rule = _lock_rule(rule_id)
    for name, value in fields.items():
        setattr(rule, name, value)
    return _save_rule(rule, channels)


@transaction.atomic
def delete_alert_rule(*, rule_id: int) -> None:
    """Delete a rule that no alert tells of.

    Raises:
        NotFound: there is no such rule.
        RuleInUse: alerts tell of it.
    """
    claim_rules()
    rule = _lock_rule(rule_id)
    alerts = MonitoringAlert.objects.filter(rule=rule)
    if alerts.shown().exists():
        raise RuleInUse
    AlertMemory.objects.filter(rule=rule).delete()
    alerts.filter(state=AlertState.INACTIVE).delete()
    rule.delete()


@transaction.atomic
def create_channel(**fields: Unpack[ChannelFields]) -> AlertChannel:
    """Make a channel.

    Raises:
        InvalidInput: the target is no address of its kind.
        IntegrityError: an `alert_channels_*` constraint.
    """
    return _save_channel(AlertChannel(**fields))


@transaction.atomic
def change_channel(*, channel_id: int, **fields: Unpack[ChannelFields]) -> AlertChannel:
    """Change a channel.

    Raises:
        NotFound: there is no such channel.
        InvalidInput: the target is no address of its kind.
        IntegrityError: an `alert_channels_*` constraint.
    """
    channel = _lock_channel(channel_id)
    for name, value in fields.items():
        setattr(channel, name, value)
    return _save_channel(channel)


@transaction.atomic
def delete_channel(*, channel_id: int) -> None:
    """Delete a channel that no message went to; rules forget it.

    Raises:
        NotFound: there is no such channel.
        ChannelInUse: messages went there.
    """
    channel = _lock_channel(channel_id)
    if AlertDelivery.objects.filter(channel=channel).exists():
        raise ChannelInUse
    channel.delete()


def _save_rule(rule: AlertRule, channels: Iterable[AlertChannel] | None) -> AlertRule:
    if faults := list(find_rule_faults(rule)):
        raise InvalidInput(errors=faults)
    rule.save()
    if channels is not None:
        rule.channels.set(channels)
    # Triggers set the version and the times.
    rule.refresh_from_db()
    return rule


def _save_channel(channel: AlertChannel) -> AlertChannel:
    try:
        if channel.kind == ChannelKind.WEBHOOK:
            read_target(channel.target)
        elif channel.kind == ChannelKind.EMAIL:
            validate_email(channel.target)
    except WebhookRefused as error:
        raise InvalidInput.of("target", str(error)) from error
    except ValidationError as error:
        raise InvalidInput.of("target", "An e-mail address is needed.") from error
    channel.save()
    channel.refresh_from_db()
    return channel


def _lock_rule(rule_id: int) -> AlertRule:
    rule = AlertRule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(f"There is no alert rule {rule_id}.")
    return rule


def _lock_channel(channel_id: int) -> AlertChannel:
    channel = AlertChannel.objects.select_for_update().filter(pk=channel_id).first()
    if channel is None:
        raise NotFound(f"There is no channel {channel_id}.")
    return channel
