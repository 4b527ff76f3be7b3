"""API keys."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from core.models.base import TimestampedModel


class ApiKey(TimestampedModel):
    """A key with which a program signs in for its owner; of the secret only a hash is kept."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys", help_text="For whom it signs in."
    )
    name = models.CharField(max_length=100, help_text="What the key is for.")
    prefix = models.CharField(max_length=8, unique=True, editable=False, help_text="Start of the key, shown to people.")
    secret_hash = models.BinaryField(editable=False, help_text="SHA-256 of the key's 256-bit secret, 32 bytes.")
    scopes = ArrayField(
        models.CharField(max_length=200),
        default=list,
        help_text="Permissions it carries at most, such as core.add_run; the owner's own bound it too.",
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=43),
        default=list,
        blank=True,
        help_text="Networks it may come from, CIDR; empty for any.",
    )
    rate_limit_per_min = models.IntegerField(default=600, help_text="Requests a minute.")
    burst = models.IntegerField(default=60, help_text="Requests that may come at once.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it stops working by itself.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When somebody ended it.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When it was last used.")

    class Meta:
        db_table = "api_keys"
        ordering = ["-created_at", "-id"]
        verbose_name = "API key"
        indexes = [
            # The keys that still work, of one owner.
            models.Index(fields=["owner"], condition=Q(revoked_at=None), name="api_keys_live_idx"),
            # "Which keys may do this?"
            GinIndex(fields=["scopes"], name="api_keys_scopes_gin"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(rate_limit_per_min__gt=0), name="api_keys_rate_limit_ck"),
            models.CheckConstraint(condition=Q(burst__gt=0), name="api_keys_burst_ck"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
