"""The memory of requests that were carried out, so that a retry does not do them again."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models.base import RecordModel


class IdempotencyKey(RecordModel):
    """One request that was carried out under an `Idempotency-Key`, with its answer; a retry is given the answer again.

    Written in the transaction of the request it stands for; a job removes it after a day. Not partitioned: a unique key
    over caller, route and key needs one table.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        help_text="Who sent the request.",
    )
    route = models.CharField(max_length=200, help_text="Path that it was sent to.")
    key = models.CharField(max_length=255, help_text="The Idempotency-Key, as the caller chose it.")
    body_sha256 = models.BinaryField(help_text="SHA-256 of query, media type and decompressed body.")
    status = models.SmallIntegerField(help_text="Status of the answer, 200 to 299.")
    media_type = models.CharField(max_length=100, help_text="Content-Type of the answer.")
    answer = models.BinaryField(help_text="Body of the answer.")
    created_at = models.DateTimeField(db_default=Now(), help_text="When the request was carried out.")

    class Meta:
        db_table = "idempotency_keys"
        ordering = ["-id"]
        indexes = [
            # What has expired.
            BrinIndex(fields=["created_at"], name="idempotency_keys_created_brin"),
        ]
        constraints = [
            # One answer a caller, route and key; also the index by which a retry finds it.
            models.UniqueConstraint(fields=["user", "route", "key"], name="idempotency_keys_uq"),
            models.CheckConstraint(condition=Q(status__gte=200, status__lt=300), name="idempotency_keys_status_ck"),
        ]

    def __str__(self) -> str:
        return f"{self.key} at {self.route}"
