"""Configuration and the record of migrations in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from core.admin_base import EditableAdmin, ReadOnlyAdmin, TimeWindowFilter
from core.models import SchemaMigration, SystemConfig, SystemConfigChange
from core.selectors import list_config_changes
from core.services.configuration import change_config, create_config

HISTORY_LENGTH = 50


@admin.register(SystemConfig)
class SystemConfigAdmin(EditableAdmin):
    """Configuration values with their history."""

    list_display = ("config_key", "environment", "shown_value", "config_type", "is_active", "updated_at")
    list_filter = ("environment", "config_type", "is_active")
    search_fields = ("config_key",)
    fields = ("config_key", "environment", "config_type", "config_value", "is_active", "history")

    def has_delete_permission(self, request: HttpRequest, obj: SystemConfig | None = None) -> bool:
        """Nobody: a value that is not active is not in force."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: SystemConfig | None = None) -> tuple[str, ...]:
        """Key and environment of a value that is there."""
        return ("history",) if obj is None else ("history", "config_key", "environment")

    def save_model(self, request: HttpRequest, obj: SystemConfig, form: Any, change: bool) -> None:
        """Make or change the value."""
        changed = {
            "config_value": obj.config_value,
            "config_type": obj.config_type,
            "is_active": obj.is_active,
        }
        if change:
            change_config(config=obj, **changed)
        else:
            made = create_config(config_key=obj.config_key, environment=obj.environment, **changed)
            obj.pk = made.pk

    @admin.display(description="value")
    def shown_value(self, config: SystemConfig) -> str:
        """The value on one line."""
        text = str(config.config_value)
        return text if len(text) <= 80 else f"{text[:79]}…"

    @admin.display(description="history")
    def history(self, config: SystemConfig) -> SafeString | str:
        """The latest changes."""
        if config.pk is None:
            return "-"
        changes = list_config_changes(config)[:HISTORY_LENGTH]
        return render_to_string("admin/core/config_history.html", {"changes": changes})


@admin.register(SystemConfigChange)
class SystemConfigChangeAdmin(ReadOnlyAdmin):
    """Every change of the configuration, newest first."""

    time_field = "changed_at"
    list_display = ("changed_at", "config_key", "environment", "old_value", "new_value", "actor_id", "database_role")
    list_filter = (TimeWindowFilter, "environment")
    search_fields = ("config_key",)
    ordering = ("-changed_at", "-id")


@admin.register(SchemaMigration)
class SchemaMigrationAdmin(ReadOnlyAdmin):
    """Applied migrations."""

    list_display = ("version", "applied_at", "checksum")
    search_fields = ("version",)
