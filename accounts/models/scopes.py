"""Permissions that a credential narrows: a user signed in by a key may do no more than the key's scopes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import PermissionsMixin


class ScopedPermissionsMixin(PermissionsMixin):
    """Django's permissions, bounded by `scopes` whatever the user is, superusers included.

    Attributes:
        scopes: permissions such as `core.view_run` that count at most; None for all of the user's own.
    """

    scopes: frozenset[str] | None = None

    class Meta:
        abstract = True

    def is_in_scope(self, perm: str) -> bool:
        """Whether the credential carries the permission."""
        return self.scopes is None or perm in self.scopes

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the user holds the permission and the credential carries it."""
        return self.is_in_scope(perm) and super().has_perm(perm, obj)

    async def ahas_perm(self, perm: str, obj: Any = None) -> bool:
        """See has_perm()."""
        return self.is_in_scope(perm) and await super().ahas_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the user holds a permission of the app that the credential carries."""
        if self.scopes is None:
            return super().has_module_perms(app_label)
        return any(perm.startswith(f"{app_label}.") and self.has_perm(perm) for perm in self.scopes)

    async def ahas_module_perms(self, app_label: str) -> bool:
        """See has_module_perms()."""
        if self.scopes is None:
            return await super().ahas_module_perms(app_label)
        return any([perm.startswith(f"{app_label}.") and await self.ahas_perm(perm) for perm in self.scopes])

    def get_user_permissions(self, obj: Any = None) -> set[str]:
        """Permissions of the user's own that the credential carries."""
        return self._bound(super().get_user_permissions(obj))

    async def aget_user_permissions(self, obj: Any = None) -> set[str]:
        """See get_user_permissions()."""
        return self._bound(await super().aget_user_permissions(obj))

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        """Permissions of the user's groups that the credential carries."""
        return self._bound(super().get_group_permissions(obj))

    async def aget_group_permissions(self, obj: Any = None) -> set[str]:
        """See get_group_permissions()."""
        return self._bound(await super().aget_group_permissions(obj))

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """Every permission that counts."""
        return self._bound(super().get_all_permissions(obj))

    async def aget_all_permissions(self, obj: Any = None) -> set[str]:
        """See get_all_permissions()."""
        return self._bound(await super().aget_all_permissions(obj))

    def _bound(self, permissions: set[str]) -> set[str]:
        return permissions if self.scopes is None else permissions & self.scopes
