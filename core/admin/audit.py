"""The audit trail in the admin."""

from __future__ import annotations

import orjson
from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin_base import TelemetryAdmin, TimeWindowFilter, time_column
from core.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(TelemetryAdmin):
    """Who changed which row, and what."""

    time_field = "ts"
    list_display = ("time", "action", "table_name", "row_key", "actor_id", "database_role")
    list_filter = (TimeWindowFilter, "action")
    list_select_related = ()
    ordering = ("-ts", "-id")
    search_fields = ("row_key__exact",)
    fieldsets = (
        (None, {"fields": ("ts", "action", "table_name", "row_key", "actor_id", "database_role")}),
        ("What changed", {"fields": ("difference", "digest")}),
    )
    readonly_fields = ("difference", "digest")
    time = time_column("ts")

    @admin.display(description="column: before, after")
    def difference(self, entry: AuditEntry) -> SafeString:
        """Columns that differ between before and after."""
        payload = orjson.loads(bytes(entry.payload))
        before, after = payload["before"] or {}, payload["after"] or {}
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        rows = format_html_join(
            "",
            "<tr><th>{}</th><td>{}</td><td>{}</td></tr>",
            ((name, _show(before.get(name)), _show(after.get(name))) for name in names),
        )
        return format_html("<table>{}</table>", rows)

    @admin.display(description="SHA-256 of the payload")
    def digest(self, entry: AuditEntry) -> str:
        """The digest, hex."""
        return bytes(entry.payload_sha256).hex()


def _show(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
