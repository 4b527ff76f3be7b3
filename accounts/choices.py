"""Enumerated values of the accounts app."""

from django.db import models


class Role(models.TextChoices):
    """What a user may do; each is a Django group of the same name."""

    ADMIN = "admin", "Administrator"
    OPERATOR = "operator"
    USER = "user"
    READONLY = "readonly", "Read only"


class EndReason(models.TextChoices):
    """What ended a session before its time."""

    LOGOUT = "logout", "Signed out"
    ENDED = "ended", "Ended by the user elsewhere, or by an administrator"
    REUSE = "reuse", "A refresh token was used twice"
    PASSWORD = "password", "New password"
    ROLE = "role", "New role"
    DISABLED = "disabled", "User disabled"


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


PARTNER_STEPS: dict[PartnerStatus, tuple[PartnerStatus, ...]] = {
    PartnerStatus.DRAFT: (PartnerStatus.ACTIVE, PartnerStatus.CLOSED),
    PartnerStatus.ACTIVE: (PartnerStatus.SUSPENDED, PartnerStatus.CLOSED),
    PartnerStatus.SUSPENDED: (PartnerStatus.ACTIVE, PartnerStatus.CLOSED),
    PartnerStatus.CLOSED: (),
}
"""Where a partner may go from each status; the database holds the same."""


class KeyOutcome(models.TextChoices):
    """What became of a request with an API key that is known."""

    USED = "used"
    WRONG_SECRET = "wrong_secret", "Wrong secret"
    REVOKED = "revoked"
    EXPIRED = "expired"
    OWNER = "owner", "Its owner is not active"
    NETWORK = "network", "Not from its networks"
    PARTNER = "partner", "Its partner is not active"


class KeyState(models.TextChoices):
    """Whether an API key works by itself."""

    LIVE = "live"
    REVOKED = "revoked"
    EXPIRED = "expired"
