"""The audit trail in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin_base import ReadOnlyAdmin, TelemetryAdmin, TimeWindowFilter, time_column
from core.audit_selectors import list_differences, show_value
from core.audit_verifier import name_key
from core.models import AuditCheckpoint, AuditEntry


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
        """Columns that differ between before and after, or what an event or statement tells."""
        differences = list_differences(bytes(entry.payload))
        if not differences:
            return format_html('<pre class="json">{}</pre>', bytes(entry.payload).decode(errors="replace"))
        rows = format_html_join(
            "",
            "<tr><th>{}</th><td>{}</td><td>{}</td></tr>",
            ((name, show_value(before), show_value(after)) for name, before, after in differences),
        )
        return format_html("<table>{}</table>", rows)

    @admin.display(description="SHA-256 of the payload")
    def digest(self, entry: AuditEntry) -> str:
        """The digest, hex."""
        return bytes(entry.payload_sha256).hex()


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin):
    """Signed checkpoints of the audit's chain."""

    list_display = ("number", "made_at", "reason", "entries", "key")
    list_filter = ("reason",)
    ordering = ("-number",)
    fields = ("number", "made_at", "reason", "entries", "digest", "key", "signed_text")
    readonly_fields = ("digest", "key", "signed_text")

    @admin.display(description="SHA-256")
    def digest(self, checkpoint: AuditCheckpoint) -> str:
        """The digest of the document, hex."""
        return bytes(checkpoint.sha256).hex()

    @admin.display(description="key")
    def key(self, checkpoint: AuditCheckpoint) -> str:
        """The id of the key that signed."""
        return name_key(bytes(checkpoint.public_key))

    @admin.display(description="document")
    def signed_text(self, checkpoint: AuditCheckpoint) -> SafeString:
        """What was signed."""
        return format_html('<pre class="json">{}</pre>', bytes(checkpoint.document).decode(errors="replace"))
