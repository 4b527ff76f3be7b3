"""Users."""

from __future__ import annotations

from datetime import UTC
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts.choices import Role
from accounts.managers import UserManager
from accounts.models.scopes import ScopedPermissionsMixin
from core.models.base import TimestampedModel


class User(AbstractBaseUser, ScopedPermissionsMixin, TimestampedModel):
    """A person or program that signs in; `role` decides which group's permissions it has.

    Made and changed by administrators.
    """

    STAFF_ROLES: ClassVar[frozenset[str]] = frozenset({Role.ADMIN, Role.OPERATOR, Role.READONLY})

    id = models.AutoField(primary_key=True)
    username = models.CharField(
        max_length=50, unique=True, validators=[UnicodeUsernameValidator()], help_text="Name to sign in with."
    )
    email = models.EmailField(max_length=255, unique=True, help_text="Address for notices.")
    password = models.CharField(
        max_length=255,
        db_column="password_hash",
        help_text="Hash of the password, Argon2; '!' and more where none is set.",
    )
    role = models.CharField(
        max_length=50,
        choices=Role,
        default=Role.USER,
        db_default=Role.USER,
        help_text="admin, operator, user or readonly; a trigger keeps the user in the group of that name.",
    )
    is_active = models.BooleanField(default=True, db_default=True, help_text="Whether the user may sign in.")
    last_login = models.DateTimeField(
        null=True, blank=True, help_text="When the user last signed in; null for somebody who never did."
    )
    sessions_ended_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When all of the user's sessions were last ended at once; null where that never happened.",
    )

    objects = UserManager()

    factor_shown = False
    """Whether who signed in just now showed a second factor."""

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        db_table = "users"
        ordering = ["username"]
        constraints = [
            # Names and addresses that differ by case alone are one person's; also the index for signing in.
            models.UniqueConstraint(Lower("username"), name="users_username_lower_uq"),
            models.UniqueConstraint(Lower("email"), name="users_email_lower_uq"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="users_role_ck"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def is_staff(self) -> bool:
        """Whether the user may open the admin; nobody does with a key."""
        return self.scopes is None and (self.is_superuser or self.role in self.STAFF_ROLES)

    def get_full_name(self) -> str:
        """The name shown in the admin."""
        return self.username

    get_short_name = get_full_name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session of the admin was begun with: another password or role ends it, as does ending all of them."""
        ended = self.sessions_ended_at.astimezone(UTC).isoformat() if self.sessions_ended_at else ""
        known = f"{self.password}\n{self.role}\n{self.is_superuser}\n{ended}"
        return salted_hmac("accounts.models.User.session", known, secret=secret, algorithm="sha256").hexdigest()
