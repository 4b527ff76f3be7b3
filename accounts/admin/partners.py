"""Partners in the admin."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.admin.scopes import ScopesField
from accounts.choices import PARTNER_STEPS, PartnerStatus
from accounts.data_classes import DATA_CLASSES
from accounts.models import ApiKey, PartnerConfig, User
from accounts.services import change_partner, change_partner_status, create_partner
from core.admin_base import BoundedInline, EditableAdmin, RefusableForm
from core.db.identity import SYSTEM, acting_as
from core.exceptions import DomainError
from core.named_secrets import NAME, SecretMissing, read_named_secret

VERBS = {
    PartnerStatus.ACTIVE: "Activate",
    PartnerStatus.SUSPENDED: "Suspend",
    PartnerStatus.CLOSED: "Close",
}


class PartnerConfigForm(RefusableForm):
    """What is agreed with a partner."""

    endpoint = forms.URLField(
        max_length=500,
        required=False,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text="Address of its system, https.",
    )
    allowed_scopes = ScopesField(required=False, help_text="Permissions its keys may carry.")
    data_classes = forms.MultipleChoiceField(
        choices=[(name, name) for name in sorted(DATA_CLASSES)],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "classes"}),
        required=False,
        help_text="Classes of data it may see; other permissions of its keys count for nothing.",
    )
    licences = SimpleArrayField(
        forms.CharField(max_length=100),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Separated by commas.",
    )

    class Meta:
        model = PartnerConfig
        fields: ClassVar[list[str]] = [
            "partner",
            "owner",
            "endpoint",
            "auth_kind",
            "secret_ref",
            "webhook_key_ref",
            "allowed_scopes",
            "data_classes",
            "licences",
            "retention_days",
        ]

    def clean_secret_ref(self) -> str:
        """The name of a secret, which does not look like one."""
        return _check_reference(self.cleaned_data["secret_ref"])

    def clean_webhook_key_ref(self) -> str:
        """The name of a key, which does not look like one."""
        return _check_reference(self.cleaned_data["webhook_key_ref"])


def _check_reference(value: str) -> str:
    if value and not NAME.match(value):
        raise forms.ValidationError("The name of a secret is needed: a-z, 0-9, dot, dash, underscore.")
    return value


class ApiKeyInline(BoundedInline):
    """The partner's keys, to look at."""

    model = ApiKey
    fields = readonly_fields = ("name", "prefix", "owner", "state", "expires_at", "last_used_at")
    show_change_link = True
    can_delete = False
    verbose_name_plural = "keys"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are made on their own page, which shows them once."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, here."""
        return False

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Whether the key works by itself."""
        return key.state_at(timezone.now()).label.lower()


@admin.register(PartnerConfig)
class PartnerConfigAdmin(EditableAdmin):
    """Other organisations' systems and what is agreed with them."""

    form = PartnerConfigForm
    list_display = ("partner", "status", "endpoint", "auth_kind", "owner", "retention_days", "updated_at")
    list_select_related = ("owner",)
    list_filter = ("status", "auth_kind")
    search_fields = ("partner", "endpoint")
    autocomplete_fields = ("owner",)
    readonly_fields = ("status", "secret_found", "webhook_key_found", "created_at", "updated_at")
    change_form_template = "admin/accounts/partnerconfig/change_form.html"
    inlines: ClassVar[Any] = (ApiKeyInline,)
    fieldsets = (
        (None, {"fields": ("partner", "owner", "status", "retention_days", "licences")}),
        (
            "Its system",
            {
                "fields": (
                    "endpoint",
                    "auth_kind",
                    "secret_ref",
                    "secret_found",
                    "webhook_key_ref",
                    "webhook_key_found",
                )
            },
        ),
        ("Data it may see", {"fields": ("data_classes",)}),
        ("Scopes its keys may carry", {"fields": ("allowed_scopes",)}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("accounts/keys.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Partners are closed, not deleted."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Keys, once there is a partner."""
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: PartnerConfig, form: Any, change: bool) -> None:
        """Begin with the partner, or change what is agreed."""
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            change_partner(partner_id=obj.pk, **changes)
            return
        made = create_partner(**{"owner": cast("User", request.user), **form.cleaned_data})
        obj.pk, obj.created_at = made.pk, timezone.now()

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Django's view, with a button for each step that the partner may take."""
        partner = self.get_object(request, object_id) if object_id else None
        steps = PARTNER_STEPS[PartnerStatus(partner.status)] if partner else ()
        context = {"steps": [(step.value, VERBS[step]) for step in steps], **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and that of the steps."""
        step = path(
            "<int:partner_id>/status/<slug:status>/",
            self.admin_site.admin_view(self.step_view),
            name="accounts_partnerconfig_step",
        )
        return [step, *super().get_urls()]

    def step_view(self, request: HttpRequest, partner_id: int, status: str) -> HttpResponse:
        """Move the partner, and go back to its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        if status not in PartnerStatus.values:
            raise Http404
        partner = get_object_or_404(self.get_queryset(request), pk=partner_id)
        try:
            moved = change_partner_status(partner=partner, status=PartnerStatus(status))
            messages.success(request, f"{moved} is {moved.status}.")
        except DomainError as error:
            messages.error(request, error.detail)
        return HttpResponseRedirect(reverse("admin:accounts_partnerconfig_change", args=[partner_id]))

    @admin.display(description="secret is there", boolean=True)
    def secret_found(self, partner: PartnerConfig) -> bool | None:
        """Whether the reference leads to a secret."""
        return _is_found(partner.secret_ref)

    @admin.display(description="webhook key is there", boolean=True)
    def webhook_key_found(self, partner: PartnerConfig) -> bool | None:
        """Whether the reference leads to a key."""
        return _is_found(partner.webhook_key_ref)


def _is_found(name: str) -> bool | None:
    """Whether there is a secret of this name; None for no name."""
    if not name:
        return None
    try:
        # Whoever looks learns no more than that it is there.
        with acting_as(SYSTEM):
            read_named_secret(name)
    except SecretMissing:
        return False
    return True
