"""Signing in with name and password, before anybody is named to the database."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from core.db.identity import SYSTEM, acting_as, declare_actor


class NamedUserBackend(ModelBackend):
    """Django's backend, where row security shows users only to who is named.

    The user is looked up past row security; once the password is right, the rest of the request is on the user's
    behalf.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user of that name, if the password is right and the user is active."""
        # The system checks: the user is nobody yet, and a password may be hashed anew.
        with acting_as(SYSTEM):
            user = super().authenticate(request, username, password, **kwargs)
        if user is not None and request is not None:
            declare_actor(user.pk)
        return user

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The user's own permissions and those of the user's groups, by one query a request."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in _list_permissions(user_obj)}
        permissions: set[str] = user_obj._perm_cache
        return permissions

    def get_user(self, user_id: int) -> User | None:
        """The active user of that id, whoever acts."""
        try:
            user = User.objects.find(user_id)
        except User.DoesNotExist:
            return None
        return user if self.user_can_authenticate(user) else None


def _list_permissions(user: User) -> QuerySet[Permission, tuple[str, str]]:
    permissions = Permission.objects.order_by()
    if not user.is_superuser:
        own = User.user_permissions.through.objects.filter(user_id=user.pk).values("permission_id")
        of_groups = Group.permissions.through.objects.filter(group__user=user.pk).values("permission_id")
        permissions = permissions.filter(Q(pk__in=own) | Q(pk__in=of_groups))
    return permissions.values_list("content_type__app_label", "codename")
