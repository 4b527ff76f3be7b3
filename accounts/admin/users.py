"""Users, sessions and role groups in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import User, UserSession
from core.admin_base import ReadOnlyAdmin


class AddUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A new user: name, address, role and password."""

    class Meta:
        model = User
        fields = ("username", "email", "role")


class ChangeUserForm(UserChangeForm):  # type: ignore[type-arg]
    """A user; the password has a form of its own."""

    class Meta:
        model = User
        fields = ("username", "email", "password", "role", "is_active")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """People and programs that sign in."""

    form = ChangeUserForm
    add_form = AddUserForm
    list_display = ("username", "email", "role", "is_active", "is_superuser", "last_login", "created_at")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("is_superuser", "last_login", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("Rights", {"fields": ("role", "is_active", "is_superuser")}),
        ("Times", {"fields": ("last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "role", "usable_password", "password1", "password2"),
            },
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may change users; a superuser is changed by superusers alone."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may delete users; a superuser is deleted by superusers alone."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or bool(getattr(request.user, "is_superuser", False))


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    """Sessions of token holders; never their tokens."""

    list_display = ("session_uuid", "user", "created_at", "expires_at")
    list_select_related = ("user",)
    fields = ("session_uuid", "user", "created_at", "expires_at")
    search_fields = ("user__username",)
    ordering = ("-created_at", "-id")


class RoleAdmin(ReadOnlyAdmin):
    """The groups of the roles; accounts/roles.py says what they hold."""

    list_display = ("name", "permissions_held", "members")
    fields = ("name", "held")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Groups with the number of their permissions and members."""
        return (
            super()
            .get_queryset(request)
            .annotate(n_permissions=Count("permissions", distinct=True), n_members=Count("user", distinct=True))
        )

    @admin.display(description="permissions")
    def held(self, group: Group) -> SafeString:
        """The permissions, one a line."""
        codenames = group.permissions.values_list("content_type__app_label", "codename")
        return format_html_join("", "{}.{}<br>", codenames.order_by("content_type__app_label", "codename"))

    @admin.display(description="permissions")
    def permissions_held(self, group: Any) -> int:
        """Number of permissions."""
        return int(group.n_permissions)

    @admin.display(description="users")
    def members(self, group: Any) -> int:
        """Number of users."""
        return int(group.n_members)


admin.site.unregister(Group)
admin.site.register(Group, RoleAdmin)
