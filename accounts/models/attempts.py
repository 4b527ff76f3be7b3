"""Attempts to sign in, for their limits."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.models.base import RecordModel


class LoginAttempts(RecordModel):
    """The recent attempts of one account, known or not, or of one network address, that failed or are under way.

    Written by the functions of the limit alone; a job removes rows without recent attempts.
    """

    subject = models.CharField(
        primary_key=True,
        max_length=80,
        help_text="`account:` and the SHA-256 of the name in one case, or `address:` and the address (IPv6: its /64).",
    )
    attempted_at = ArrayField(
        models.DateTimeField(), default=list, help_text="When they were made, earliest first, within the window."
    )

    class Meta:
        db_table = "login_attempts"
        ordering = ["subject"]
        default_permissions = ()
        verbose_name = "recent attempts to sign in"
        verbose_name_plural = "recent attempts to sign in"

    def __str__(self) -> str:
        return self.subject
