"""Who may do what through the API: Django's permissions of the view's model."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission, DjangoModelPermissions
from rest_framework.request import Request


class ModelPermissions(DjangoModelPermissions):
    """Django's model permissions, `view` included; an extra action names its own in `action_permissions`."""

    perms_map: dict[str, list[str]] = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
    }

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user holds the permission of this action."""
        named = getattr(view, "action_permissions", {}).get(getattr(view, "action", None))
        if named is None:
            return super().has_permission(request, view)
        return bool(request.user and request.user.is_authenticated and request.user.has_perm(named))


class IsSignedIn(BasePermission):
    """Any user who is signed in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether somebody is signed in."""
        return bool(request.user and request.user.is_authenticated)
