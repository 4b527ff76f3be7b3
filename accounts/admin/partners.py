"""Partners in the admin."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest

from accounts.admin.scopes import ScopesField
from accounts.choices import PartnerStatus
from accounts.models import PartnerConfig

NEXT_STATUSES: dict[str, set[str]] = {
    PartnerStatus.DRAFT: {PartnerStatus.ACTIVE, PartnerStatus.CLOSED},
    PartnerStatus.ACTIVE: {PartnerStatus.SUSPENDED, PartnerStatus.CLOSED},
    PartnerStatus.SUSPENDED: {PartnerStatus.ACTIVE, PartnerStatus.CLOSED},
    PartnerStatus.CLOSED: set(),
}
"""Where a partner may go from each status; the database holds the same."""
REFERENCE = re.compile(r"^([a-z][a-z0-9_.-]{0,99})?$")


class PartnerConfigForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is agreed with a partner."""

    endpoint = forms.URLField(
        max_length=500, required=False, assume_scheme="https", help_text="Address of its system, https."
    )
    allowed_scopes = ScopesField(required=False, help_text="Permissions its keys may carry.")
    data_classes = SimpleArrayField(forms.CharField(max_length=50), required=False, help_text="Separated by commas.")
    licences = SimpleArrayField(forms.CharField(max_length=100), required=False, help_text="Separated by commas.")

    class Meta:
        model = PartnerConfig
        fields: ClassVar[list[str]] = [
            "partner",
            "owner",
            "status",
            "endpoint",
            "auth_kind",
            "secret_ref",
            "webhook_key_ref",
            "allowed_scopes",
            "data_classes",
            "licences",
            "retention_days",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = self.instance.status if self.instance.pk else PartnerStatus.DRAFT
        field = self.fields.get("status")
        if isinstance(field, forms.ChoiceField):
            allowed = {now} | (NEXT_STATUSES[now] if self.instance.pk else set())
            field.choices = [choice for choice in PartnerStatus.choices if choice[0] in allowed]

    def clean_secret_ref(self) -> str:
        """The name of a secret, which does not look like one."""
        return _check_reference(self.cleaned_data["secret_ref"])

    def clean_webhook_key_ref(self) -> str:
        """The name of a key, which does not look like one."""
        return _check_reference(self.cleaned_data["webhook_key_ref"])


def _check_reference(value: str) -> str:
    if not REFERENCE.match(value):
        raise forms.ValidationError("The name of a secret is needed: a-z, 0-9, dot, dash, underscore.")
    return value


@admin.register(PartnerConfig)
class PartnerConfigAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Other organisations' systems and what is agreed with them."""

    form = PartnerConfigForm
    list_display = ("partner", "status", "endpoint", "auth_kind", "owner", "retention_days", "updated_at")
    list_select_related = ("owner",)
    list_filter = ("status", "auth_kind")
    search_fields = ("partner", "endpoint")
    autocomplete_fields = ("owner",)
    readonly_fields = ("created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Partners are closed, not deleted."""
        return False
