"""What users did."""

from __future__ import annotations

from django.db import models

from core.models.base import RecordModel


class UserActivity(RecordModel):
    """One user with sign-ins, runs, keys and reviews: a view, for administrators."""

    read_only = True

    id = models.IntegerField(primary_key=True, help_text="The user.")
    username = models.CharField(max_length=50, help_text="The name.")
    role = models.CharField(max_length=50, help_text="admin, operator, user or readonly.")
    is_active = models.BooleanField(help_text="Whether the user may sign in.")
    last_login = models.DateTimeField(null=True, help_text="Last sign-in.")
    runs_owned = models.BigIntegerField(help_text="Runs the user answers for.")
    live_keys = models.BigIntegerField(help_text="API keys that are not revoked.")
    acknowledged = models.BigIntegerField(help_text="Violations acknowledged.")
    resolved = models.BigIntegerField(help_text="Violations resolved or found false.")
    notes = models.BigIntegerField(help_text="Notes written.")
    last_active_at = models.DateTimeField(null=True, help_text="Last sign-in or review, whichever is later.")

    class Meta:
        managed = False
        db_table = "user_activity_view"
        ordering = ["username"]
        verbose_name = "user activity"
        verbose_name_plural = "user activity"

    def __str__(self) -> str:
        return self.username
