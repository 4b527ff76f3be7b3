"""The audit trail."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from core.models.base import RecordModel


class AuditEntry(RecordModel):
    """One change of one row, with the exact bytes that say what changed; written by triggers, whoever made the change.

    Append-only, partitioned by month of `ts`; kept for seven years.
    """

    read_only = True
    database_key = ("ts", "id")

    ts = models.DateTimeField(db_default=Now(), help_text="When the statement ran, UTC; partition key, monthly.")
    actor_id = models.IntegerField(null=True, help_text="The user who did it, where the connection said so.")
    database_role = models.CharField(max_length=63, help_text="The database role that did it.")
    action = models.CharField(max_length=10, help_text="create, update, delete, read or execute.")
    table_name = models.CharField(max_length=127, help_text="Schema and table.")
    row_key = models.CharField(max_length=255, help_text="Primary key of the row.")
    payload = models.BinaryField(
        help_text="Canonical JSON of the row before and after, UTF-8: the bytes that are hashed."
    )
    payload_sha256 = models.BinaryField(help_text="SHA-256 of the payload.")

    class Meta:
        db_table = "golden_dag_audit"
        ordering = ["-ts", "-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            # One entry by its id alone.
            models.Index(fields=["id"], name="golden_dag_audit_id_idx"),
            # The history of one row.
            models.Index(fields=["table_name", "row_key", "-ts"], name="golden_dag_audit_row_idx"),
            # What one user did.
            models.Index(fields=["actor_id", "-ts"], name="golden_dag_audit_actor_idx"),
            # Long spans of time, at next to no cost.
            BrinIndex(fields=["ts"], name="golden_dag_audit_ts_brin"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.table_name} {self.row_key}"
