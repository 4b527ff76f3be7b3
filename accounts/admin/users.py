"""Users, sessions and role groups in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import Error, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.choices import EndReason
from accounts.models import SecondFactor, User, UserSession
from accounts.services.attempts import clear_attempts
from accounts.services.factors import remove_factor
from accounts.services.sessions import end_session, end_sessions
from core.admin_base import BoundedInline, EditableAdmin, ReadOnlyAdmin, RefusableForm
from core.db.errors import translate_database_error
from core.exceptions import Conflict


class AddUserForm(RefusableForm, AdminUserCreationForm):  # type: ignore[type-arg]
    """A new user: name, address, role and password."""

    class Meta:
        model = User
        fields = ("username", "email", "role")


class ChangeUserForm(RefusableForm, UserChangeForm):  # type: ignore[type-arg]
    """A user; the password has a form of its own."""

    class Meta:
        model = User
        fields = ("username", "email", "password", "role", "is_active")


class SessionInline(BoundedInline):
    """The sessions of a user that go on."""

    model = UserSession
    verbose_name_plural = "API sessions that go on"
    fields = readonly_fields = ("created_at", "last_seen_at", "address", "client", "expires_at")
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserSession]:
        """Those that go on."""
        return super().get_queryset(request).filter(revoked_at=None, expires_at__gt=timezone.now())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Sessions begin by signing in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    @admin.display(description="client")
    def client(self, session: UserSession) -> str:
        """What the client calls itself."""
        return session.user_agent.reveal() if session.user_agent else "-"


@admin.register(User)
class UserAdmin(EditableAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People and programs that sign in."""

    form = ChangeUserForm
    add_form = AddUserForm
    list_display = (
        "username",
        "email",
        "role",
        "is_active",
        "has_second_factor",
        "is_superuser",
        "last_login",
        "created_at",
    )
    list_filter = ("role", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    filter_horizontal = ()
    actions = ("end_sessions", "remove_second_factor", "forget_attempts")
    readonly_fields = (
        "is_superuser",
        "has_second_factor",
        "last_login",
        "sessions_ended_at",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("Rights", {"fields": ("role", "is_active", "is_superuser")}),
        ("Signing in", {"fields": ("has_second_factor", "last_login", "sessions_ended_at")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
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

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        """Sessions, of a user who is there."""
        return [SessionInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Users, with whether they have a second factor."""
        confirmed = SecondFactor.objects.filter(user=OuterRef("pk")).exclude(confirmed_at=None)
        return super().get_queryset(request).annotate(has_factor=Exists(confirmed))

    def get_actions(self, request: HttpRequest) -> Any:
        """Users are deleted one by one, if at all."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may change users; a superuser is changed by superusers alone."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may delete users; a superuser is deleted by superusers alone."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's page; what the database refuses to delete stays, with a message that says why."""
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except Error as error:
            refusal = translate_database_error(error)
            if refusal is None:
                raise
            messages.error(request, " ".join(wrong.detail for wrong in refusal.errors) or refusal.detail)
            return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[object_id]))

    @admin.display(description="second factor", boolean=True, ordering="has_factor")
    def has_second_factor(self, user: Any) -> bool:
        """Whether the user has set up a second factor."""
        return bool(user.has_factor)

    @admin.action(description="End all sessions of selected users", permissions=["change"])
    def end_sessions(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """End their sessions of API and admin."""
        self._do(request, users, lambda user: end_sessions(user=user, now=timezone.now()), "The sessions of {} ended.")

    @admin.action(description="Remove the second factor of selected users", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Take their second factor away, for who lost it."""
        self._do(request, users, lambda user: remove_factor(user=user, now=timezone.now()), "{} has no second factor.")

    @admin.action(description="Let selected users try again to sign in", permissions=["change"])
    def forget_attempts(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Forget their failed attempts to sign in."""
        self._do(request, users, lambda user: clear_attempts(username=user.username), "{} may try again.")

    def _do(self, request: HttpRequest, users: QuerySet[User], act: Callable[[User], object], words: str) -> None:
        for user in users.order_by("pk"):
            if not _may_touch(request, user):
                messages.error(request, f"{user}: a superuser is changed by superusers alone.")
                continue
            try:
                act(user)
                messages.success(request, words.format(user))
            except Conflict as error:
                messages.info(request, f"{user}: {error.detail}")


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or bool(getattr(request.user, "is_superuser", False))


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    """Sessions of token holders; never their tokens."""

    list_display = ("created_at", "user", "state", "last_seen_at", "address", "client", "expires_at")
    list_select_related = ("user",)
    list_filter = ("revoked_reason",)
    fields = (
        "session_uuid",
        "user",
        "state",
        "created_at",
        "last_seen_at",
        "address",
        "client",
        "generation",
        "expires_at",
        "revoked_at",
        "revoked_reason",
    )
    search_fields = ("user__username",)
    ordering = ("-created_at", "-id")
    actions: Any = ("end",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Who may end sessions of others."""
        return bool(request.user.has_perm("accounts.delete_usersession"))

    @admin.display(description="state")
    def state(self, session: UserSession) -> str:
        """Whether it goes on, and if not, why."""
        if session.revoked_at is not None:
            return session.get_revoked_reason_display()
        return "expired" if session.expires_at <= timezone.now() else "goes on"

    @admin.display(description="client")
    def client(self, session: UserSession) -> str:
        """What the client calls itself."""
        return session.user_agent.reveal() if session.user_agent else "-"

    @admin.action(description="End selected sessions", permissions=["end"])
    def end(self, request: HttpRequest, sessions: QuerySet[UserSession]) -> None:
        """End sessions."""
        now = timezone.now()
        ended = sum(end_session(session=one, reason=EndReason.ENDED, now=now) for one in sessions.order_by("pk"))
        messages.success(request, f"{ended} sessions ended.")


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
