"""Permissions as the scopes of keys and partners: chosen from a list, stored by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.models import Permission
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.choices import Role
from accounts.roles import list_permissions


class ScopesField(forms.MultipleChoiceField):
    """Any of the permissions of the project's own tables, a box each, app by app."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "scopes"})

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=list_scopes, **options)


def list_scopes() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every permission of the project's apps that a role may hold, by app: its name, and in words."""
    names = [config.label for config in apps.get_app_configs() if hasattr(config, "db_schema")]
    held = {(app, codename) for codename, app, _ in list_permissions(Role.ADMIN)}
    rows = Permission.objects.filter(content_type__app_label__in=names).order_by("content_type__model", "-codename")
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for app, codename, words in rows.values_list("content_type__app_label", "codename", "name"):
        if (app, codename) in held:
            groups[app].append((f"{app}.{codename}", words.removeprefix("Can ")))
    return list(groups.items())


def show_scopes(scopes: Sequence[str]) -> SafeString:
    """Scopes to read, app by app."""
    groups: dict[str, list[str]] = {}
    for scope in sorted(scopes):
        app, _, codename = scope.partition(".")
        groups.setdefault(app, []).append(codename)
    rows = ((app, ", ".join(codenames)) for app, codenames in groups.items())
    return format_html('<dl class="scopes">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows))


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
