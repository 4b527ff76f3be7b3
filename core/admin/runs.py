"""Runs in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin_base import BoundedInline, EditableAdmin, show_json
from core.exceptions import DomainError
from core.models import Run, RunShare
from core.services.runs import end_run, rename_run, share_run, unshare_run

if TYPE_CHECKING:
    from accounts.models import User


class OngoingFilter(admin.SimpleListFilter):
    """Runs that go on, or ended."""

    title = "state"
    parameter_name = "ongoing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two states."""
        return [("yes", "Ongoing"), ("no", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """The runs in the chosen state."""
        return queryset if self.value() is None else queryset.filter(ended_at__isnull=self.value() == "yes")


class RunShareInline(BoundedInline):
    """Groups whose members may read the run."""

    model = RunShare
    fields = ("group", "shared_by", "created_at")
    readonly_fields = ("shared_by", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change runs shares them."""
        return request.user.has_perm("core.change_run")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a share is taken back and another made."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change runs takes them back."""
        return request.user.has_perm("core.change_run")


@admin.register(Run)
class RunAdmin(EditableAdmin):
    """Runs: producers open them; people rename and end them."""

    list_display = ("name", "id", "kind", "owner", "network", "n_oscillators", "started_at", "ended_at", "telemetry")
    list_filter = ("kind", OngoingFilter)
    list_select_related = ("owner", "network")
    search_fields = ("name",)
    ordering = ("-started_at", "-id")
    actions = ("end_runs",)
    inlines: ClassVar[Any] = (RunShareInline,)
    fieldsets = (
        (None, {"fields": ("name", "kind", "owner", "started_at", "ended_at", "run_uuid")}),
        ("Producer", {"fields": ("code_version", "seed", "shown_parameters")}),
        ("Oscillators", {"fields": ("network", "n_oscillators", "frequencies", "coupling_norm", "critical_coupling")}),
        ("Hallucination number", {"fields": ("defect_density_ref", "ha_weights")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: producers open runs."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """Nobody: telemetry refers to its run."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Runs; in the list without their frequencies."""
        return super().get_queryset(request).defer("natural_frequencies", "parameters")

    def get_readonly_fields(self, request: HttpRequest, obj: Run | None = None) -> tuple[str, ...]:
        """Everything but the name."""
        return tuple(str(name) for _, part in self.fieldsets for name in part["fields"] if name != "name")

    def save_model(self, request: HttpRequest, obj: Run, form: Any, change: bool) -> None:
        """Rename the run."""
        rename_run(run=obj, name=obj.name)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Share the run with the added groups, take it back from the removed ones."""
        formset.save(commit=False)
        for share in formset.deleted_objects:
            unshare_run(run=share.run, group=share.group)
        formset.new_objects = [
            share_run(run=form.instance, group=added.instance.group, shared_by=cast("User", request.user))
            for added in formset.extra_forms
            if added.has_changed() and not added.cleaned_data.get("DELETE")
        ]

    @admin.display(description="parameters")
    def shown_parameters(self, run: Run) -> SafeString:
        """What the producer was started with."""
        return show_json(run.parameters)

    @admin.display(description="natural frequencies")
    def frequencies(self, run: Run) -> str:
        """The spread of the natural frequencies."""
        if not run.natural_frequencies:
            return "not given"
        omega = np.array(run.natural_frequencies)
        spread = f"standard deviation {omega.std():.4g}, {omega.min():.4g} to {omega.max():.4g} rad/s"
        return f"mean {omega.mean():.4g}, {spread}"

    @admin.display(description="")
    def telemetry(self, run: Run) -> SafeString:
        """Where its fields are listed."""
        address = reverse("admin:core_fieldstate_changelist")
        return format_html('<a href="{}?run={}&amp;within=all">fields</a>', address, run.pk)

    @admin.action(description="End the selected runs now", permissions=["change"])
    def end_runs(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        """End every chosen run that goes on."""
        ended = 0
        for run in runs:
            try:
                end_run(run=run, ended_at=timezone.now())
                ended += 1
            except DomainError as error:
                self.message_user(request, f"{run}: {error.detail}", messages.WARNING)
        self.message_user(request, f"Ended: {ended}.")
