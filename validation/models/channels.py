"""Where alerts are announced, and the log of what was sent."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from core.models.base import RecordModel, TimestampedModel
from validation.choices import AlertEvent, ChannelKind, DeliveryStatus
from validation.querysets import AlertChannelManager

_EMAIL = r"^[^@,;:<>()[:space:][:cntrl:]]+@[^@,;:<>()[:space:][:cntrl:]]+$"
_URL = r"^https?://[!-~]+$"
_REFERENCE = r"^[a-z][a-z0-9_.-]{0,99}$"


class AlertChannel(TimestampedModel):
    """An e-mail address or a webhook that alerts are announced to; edited by people.

    Switched off rather than deleted once messages went there.
    """

    name = models.CharField(max_length=100, help_text="What people call the channel; unique whatever the case.")
    kind = models.CharField(max_length=20, choices=ChannelKind, help_text="email or webhook.")
    target = models.CharField(max_length=500, help_text="An e-mail address, or the address of a webhook, https.")
    key_ref = models.CharField(
        "signing key",
        max_length=100,
        blank=True,
        db_default="",
        help_text="Name of the key that signs a webhook's messages, never the key itself; '' for e-mail.",
    )
    is_active = models.BooleanField(default=True, db_default=True, help_text="Whether anything is sent there.")

    objects = AlertChannelManager()

    class Meta:
        db_table = "alert_channels"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="alert_channels_name_uq"),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S") & ~Q(name__regex=r"[[:cntrl:]]"), name="alert_channels_name_ck"
            ),
            models.CheckConstraint(condition=Q(kind__in=ChannelKind.values), name="alert_channels_kind_ck"),
            models.CheckConstraint(
                condition=(~Q(kind=ChannelKind.EMAIL) | Q(target__regex=_EMAIL))
                & (~Q(kind=ChannelKind.WEBHOOK) | Q(target__regex=_URL)),
                name="alert_channels_target_ck",
            ),
            # What looks like a secret instead of a name is refused.
            models.CheckConstraint(
                condition=(~Q(kind=ChannelKind.EMAIL) | Q(key_ref=""))
                & (~Q(kind=ChannelKind.WEBHOOK) | Q(key_ref__regex=_REFERENCE)),
                name="alert_channels_key_ck",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """The name."""
        return (self.name,)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Leave it to the database, whose refusals name the field."""


class AlertDelivery(RecordModel):
    """One attempt to deliver one message to one channel, and how it ended; append-only."""

    append_only = True

    alert = models.ForeignKey(
        "validation.MonitoringAlert",
        on_delete=models.PROTECT,
        null=True,
        related_name="deliveries",
        db_index=False,
        help_text="What the message is about; null of a test.",
    )
    channel = models.ForeignKey(
        AlertChannel, on_delete=models.PROTECT, related_name="deliveries", db_index=False, help_text="Where it went."
    )
    event = models.CharField(max_length=10, choices=AlertEvent, help_text="firing, resolved or test.")
    attempt = models.IntegerField(default=1, help_text="Number of the attempt, from 1.")
    status = models.CharField(
        max_length=10, choices=DeliveryStatus, help_text="delivered, failed (to be tried again) or given_up."
    )
    http_status = models.IntegerField(null=True, help_text="What a webhook answered, 100 to 599; null without answer.")
    error = models.TextField(blank=True, db_default="", help_text="What went wrong; '' where nothing did.")
    at = models.DateTimeField(db_default=Now(), help_text="When the attempt began.")
    duration_ms = models.FloatField(help_text="How long it took, ms.")

    class Meta:
        db_table = "alert_deliveries"
        ordering = ["-at", "-id"]
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        indexes = [
            # The log, newest first.
            models.Index(fields=["-at", "-id"], name="alert_deliveries_at_idx"),
            # What went to a channel, newest first.
            models.Index(fields=["channel", "-at"], name="alert_deliveries_channel_idx"),
            # "What never arrived?"
            models.Index(
                fields=["-at"], condition=Q(status=DeliveryStatus.GIVEN_UP), name="alert_deliveries_given_up_idx"
            ),
        ]
        constraints = [
            # The attempts of a message, each counted once.
            models.UniqueConstraint(
                fields=["alert", "channel", "event", "attempt"],
                condition=Q(alert__isnull=False),
                name="alert_deliveries_attempt_uq",
            ),
            models.CheckConstraint(
                condition=Q(event=AlertEvent.TEST, alert=None)
                | Q(event__in=[AlertEvent.FIRING, AlertEvent.RESOLVED], alert__isnull=False),
                name="alert_deliveries_event_ck",
            ),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="alert_deliveries_attempt_ck"),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.DELIVERED, error="")
                | Q(status__in=[DeliveryStatus.FAILED, DeliveryStatus.GIVEN_UP]) & ~Q(error=""),
                name="alert_deliveries_status_ck",
            ),
            models.CheckConstraint(
                condition=Q(http_status=None) | Q(http_status__range=(100, 599)), name="alert_deliveries_http_ck"
            ),
            models.CheckConstraint(
                condition=Q(duration_ms__gte=0, duration_ms__lt=float("inf")), name="alert_deliveries_duration_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.channel}, attempt {self.attempt}"
