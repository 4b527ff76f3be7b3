"""Reads of the accounts tables."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import Permission


def find_unknown_scopes(scopes: Collection[str]) -> list[str]:
    """The scopes that are no permission."""
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.filter(
            codename__in={scope.partition(".")[2] for scope in scopes}
        ).values_list("content_type__app_label", "codename")
    }
    return sorted(set(scopes) - known)
