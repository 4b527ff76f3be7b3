"""Policies for people: edited, switched on and off, with every version and its difference from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from constitutional.admin.forms import CompareForm, PolicyForm
from constitutional.choices import PolicyType
from constitutional.models import ConstitutionalPolicy, PolicyVersion
from constitutional.policy_content import PolicyContentError, describe, validate_policy_content
from constitutional.selectors import compare_versions, list_versions
from constitutional.services import policies
from core.admin_base import EditableAdmin
from core.exceptions import DomainError

MAX_VERSIONS = 200
"""Versions that the page of a policy lists, the newest."""


@admin.register(ConstitutionalPolicy)
class PolicyAdmin(EditableAdmin):
    """Policies; every way to change one goes through the services."""

    form = PolicyForm
    list_display = ["policy_name", "sentence", "policy_type", "priority_level", "is_active", "version"]
    list_filter = ["policy_type", "is_active"]
    search_fields = ("policy_name",)
    ordering = (
        "-is_active",
        "-priority_level",
        "policy_name",
    )
    readonly_fields = ["sentence", "version", "created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["policy_name", "policy_type", "priority_level", "is_active", "sentence"]}),
        ("Content", {"fields": ["policy_content", "change_note"]}),
        ("Record", {"fields": ["version", "created_at", "updated_at"]}),
    ]
    actions: Any = ["activate", "deactivate"]

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["core/charts.css", "constitutional/admin.css"]}

    @admin.display(description="In words")
    def sentence(self, policy: ConstitutionalPolicy) -> str:
        """The content in one sentence, or what is wrong with it."""
        if policy.pk is None:
            return ""
        try:
            return describe(validate_policy_content(policy.policy_content))
        except PolicyContentError as error:
            return f"Not valid, so not applied: {error}"

    def has_delete_permission(self, request: HttpRequest, obj: ConstitutionalPolicy | None = None) -> bool:
        """Fundamental policies are not deleted."""
        if obj is not None and obj.policy_type == PolicyType.FUNDAMENTAL:
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Policies are deleted one at a time."""
        return {name: entry for name, entry in super().get_actions(request).items() if name != "delete_selected"}

    @admin.action(description="Switch on", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ConstitutionalPolicy]) -> None:
        """Let the monitor apply the chosen policies."""
        self._change_each(request, queryset, policies.activate_policy, "Switched on")

    @admin.action(description="Switch off", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[ConstitutionalPolicy]) -> None:
        """Switch the chosen policies off."""
        self._change_each(request, queryset, policies.deactivate_policy, "Switched off")

    def save_model(self, request: HttpRequest, obj: ConstitutionalPolicy, form: PolicyForm, change: bool) -> None:
        """Make or change the policy."""
        values = dict(form.cleaned_data)
        saved = policies.update_policy(policy_id=obj.pk, **values) if change else policies.create_policy(**values)
        obj.pk, obj.version = saved.pk, saved.version

    def delete_model(self, request: HttpRequest, obj: ConstitutionalPolicy) -> None:
        """Delete the policy."""
        policies.delete_policy(policy_id=obj.pk)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page; a violation may have cited the policy since it was shown."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The versions of a policy with who and when, and the difference between any two."""
        policy = self.get_object(request, object_id)
        if policy is None:
            raise Http404
        if not self.has_view_or_change_permission(request, policy):
            raise PermissionDenied
        versions = list(list_versions(policy.pk)[:MAX_VERSIONS])
        form = CompareForm(request.GET) if {"old", "new"} & request.GET.keys() else None
        older, newer = self._choose(policy, versions, form)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Versions of {policy}",
            "opts": self.opts,
            "original": policy,
            "media": self.media,
            "versions": versions,
            "older": older,
            "newer": newer,
            "differences": compare_versions(older, newer) if older and newer else [],
            "errors": form.errors if form else {},
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/constitutional/constitutionalpolicy/versions.html", context)

    def _choose(
        self, policy: ConstitutionalPolicy, versions: list[PolicyVersion], form: CompareForm | None
    ) -> tuple[PolicyVersion | None, PolicyVersion | None]:
        """The two versions asked for, else the newest and the one before it; None where there is no such version."""
        if form is None:
            newest = [*versions[:2], None, None]
            return newest[1], newest[0]
        if not form.is_valid():
            return None, None
        chosen = []
        for name in ("old", "new"):
            found = list_versions(policy.pk).filter(version=form.cleaned_data[name]).first()
            if found is None:
                form.add_error(name, f"There is no version {form.cleaned_data[name]}.")
            chosen.append(found)
        return chosen[0], chosen[1]

    def _change_each(
        self,
        request: HttpRequest,
        queryset: QuerySet[ConstitutionalPolicy],
        change: Callable[..., ConstitutionalPolicy],
        done: str,
    ) -> None:
        changed = []
        for policy in queryset.order_by("pk"):
            try:
                change(policy_id=policy.pk)
            except DomainError as error:
                details = "; ".join(problem.detail for problem in error.errors) or error.detail
                self.message_user(request, f"{policy}: {details}", messages.ERROR)
            else:
                changed.append(str(policy))
        if changed:
            self.message_user(request, f"{done}: {', '.join(changed)}.", messages.SUCCESS)
