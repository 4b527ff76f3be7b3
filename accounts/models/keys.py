"""API keys, and where they were used."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.choices import KeyOutcome, KeyState
from accounts.constants import MOST_PER_MINUTE
from core.models.base import RecordModel, TimestampedModel


class ApiKey(TimestampedModel):
    """A key with which a program signs in for its owner; of the secret only a hash is kept."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys", help_text="For whom it signs in."
    )
    partner = models.ForeignKey(
        "accounts.PartnerConfig",
        on_delete=models.PROTECT,
        related_name="api_keys",
        null=True,
        blank=True,
        help_text="Whose system signs in; its agreement bounds the key. Null for a program of our own.",
    )
    name = models.CharField(max_length=100, help_text="What the key is for.")
    prefix = models.CharField(max_length=8, unique=True, editable=False, help_text="Start of the key, shown to people.")
    secret_hash = models.BinaryField(editable=False, help_text="SHA-256 of the key's 256-bit secret, 32 bytes.")
    previous_secret_hash = models.BinaryField(
        null=True, editable=False, help_text="SHA-256 of the secret before the last rotation, 32 bytes."
    )
    previous_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Until when the secret before the last rotation works."
    )
    rotated_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the key got its present secret; null for the first."
    )
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
    rate_limit_per_min = models.IntegerField(default=600, help_text="Requests a minute, 1 to 1000000.")
    burst = models.IntegerField(default=60, help_text="Requests that may come at once, 1 to 1000000.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it stops working by itself.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When somebody ended it.")
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it was last used, to the minute."
    )

    class Meta:
        db_table = "api_keys"
        ordering = ["-created_at", "-id"]
        verbose_name = "API key"
        permissions = [("manage_apikey", "Can manage the API keys of anybody")]
        indexes = [
            # The keys that still work, of one owner.
            models.Index(fields=["owner"], condition=Q(revoked_at=None), name="api_keys_live_idx"),
            # "Which keys may do this?"
            GinIndex(fields=["scopes"], name="api_keys_scopes_gin"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_limit_per_min__range=(1, MOST_PER_MINUTE)), name="api_keys_rate_limit_ck"
            ),
            models.CheckConstraint(condition=Q(burst__range=(1, MOST_PER_MINUTE)), name="api_keys_burst_ck"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def state_at(self, now: datetime) -> KeyState:
        """Whether the key works by itself; its owner and its partner have to be active too."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.expires_at is not None and self.expires_at <= now else KeyState.LIVE


class ApiKeyUse(RecordModel):
    """One address from which a key was used on one day, or from which it was refused for one reason.

    Written by `note_key_use_v1`, once a day for each address and outcome, of refusals at most 200 a key and day.
    """

    read_only = True

    # The database deletes them with the key: the runtime role may not.
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        related_name="uses",
        db_index=False,
        db_constraint=False,
        help_text="The key.",
    )
    day = models.DateField(help_text="The day, UTC.")
    address = models.GenericIPAddressField(null=True, help_text="Where it came from; null where that is not known.")
    outcome = models.CharField(
        max_length=20, choices=KeyOutcome, help_text="used, or why the key was refused, such as expired."
    )
    first_at = models.DateTimeField(db_default=Now(), help_text="When this was seen first.")

    class Meta:
        db_table = "api_key_uses"
        ordering = ["-first_at", "-id"]
        verbose_name = "use of an API key"
        verbose_name_plural = "uses of API keys"
        constraints = [
            models.UniqueConstraint(
                fields=["key", "day", "outcome", "address"], nulls_distinct=False, name="api_key_uses_uq"
            ),
            models.CheckConstraint(condition=Q(outcome__in=KeyOutcome.values), name="api_key_uses_outcome_ck"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} from {self.address} on {self.day}"
