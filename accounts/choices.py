"""Enumerated values of the accounts app."""

from django.db import models


class Role(models.TextChoices):
    """What a user may do; each is a Django group of the same name."""

    ADMIN = "admin", "Administrator"
    OPERATOR = "operator"
    USER = "user"
    READONLY = "readonly", "Read only"
