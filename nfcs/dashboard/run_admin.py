"""Runs in the admin, with the way to their pictures."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.models import Run
from kuramoto.admin import ControlledRunAdmin

admin.site.unregister(Run)


@admin.register(Run)
class PicturedRunAdmin(ControlledRunAdmin):
    """Runs, each with its page of pictures."""

    list_display: Any = ("name", "id", "overview", "kind", "network", "started_at", "ended_at", "telemetry")
    change_form_template = "nfcs/run_change_form.html"

    @admin.display(description="")
    def overview(self, run: Run) -> SafeString:
        """Where the whole run is drawn."""
        return format_html('<a href="{}">overview</a>', reverse("admin:nfcs_run_overview", args=[run.pk]))
