"""How old the materialized summaries are."""

from __future__ import annotations

from django.db import models

from core.models.base import RecordModel


class SummaryRefresh(RecordModel):
    """When a materialized summary was last refreshed, and how long that took; written by the worker."""

    read_only = True

    name = models.CharField(max_length=63, primary_key=True, help_text="The materialized view.")
    refreshed_at = models.DateTimeField(help_text="When its last refresh began: it holds what was there then.")
    duration_ms = models.FloatField(help_text="How long the refresh took, ms.")

    class Meta:
        db_table = "summary_refreshes"
        ordering = ["name"]
        verbose_name = "summary refresh"
        verbose_name_plural = "summary refreshes"

    def __str__(self) -> str:
        return self.name
