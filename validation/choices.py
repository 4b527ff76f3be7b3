"""Enumerated values of the validation app."""

from django.db import models


class ValidationType(models.TextChoices):
    """What a validation run holds the system against."""

    THEORETICAL = "theoretical", "Closed forms"
    PERFORMANCE = "performance", "Speed and latency"
    STATISTICAL = "statistical", "Distributions and calibration"


class AlertOperator(models.TextChoices):
    """When a rule's condition holds."""

    ABOVE = "gt", "Above the threshold"
    BELOW = "lt", "Below the threshold"
    OUTSIDE = "outside", "Outside both thresholds"
    ABSENT = "absent", "Silent"


class AlertSeverity(models.TextChoices):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertState(models.TextChoices):
    """Life of an alert; resolved is terminal."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


OPEN_STATES = (AlertState.PENDING, AlertState.FIRING)
"""A rule and a series have one alert in these at most."""


class ResolvedReason(models.TextChoices):
    """Why an alert ended."""

    CALM = "calm", "The condition ended"
    RULE_CHANGED = "rule_changed", "The rule changed"
    RULE_OFF = "rule_off", "The rule was switched off"
    RUN_ENDED = "run_ended", "The run ended"


class ChannelKind(models.TextChoices):
    """How a message goes out."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Signed webhook"


class AlertEvent(models.TextChoices):
    """What a message is about."""

    FIRING = "firing"
    RESOLVED = "resolved"
    TEST = "test"


class DeliveryStatus(models.TextChoices):
    """How an attempt to deliver a message ended."""

    DELIVERED = "delivered"
    FAILED = "failed", "Failed, to be tried again"
    GIVEN_UP = "given_up", "Failed for good"
