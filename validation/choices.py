"""Enumerated values of the validation app."""

from django.db import models


class ValidationType(models.TextChoices):
    """What a validation run holds the system against."""

    THEORETICAL = "theoretical", "Closed forms"
    PERFORMANCE = "performance", "Speed and latency"
    STATISTICAL = "statistical", "Distributions and calibration"
