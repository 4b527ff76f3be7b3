"""Sessions of token holders."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.choices import EndReason
from core.db.encryption import EncryptedTextField
from core.models.base import RecordModel


class UserSession(RecordModel):
    """One signed-in session of a token holder: its access token and its refresh token, both replaced at each refresh.

    Written when tokens are given out; what ends it is in the database: logout, the reuse of a refresh token, a new
    password or role, a disabled user. A job removes rows past `expires_at`.
    """

    session_uuid = models.UUIDField(
        unique=True, default=uuid.uuid4, editable=False, help_text="Identity of the session, `sid` in its tokens."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions", help_text="Whose session it is."
    )
    jwt_token_hash = models.CharField(
        max_length=255, unique=True, help_text="SHA-256 of the token, hex; never the token."
    )
    refresh_hash = models.CharField(
        max_length=64,
        default="",
        db_default="",
        help_text="SHA-256 of the refresh token that works next, hex; never the token.",
    )
    generation = models.IntegerField(
        default=0, db_default=0, help_text="Refreshes so far; a refresh token of an earlier generation was used before."
    )
    user_agent = EncryptedTextField(
        bound_to="session_uuid",
        max_length=300,
        null=True,
        blank=True,
        help_text="What the client calls itself, encrypted; null where it says nothing.",
    )
    address = models.GenericIPAddressField(null=True, blank=True, help_text="Where it was begun or last refreshed.")
    expires_at = models.DateTimeField(help_text="When the session ends by itself.")
    last_seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last used, to a minute; null for a session never used."
    )
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="When it was ended; null while it goes on.")
    revoked_reason = models.CharField(
        max_length=20, choices=EndReason, default="", db_default="", blank=True, help_text="Why it was ended."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it began.")

    class Meta:
        db_table = "user_sessions"
        ordering = ["-created_at", "-id"]
        indexes = [
            # Removing what has expired.
            models.Index(fields=["expires_at"], name="idx_sessions_expires"),
            # Ending and listing what goes on, of one user.
            models.Index(fields=["user"], condition=Q(revoked_at=None), name="user_sessions_live_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="user_sessions_expires_ck"),
            models.CheckConstraint(condition=Q(generation__gte=0), name="user_sessions_generation_ck"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="")
                | Q(revoked_at__isnull=False, revoked_reason__in=EndReason.values),
                name="user_sessions_revoked_ck",
            ),
        ]

    def __str__(self) -> str:
        return str(self.session_uuid)
