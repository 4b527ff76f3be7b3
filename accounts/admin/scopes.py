"""Permissions as the scopes of keys and partners: chosen from a list, stored by name."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import forms
from django.contrib.auth.models import Permission


class ScopesField(forms.MultipleChoiceField):
    """Any of the permissions of the project's own tables."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=list_scopes, **options)


def list_scopes() -> list[tuple[str, str]]:
    """Every permission of the project's apps, by name and in words."""
    apps = ("accounts", "cognitive", "constitutional", "core", "kuramoto", "validation")
    rows = Permission.objects.filter(content_type__app_label__in=apps).order_by("content_type__app_label", "codename")
    return [
        (f"{app}.{codename}", f"{app}: {name}")
        for app, codename, name in rows.values_list("content_type__app_label", "codename", "name")
    ]


class NetworksField(forms.CharField):
    """Networks in CIDR, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: str | None) -> list[str]:  # type: ignore[override]
        """The networks in their canonical form."""
        networks = []
        for line in (value or "").split():
            try:
                networks.append(str(ipaddress.ip_network(line)))
            except ValueError as error:
                raise forms.ValidationError(f"{line}: {error}") from error
        return networks

    def prepare_value(self, value: Any) -> Any:
        """One a line."""
        return "\n".join(value) if isinstance(value, list) else value
