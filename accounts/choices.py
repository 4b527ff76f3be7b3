"""Enumerated values of the accounts app."""

from django.db import models


class Role(models.TextChoices):
    """What a user may do; each is a Django group of the same name."""

    ADMIN = "admin", "Administrator"
    OPERATOR = "operator"
    USER = "user"
    READONLY = "readonly", "Read only"


class PartnerStatus(models.TextChoices):
    """Life of a partner's configuration; closed is terminal."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class AuthKind(models.TextChoices):
    """How the system proves itself to a partner's endpoint."""

    NONE = "none"
    BEARER = "bearer", "Bearer token"
    HMAC = "hmac", "HMAC signature"
    MTLS = "mtls", "Client certificate"
