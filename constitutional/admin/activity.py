"""What users did, for administrators."""

from __future__ import annotations

from django.contrib import admin

from constitutional.models import UserActivity
from core.admin_base import ReadOnlyAdmin


@admin.register(UserActivity)
class UserActivityAdmin(ReadOnlyAdmin):
    """Users with sign-ins, runs, keys and reviews."""

    list_display = (
        "username",
        "role",
        "is_active",
        "last_login",
        "runs_owned",
        "live_keys",
        "acknowledged",
        "resolved",
        "notes",
        "last_active_at",
    )
    list_filter = ("role", "is_active")
    search_fields = ("username",)
