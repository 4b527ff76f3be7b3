"""How alert rules, channels, alerts and the delivery log look to programs."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core.api.serializers import StrictModelSerializer, StrictSerializer, TextField, WholeNumberField
from validation.alert_conditions import describe_rule
from validation.choices import ResolvedReason
from validation.constants import MAX_SILENCE
from validation.models import AlertChannel, AlertDelivery, AlertRule, MonitoringAlert

MAX_CHANNELS = 100
MAX_RUNBOOK = 20_000


class ChannelsField(serializers.ListField):
    """Ids of channels."""

    child = WholeNumberField(min_value=1, max_value=2**63 - 1)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_CHANNELS, **kwargs)

    def to_internal_value(self, data: Any) -> list[AlertChannel]:
        """The channels."""
        ids = super().to_internal_value(data)
        found = AlertChannel.objects.in_bulk(ids)
        if missing := [pk for pk in ids if pk not in found]:
            raise serializers.ValidationError(f"There is no channel {missing[0]}.", "does_not_exist")
        return list(found.values())

    def to_representation(self, channels: Any) -> list[int]:
        """The ids, in order."""
        return sorted(channel.pk for channel in channels.all())


class AlertChannelSerializer(StrictModelSerializer):
    """Where alerts are announced."""

    class Meta:
        model = AlertChannel
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "kind",
            "target",
            "key_ref",
            "is_active",
            "created_at",
            "updated_at",
        ]
        read_only_fields: ClassVar[list[str]] = ["created_at", "updated_at"]


class AlertRuleSerializer(StrictModelSerializer):
    """A condition on the series of a metric, and who is told."""

    tags = serializers.DictField(required=False, help_text="Only series that carry these tags.")
    labels = serializers.DictField(
        child=TextField(max_length=200, allow_blank=True), required=False, help_text="Text by name."
    )
    runbook = TextField(
        max_length=MAX_RUNBOOK, required=False, allow_blank=True, help_text="What to do about it, for people."
    )
    channels = ChannelsField(required=False, help_text="Ids of the channels to which its alerts are announced.")
    condition = serializers.SerializerMethodField(help_text="The condition in words.")

    class Meta:
        model = AlertRule
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "metric",
            "component",
            "tags",
            "run",
            "run_kind",
            "op",
            "threshold",
            "threshold_high",
            "clear_threshold",
            "clear_threshold_high",
            "for_s",
            "absent_for_s",
            "condition",
            "severity",
            "is_active",
            "channels",
            "runbook",
            "labels",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields: ClassVar[list[str]] = ["version", "created_at", "updated_at"]

    def get_condition(self, rule: AlertRule) -> str:
        """The condition in words."""
        return describe_rule(rule)


class AlertSerializer(serializers.ModelSerializer[MonitoringAlert]):
    """One episode in which a rule's condition held."""

    rule_name = serializers.CharField(source="rule.name", read_only=True)
    tags = serializers.DictField(read_only=True)
    resolved_reason = serializers.ChoiceField(
        choices=ResolvedReason.choices, allow_blank=True, read_only=True, help_text="Why it ended; '' before."
    )

    class Meta:
        model = MonitoringAlert
        fields: ClassVar[list[str]] = [
            "id",
            "rule",
            "rule_name",
            "run",
            "metric",
            "component",
            "unit",
            "tags",
            "series_key",
            "severity",
            "condition",
            "state",
            "pending_at",
            "pending_value",
            "fired_at",
            "fired_value",
            "peak_value",
            "resolved_at",
            "resolved_value",
            "resolved_reason",
            "acknowledged",
            "acknowledged_at",
            "acknowledged_by",
            "silenced_until",
            "announced_at",
        ]
        read_only_fields = fields


class SilenceSerializer(StrictSerializer):
    """How long an alert is silenced."""

    until = serializers.DateTimeField(
        allow_null=True, help_text=f"Until when, at most {MAX_SILENCE.days} days from now; null ends the silence."
    )


class AlertDeliverySerializer(serializers.ModelSerializer[AlertDelivery]):
    """One attempt to deliver a message."""

    channel_name = serializers.CharField(source="channel.name", read_only=True)

    class Meta:
        model = AlertDelivery
        fields: ClassVar[list[str]] = [
            "id",
            "alert",
            "channel",
            "channel_name",
            "event",
            "attempt",
            "status",
            "http_status",
            "error",
            "at",
            "duration_ms",
        ]
        read_only_fields = fields
