"""Runs in the admin, with the way to their pictures, and stopped and recovered by operators."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin.runs import RunAdmin
from core.models import Run
from nfcs.dashboard import run_control

admin.site.unregister(Run)


@admin.register(Run)
class OperatedRunAdmin(RunAdmin):
    """Runs, each with its page of pictures and its telemetry."""

    list_display: Any = ("name", "id", "overview", "telemetry", "kind", "started_at", "ended_at")
    actions: Any = (*RunAdmin.actions, "stop_runs", "recover_runs")
    change_form_template = "nfcs/run_change_form.html"

    class Media:
        css: ClassVar[Any] = {"all": ("nfcs/dashboard.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and before them those of stopping and recovering."""
        wrap = self.admin_site.admin_view
        return [
            path("emergency-stop/", wrap(run_control.stop_runs), name="nfcs_stop_runs"),
            path("recover/", wrap(run_control.recover_runs), name="nfcs_recover_runs"),
            *super().get_urls(),
        ]

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Whether the viewer may stop and recover runs."""
        return request.user.has_perms(run_control.PERMISSIONS)

    @admin.display(description="")
    def overview(self, run: Run) -> SafeString:
        """Where the whole run is drawn."""
        return format_html('<a href="{}">overview</a>', reverse("admin:nfcs_run_overview", args=[run.pk]))

    @admin.display(description="")
    def telemetry(self, run: Run) -> SafeString:
        """Where its states, fields and events are listed."""
        names = {
            "states": "kuramoto_oscillatorstate",
            "fields": "core_fieldstate",
            "events": "kuramoto_synchronizationevent",
        }
        links = ((reverse(f"admin:{name}_changelist"), run.pk, words) for words, name in names.items())
        return format_html_join(", ", '<a href="{}?run={}&amp;within=all">{}</a>', links)

    @admin.action(description="Emergency stop of the selected runs", permissions=["control"])
    def stop_runs(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse:
        """Ask for a reason, then stop."""
        return _ask("admin:nfcs_stop_runs", runs)

    @admin.action(description="Recover the selected runs", permissions=["control"])
    def recover_runs(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse:
        """Ask for a reason, then recover."""
        return _ask("admin:nfcs_recover_runs", runs)


def _ask(address: str, runs: QuerySet[Run]) -> HttpResponse:
    ids = runs.order_by("pk").values_list("pk", flat=True)[: run_control.MOST_RUNS]
    return HttpResponseRedirect(f"{reverse(address)}?runs={','.join(map(str, ids))}")
