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
    """Any user who is signed in with all permissions of his own: not by a key."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether somebody is signed in."""
        user = request.user
        return bool(user and user.is_authenticated and getattr(user, "scopes", None) is None)


def may_change(user: Any, *, owner_id: int | None, anybodys: str, own: str) -> bool:
    """Whether a user may change what belongs to `owner_id`.

    Owning alone is not enough, or a key made for reading could write what its owner owns.

    Args:
        owner_id: whose it is, or whose run it belongs to; None for nobody's.
        anybodys: the permission to change anybody's, such as `core.change_run`.
        own: the permission with which the owner changes it, such as `core.add_run`.
    """
    is_own = owner_id is not None and owner_id == user.pk
    return bool(user.has_perm(anybodys) or (is_own and user.has_perm(own)))
