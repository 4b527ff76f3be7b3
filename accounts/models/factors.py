"""Second factors: one-time codes by time, and the codes for who lost the device."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.db.encryption import EncryptedTextField
from core.models.base import RecordModel


class SecondFactor(RecordModel):
    """A user's generator of one-time codes (TOTP, RFC 6238); it counts once a first code has confirmed it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor", help_text="Whose it is."
    )
    seed = EncryptedTextField(bound_to="user", max_length=64, help_text="The shared seed, Base32, encrypted.")
    last_step = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="Time step (30 s since 1970) of the last code that was taken; a code of it or before is refused.",
    )
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When a first code confirmed it; null until then."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When the seed was made.")

    class Meta:
        db_table = "second_factors"
        ordering = ["user_id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"second factor of user {self.user_id}"


class RecoveryCode(RecordModel):
    """A code that stands in for one one-time code, once; shown when it is made, kept as a hash."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes", help_text="Whose it is."
    )
    code_hash = models.CharField(max_length=64, help_text="SHA-256 of the 80-bit code, hex; never the code.")
    used_at = models.DateTimeField(null=True, blank=True, help_text="When it was used; null while it works.")

    class Meta:
        db_table = "recovery_codes"
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            # Also the index that finds a code.
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_codes_hash_uq"),
        ]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
