"""Named secrets in the admin: set and replaced, never shown."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin_base import EditableAdmin, RefusableForm
from core.db.encryption import MAX_LENGTH, Secret, SecretFormField
from core.exceptions import Conflict
from core.models import NamedSecret
from core.named_secrets import NAME
from core.services.secrets import remove_named_secret, set_named_secret


class NamedSecretForm(RefusableForm):
    """A name, and a box that takes a secret."""

    value = SecretFormField(
        label="secret", max_length=MAX_LENGTH, help_text="It is encrypted, and no page shows it again."
    )

    class Meta:
        model = NamedSecret
        fields: ClassVar[list[str]] = ["name"]

    def clean_name(self) -> str:
        """A name that files and variables may have as well."""
        name: str = self.cleaned_data["name"]
        if not NAME.match(name):
            raise forms.ValidationError("A name begins with a-z and holds a-z, 0-9, '.', '_' and '-'.")
        return name

    def clean_value(self) -> Any:
        """The secret, which no error message repeats."""
        return Secret(self.cleaned_data["value"])


@admin.register(NamedSecret)
class NamedSecretAdmin(EditableAdmin):
    """Secrets that other rows refer to by name, such as the keys of webhooks."""

    form = NamedSecretForm
    list_display = ("name", "changed_by", "created_at", "updated_at")
    list_select_related = ("changed_by",)
    search_fields = ("name",)
    fields = ("name", "value", "changed_by", "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[NamedSecret]:
        """The rows, without their secrets."""
        rows: QuerySet[NamedSecret] = super().get_queryset(request)
        return rows.defer("value")

    def get_readonly_fields(self, request: HttpRequest, obj: NamedSecret | None = None) -> tuple[str, ...]:
        """All but the secret; and the name of a new one."""
        kept = ("changed_by", "created_at", "updated_at")
        return kept if obj is None else ("name", *kept)

    def save_model(self, request: HttpRequest, obj: NamedSecret, form: Any, change: bool) -> None:
        """Set the secret."""
        if not change and NamedSecret.objects.filter(name=obj.name).exists():
            # The form has asked before; somebody else was faster.
            raise Conflict(f"There is a secret {obj.name} already.")
        kept = set_named_secret(name=obj.name, value=form.cleaned_data["value"], changed_by_id=request.user.pk)
        obj.pk = kept.pk

    def delete_model(self, request: HttpRequest, obj: NamedSecret) -> None:
        """Forget the secret."""
        remove_named_secret(name=obj.name)
