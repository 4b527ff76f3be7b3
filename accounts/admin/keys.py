"""API keys in the admin: made once, shown once, rotated, revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.admin.scopes import NetworksField, ScopesField, show_scopes
from accounts.models import ApiKey, ApiKeyUse, User
from accounts.services import change_api_key, create_api_key, revoke_api_key, rotate_api_key
from accounts.services.keys import CHANGEABLE, MOST_GRACE_MINUTES
from core.admin_base import EditableAdmin, ReadOnlyAdmin, RefusableForm
from core.exceptions import Conflict, DomainError

MOST_USES = 20


class ApiKeyForm(RefusableForm):
    """A key without its secret."""

    scopes = ScopesField(required=False, help_text="What the key may do at most; its owner's rights bound it too.")
    allowed_networks = NetworksField(required=False, help_text="Networks it may come from, CIDR, one a line.")

    class Meta:
        model = ApiKey
        fields: ClassVar[list[str]] = [
            "owner",
            "partner",
            "name",
            "scopes",
            "allowed_networks",
            "rate_limit_per_min",
            "burst",
            "expires_at",
        ]


class RotateForm(forms.Form):
    """How long the secret before works too."""

    grace_minutes = forms.IntegerField(
        initial=0,
        min_value=0,
        max_value=MOST_GRACE_MINUTES,
        help_text=f"Minutes for which the present secret works too, 0 to {MOST_GRACE_MINUTES}.",
    )


@admin.register(ApiKey)
class ApiKeyAdmin(EditableAdmin):
    """Keys of programs. The text of a key is shown when it is made or rotated, and never again."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "owner", "partner", "state", "expires_at", "last_used_at", "created_at")
    list_select_related = ("owner", "partner")
    list_filter = ("partner", "expires_at")
    search_fields = ("name", "prefix", "owner__username", "partner__partner")
    actions = ("revoke",)
    autocomplete_fields = ("owner", "partner")
    change_form_template = "admin/accounts/apikey/change_form.html"
    readonly_fields = ("prefix", "state", "rotated_at", "previous_until", "revoked_at", "last_used_at", "recent_uses")

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("accounts/keys.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """One's own keys; everybody's for who manages them."""
        keys: QuerySet[ApiKey] = super().get_queryset(request)
        user = cast("User", request.user)
        return keys if user.has_perm("accounts.manage_apikey") else keys.filter(owner_id=user.pk)

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """What a new key needs; of one that is there, also how it does."""
        owner: tuple[str, ...] = ("owner", "partner")
        if obj is None and not self._manages(request):
            owner = ("partner",)
        groups = [
            (None, {"fields": ("name", *owner, "expires_at")}),
            ("Bounds", {"fields": ("allowed_networks", "rate_limit_per_min", "burst")}),
            ("Scopes", {"fields": ("scopes" if obj is None else "shown_scopes",)}),
        ]
        if obj is not None:
            groups.insert(1, ("State", {"fields": (*self.readonly_fields,)}))
        return groups

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """What a key is made as stays."""
        if obj is None:
            return self.readonly_fields
        return (*self.readonly_fields, "owner", "partner", "expires_at", "shown_scopes")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are revoked, not deleted."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key, or change what may be changed."""
        if change:
            change_api_key(
                key=obj, **{name: form.cleaned_data[name] for name in form.changed_data if name in CHANGEABLE}
            )
            return
        user = cast("User", request.user)
        values = {"owner": user, **form.cleaned_data}
        made, text = create_api_key(**values, actor=user, now=timezone.now())
        obj.pk, obj.prefix, obj.created_at = made.pk, made.prefix, timezone.now()
        request.made_key = text  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The page that shows the key this once."""
        return self._show_once(request, obj, cast(Any, request).made_key)

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and those of rotation and revocation."""
        steps: dict[str, Callable[..., HttpResponse]] = {"rotate": self.rotate_view, "revoke": self.revoke_view}
        return [
            path(f"<int:key_id>/{name}/", self.admin_site.admin_view(view), name=f"accounts_apikey_{name}")
            for name, view in steps.items()
        ] + super().get_urls()

    def rotate_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Ask for the grace, then give the key a new secret and show it this once."""
        key = self._find(request, key_id)
        form = RotateForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                rotated, text = rotate_api_key(
                    key=key, grace_minutes=form.cleaned_data["grace_minutes"], now=timezone.now()
                )
            except Conflict as error:
                messages.error(request, error.detail)
                return self._back(key_id)
            return self._show_once(request, rotated, text)
        return self._ask(
            request, key, form, "Rotate", "The key gets a new secret, which is shown this once; prefix and rights stay."
        )

    def revoke_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Ask, then end the key for good."""
        key = self._find(request, key_id)
        if request.method == "POST":
            self._revoke_one(request, key)
            return self._back(key_id)
        return self._ask(request, key, forms.Form(), "Revoke", "The key ends for good, from the next request on.")

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Whether the key works."""
        return key.state_at(timezone.now()).label.lower()

    @admin.display(description="scopes")
    def shown_scopes(self, key: ApiKey) -> SafeString:
        """The scopes, app by app."""
        return show_scopes(key.scopes)

    @admin.display(description="recent uses")
    def recent_uses(self, key: ApiKey) -> SafeString | str:
        """Where it was used from lately, and where it was refused."""
        uses = ApiKeyUse.objects.filter(key=key).order_by("-first_at", "-id")[:MOST_USES]
        rows = [(use.day, use.address or "unknown address", use.get_outcome_display().lower()) for use in uses]
        return format_html_join("", "{}: {}, {}<br>", rows) if rows else "none"

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """End keys for good."""
        for key in keys.order_by("pk"):
            self._revoke_one(request, key)

    def _revoke_one(self, request: HttpRequest, key: ApiKey) -> None:
        try:
            revoke_api_key(key=key, now=timezone.now())
            messages.success(request, f"{key} is revoked.")
        except DomainError as error:
            messages.info(request, f"{key}: {error.detail}")

    def _manages(self, request: HttpRequest) -> bool:
        return cast("User", request.user).has_perm("accounts.manage_apikey")

    def _find(self, request: HttpRequest, key_id: int) -> ApiKey:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=key_id)

    def _back(self, key_id: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_apikey_change", args=[key_id]))

    def _ask(self, request: HttpRequest, key: ApiKey, form: forms.Form, submit: str, explanation: str) -> HttpResponse:
        context = {"title": f"{submit} {key}", "key": key, "form": form, "submit": submit, "explanation": explanation}
        return TemplateResponse(
            request, "admin/accounts/apikey/ask.html", {**self.admin_site.each_context(request), **context}
        )

    def _show_once(self, request: HttpRequest, key: ApiKey, text: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": f"Key {key}", "key": key, "text": text}
        response = TemplateResponse(request, "admin/accounts/apikey/shown_once.html", context)
        add_never_cache_headers(response)
        return response


@admin.register(ApiKeyUse)
class ApiKeyUseAdmin(ReadOnlyAdmin):
    """Where keys were used from, day by day, and where they were refused."""

    list_display = ("first_at", "key", "outcome", "address")
    list_select_related = ("key",)
    list_filter = ("outcome",)
    search_fields = ("key__prefix", "key__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of one's own keys; of everybody's for who manages them."""
        uses: QuerySet[Any] = super().get_queryset(request)
        user = cast("User", request.user)
        return uses if user.has_perm("accounts.manage_apikey") else uses.filter(key__owner_id=user.pk)
