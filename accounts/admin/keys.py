"""API keys in the admin: made once, shown once, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.scopes import NetworksField, ScopesField
from accounts.models import ApiKey
from accounts.services import create_api_key, revoke_api_key
from core.exceptions import Conflict


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key without its secret."""

    scopes = ScopesField(required=False, help_text="What the key may do at most; its owner's rights bound it too.")
    allowed_networks = NetworksField(required=False, help_text="Networks it may come from, CIDR, one a line.")

    class Meta:
        model = ApiKey
        fields: ClassVar[list[str]] = [
            "owner",
            "name",
            "scopes",
            "allowed_networks",
            "rate_limit_per_min",
            "burst",
            "expires_at",
        ]

    def clean_expires_at(self) -> datetime | None:
        """An end that lies ahead."""
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now() and "expires_at" in self.changed_data:
            raise forms.ValidationError("The key would have ended already.")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Keys of programs. The text of a key is shown when it is made, and never again."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "owner", "state", "expires_at", "last_used_at", "created_at")
    list_select_related = ("owner",)
    list_filter = ("owner", "expires_at")
    search_fields = ("name", "prefix", "owner__username")
    actions = ("revoke",)
    autocomplete_fields = ("owner",)
    readonly_fields = ("prefix", "revoked_at", "last_used_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """The owner of a key is fixed once it is made."""
        return (*self.readonly_fields, "owner") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are revoked, not deleted."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key and show its text, or change what may be changed."""
        if change:
            super().save_model(request, obj, form, change)
            return
        made, text = create_api_key(**form.cleaned_data)
        obj.pk = made.pk
        obj.prefix, obj.created_at = made.prefix, timezone.now()
        messages.warning(request, f"The key, shown this once: {text}")

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Whether the key works."""
        if key.revoked_at is not None:
            return "revoked"
        return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "live"

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """End keys for good."""
        for key in keys.order_by("pk"):
            try:
                revoke_api_key(key=key, now=timezone.now())
                messages.success(request, f"{key} is revoked.")
            except Conflict as error:
                messages.info(request, f"{key}: {error.detail}")
