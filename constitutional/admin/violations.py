"""The review of violations: a queue, the evidence, notes, and steps for many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from constitutional.admin.display import describe_duration, draw_facts, draw_severity, list_evidence, show_severity
from constitutional.admin.steps import Step, StepsAdmin
from constitutional.choices import OPEN_STATUSES, ResolutionStatus, ViolationType
from constitutional.models import Violation, ViolationNote
from constitutional.selectors import list_systemic_runs
from constitutional.services import review
from core.admin_base import BoundedInline, RunFilter

if TYPE_CHECKING:
    from accounts.models import User

_REVIEW = "constitutional.review_violation"


class ReviewFilter(admin.SimpleListFilter):
    """By status; what is open where nothing is chosen."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every status, and all."""
        return [*((value, str(label)) for value, label in ResolutionStatus.choices), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """The choices, the default called open."""
        first, *others = super().choices(changelist)
        yield first | {"display": "Open"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Violation]) -> QuerySet[Violation]:
        """The violations of the choice."""
        if self.value() == "all":
            return queryset
        return queryset.filter(resolution_status__in=[self.value()] if self.value() else OPEN_STATUSES)


class TypeFilter(admin.SimpleListFilter):
    """By type."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The types, the gravest first."""
        return [(value, str(label)) for value, label in reversed(ViolationType.choices)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Violation]) -> QuerySet[Violation]:
        """The violations of the choice."""
        return queryset.filter(violation_type=self.value()) if self.value() else queryset


class NoteInline(BoundedInline):
    """What was noted, to read."""

    model = ViolationNote
    fields = ("created_at", "action", "who", "text")
    readonly_fields = fields
    can_delete = False
    verbose_name_plural = "Notes"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ViolationNote]:
        """Notes with their authors."""
        return super().get_queryset(request).select_related("author")

    @admin.display(description="Who")
    def who(self, note: ViolationNote) -> str:
        """The author, or the database role where nobody was named."""
        return str(note.author) if note.author else f"database role {note.database_role}"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Notes are added by a step."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Notes do not change."""
        return False


class ViolationList(ChangeList):
    """The queue, which knows the runs whose trouble is systemic."""

    def get_results(self, request: HttpRequest) -> None:
        """One page of violations."""
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        systemic = list_systemic_runs({violation.run_id for violation in self.result_list})
        for violation in self.result_list:
            violation.is_systemic = violation.run_id in systemic


@admin.register(Violation)
class ViolationAdmin(StepsAdmin):
    """Violations: nobody adds, changes or deletes one; people take the steps of the review."""

    steps: ClassVar[dict[str, Step]] = {
        "acknowledge": Step("Acknowledge", "Acknowledged", _REVIEW, "What is known", is_note_required=False),
        "resolve": Step("Resolve", "Resolved", _REVIEW, "How it was settled"),
        "false_positive": Step("False positive", "Called a false positive", _REVIEW, "Why nothing was wrong"),
        "note": Step("Add a note", "Noted", _REVIEW, "Note"),
    }
    list_display = ["severity", "policy", "resolution_status", "detected", "lasted", "run_name"]
    list_display_links = ["severity", "policy"]
    list_filter = [ReviewFilter, TypeFilter, ("policy", admin.RelatedOnlyFieldListFilter), RunFilter]
    list_select_related = ["policy", "run"]
    list_per_page = 50
    search_fields = (
        "=id",
        "policy__policy_name",
        "run__name",
    )
    ordering = (
        "-detected_at",
        "-id",
    )
    actions: Any = ["acknowledge", "resolve", "false_positive", "note"]
    inlines: ClassVar[list[type]] = [NoteInline]
    fields: ClassVar[list[Any]] = [
        "severity",
        "policy_link",
        "run_link",
        ("detected_at", "first_crossing_at"),
        ("lasted", "cleared_reason"),
        "measured",
        "evidence",
        "resolution_status",
        "acknowledged",
        "resolved",
    ]
    readonly_fields = [
        "severity",
        "policy_link",
        "run_link",
        "lasted",
        "measured",
        "evidence",
        "acknowledged",
        "resolved",
    ]

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["core/charts.css", "constitutional/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The queue."""
        return ViolationList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Violation]:
        """Violations with the names their page shows."""
        return (
            super()
            .get_queryset(request)
            .select_related("policy", "policy_version", "run", "acknowledged_by", "resolved_by")
        )

    @admin.display(description="Severity", ordering="severity_score")
    def severity(self, violation: Violation) -> SafeString:
        """Severity as a bar."""
        return draw_severity(violation)

    @admin.display(description="Run", ordering="run_id")
    def run_name(self, violation: Violation) -> str | SafeString:
        """The run; marked where its trouble is systemic."""
        if not getattr(violation, "is_systemic", False):
            return str(violation.run)
        return format_html('{} <span class="systemic" title="5 or more open violations">systemic</span>', violation.run)

    @admin.display(description="Detected", ordering="detected_at")
    def detected(self, violation: Violation) -> str:
        """When, to the second, in the run's time."""
        return f"{violation.detected_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="Lasted")
    def lasted(self, violation: Violation) -> str:
        """From the first crossing to the end."""
        if violation.cleared_at is None:
            return "goes on"
        return describe_duration(violation.cleared_at - violation.first_crossing_at)

    @admin.display(description="Policy")
    def policy_link(self, violation: Violation) -> SafeString:
        """The policy and the version that was breached."""
        address = reverse("admin:constitutional_constitutionalpolicy_change", args=[violation.policy_id])
        versions = reverse("admin:constitutional_constitutionalpolicy_history", args=[violation.policy_id])
        return format_html(
            '<a href="{}">{}</a>, <a href="{}">version {}</a>',
            address,
            violation.policy,
            versions,
            violation.policy_version.version,
        )

    @admin.display(description="Run")
    def run_link(self, violation: Violation) -> SafeString:
        """The run, and its other violations."""
        queue = reverse("admin:constitutional_violation_changelist")
        return format_html(
            '{}, <a href="{}?review=all&amp;run={}">all its violations</a>', violation.run, queue, violation.run_id
        )

    @admin.display(description="Measured")
    def measured(self, violation: Violation) -> SafeString:
        """The peak of the episode."""
        facts = [
            ("Peak", violation.peak_value),
            ("Peak at", violation.peak_at and f"{violation.peak_at:%Y-%m-%d %H:%M:%S}"),
            ("Samples beyond the bound", violation.sample_count),
            ("Ha when detected", violation.ha_value),
        ]
        return draw_facts((label, value) for label, value in facts if value is not None)

    @admin.display(description="Evidence")
    def evidence(self, violation: Violation) -> SafeString:
        """What the policy asked for and what was found."""
        return draw_facts(list_evidence(violation.violation_data))

    @admin.display(description="Acknowledged")
    def acknowledged(self, violation: Violation) -> str:
        """Who took it up, and when."""
        return _sign(violation.acknowledged_by, violation.acknowledged_at)

    @admin.display(description="Resolved")
    def resolved(self, violation: Violation) -> str:
        """Who ended the review, and when."""
        return _sign(violation.resolved_by, violation.resolved_at)

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Whether the user reviews violations."""
        return self.may_take(request, "acknowledge")

    @admin.action(description="Acknowledge", permissions=["review"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Violation]) -> HttpResponse:
        """Take up the chosen violations."""
        return self.show_step(request, "acknowledge", _list_ids(queryset))

    @admin.action(description="Resolve", permissions=["review"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Violation]) -> HttpResponse:
        """End the review of the chosen violations."""
        return self.show_step(request, "resolve", _list_ids(queryset))

    @admin.action(description="Call a false positive", permissions=["review"])
    def false_positive(self, request: HttpRequest, queryset: QuerySet[Violation]) -> HttpResponse:
        """End the review of the chosen violations: nothing was wrong."""
        return self.show_step(request, "false_positive", _list_ids(queryset))

    @admin.action(description="Add a note", permissions=["review"])
    def note(self, request: HttpRequest, queryset: QuerySet[Violation]) -> HttpResponse:
        """Remark on the chosen violations."""
        return self.show_step(request, "note", _list_ids(queryset))

    def list_records(self, ids: Sequence[int]) -> list[Violation]:
        """The violations, newest first."""
        return list(Violation.objects.with_names().filter(pk__in=ids).newest_first())

    def is_ready(self, step: str, record: Violation) -> bool:
        """Whether the step is the next one of the review; a remark is possible at any time."""
        before = ResolutionStatus.PENDING if step == "acknowledge" else ResolutionStatus.ACKNOWLEDGED
        return step == "note" or record.resolution_status == before

    def describe(self, record: Violation) -> str:
        """What was breached, how badly, where and when."""
        return (
            f"{record.policy}: {record.violation_type} ({show_severity(record.severity_score)}) in {record.run}, "
            f"{self.detected(record)}, {record.get_resolution_status_display().lower()}"
        )

    def take(self, step: str, ids: Sequence[int], *, actor: User, note: str) -> None:
        """Take a step of the review."""
        now = timezone.now()
        if step == "acknowledge":
            review.acknowledge_violations(ids=ids, actor=actor, note=note, now=now)
        elif step == "note":
            review.add_notes(ids=ids, actor=actor, text=note, now=now)
        else:
            review.resolve_violations(ids=ids, actor=actor, note=note, now=now, false_positive=step == "false_positive")


def _list_ids(queryset: QuerySet[Violation]) -> list[int]:
    return list(queryset.values_list("pk", flat=True))


def _sign(user: User | None, at: Any) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} by {user or 'nobody named'}"
