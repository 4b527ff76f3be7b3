"""Users and their sessions."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from accounts.choices import Role
from accounts.managers import UserManager
from accounts.models.scopes import ScopedPermissionsMixin
from core.models.base import RecordModel, TimestampedModel


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

    objects = UserManager()

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


class UserSession(RecordModel):
    """One signed-in session of a token holder.

    Written when a token is given out; nothing gives out tokens yet.
    """

    session_uuid = models.UUIDField(
        unique=True, default=uuid.uuid4, editable=False, help_text="Identity of the session."
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions", help_text="Whose session it is.")
    jwt_token_hash = models.CharField(
        max_length=255, unique=True, help_text="SHA-256 of the token, hex; never the token."
    )
    expires_at = models.DateTimeField(help_text="When the session ends by itself.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it began.")

    class Meta:
        db_table = "user_sessions"
        ordering = ["-created_at", "-id"]
        indexes = [
            # Removing what has expired.
            models.Index(fields=["expires_at"], name="idx_sessions_expires")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="user_sessions_expires_ck"),
        ]

    def __str__(self) -> str:
        return str(self.session_uuid)
