"""Enumerated values of the kuramoto app."""

from django.db import models


class EventType(models.TextChoices):
    """Changes of a run's collective state."""

    SYNC_ACHIEVED = "sync_achieved"
    DESYNC_DETECTED = "desync_detected"
    EMERGENCY_STOP = "emergency_stop"
    RECOVERY = "recovery"


class EventCause(models.TextChoices):
    """What brought an event about."""

    ORDER_PARAMETER = "order_parameter", "Order parameter"
    HALLUCINATION = "hallucination", "Hallucination number"
    INVALID_DATA = "invalid_data", "Invalid data"
    MANUAL = "manual"
