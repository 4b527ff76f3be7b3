"""Rate limits."""

from __future__ import annotations

from django.db import models

from core.models.base import RecordModel


class RateLimit(RecordModel):
    """How much of its allowance of requests a key, a user or an address has spent.

    Written by `take_request_v1` with every request that is counted; a row whose time is past says nothing more and is
    removed by a job. After a crash of the server the last fraction of a second of counts may be missing.
    """

    read_only = True

    subject = models.CharField(
        max_length=80, primary_key=True, help_text="key:ID, user:ID, or address: and a keyed hash of the address."
    )
    full_at = models.DateTimeField(help_text="When the whole allowance is there again, if nothing more is spent.")

    class Meta:
        db_table = "rate_limits"
        ordering = ["subject"]
        verbose_name = "rate limit"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.subject
