"""The guards of runs: where the state machine stands, and what operators may do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from constitutional.admin.steps import Step, StepsAdmin
from constitutional.choices import GuardLevel
from constitutional.models import RunGuardState
from constitutional.services import guard

if TYPE_CHECKING:
    from accounts.models import User

_CHANGE = "constitutional.change_runguardstate"


@admin.register(RunGuardState)
class RunGuardStateAdmin(StepsAdmin):
    """Levels of runs; an operator stops a run, or lets one go on."""

    steps: ClassVar[dict[str, Step]] = {
        "stop": Step("Stop", "Stopped", _CHANGE, "Why"),
        "release": Step("Let go on", "Released to recovery", _CHANGE, "Why it is safe"),
    }
    list_display = ["run", "level_mark", "latched", "since", "cause", "actor", "updated_at"]
    list_filter = ["level", "latched"]
    list_select_related = ["run", "actor"]
    search_fields = ("run__name",)
    ordering = ("-run_id",)
    actions: Any = ["stop", "release"]
    fields: ClassVar[list[Any]] = ["run", "level_mark", "latched", "since", "cause", "actor", "reason", "updated_at"]
    readonly_fields = fields

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["core/charts.css", "constitutional/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[RunGuardState]:
        """Guards with run and operator."""
        return super().get_queryset(request).select_related("run", "actor")

    @admin.display(description="Level", ordering="level")
    def level_mark(self, state: RunGuardState) -> SafeString:
        """The level in its colour."""
        return format_html('<span class="guard guard-{}">{}</span>', state.level, state.level)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the user stops and releases runs."""
        return self.may_take(request, "stop")

    @admin.action(description="Stop", permissions=["operate"])
    def stop(self, request: HttpRequest, queryset: QuerySet[RunGuardState]) -> HttpResponse:
        """Stop the chosen runs."""
        return self.show_step(request, "stop", list(queryset.values_list("pk", flat=True)))

    @admin.action(description="Let go on", permissions=["operate"])
    def release(self, request: HttpRequest, queryset: QuerySet[RunGuardState]) -> HttpResponse:
        """Let the chosen runs go on."""
        return self.show_step(request, "release", list(queryset.values_list("pk", flat=True)))

    def list_records(self, ids: Sequence[int]) -> list[RunGuardState]:
        """The guards, by run."""
        return list(RunGuardState.objects.filter(pk__in=ids).select_related("run").order_by("pk"))

    def is_ready(self, step: str, record: RunGuardState) -> bool:
        """Whether the level allows the step."""
        if step == "release":
            return record.level in (GuardLevel.EMERGENCY, GuardLevel.FAILURE)
        return record.level != GuardLevel.FAILURE

    def take(self, step: str, ids: Sequence[int], *, actor: User, note: str) -> None:
        """Stop the runs, or let them go on, all or none."""
        operate = guard.force_emergency_stop if step == "stop" else guard.release_emergency_stop
        with transaction.atomic():
            for run_id in ids:
                operate(run_id=run_id, actor=actor, reason=note, now=timezone.now())
