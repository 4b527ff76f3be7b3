"""Users: made, changed, and what they change of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.choices import Role
from accounts.exceptions import SignInRefused
from accounts.models import User, UserSession
from accounts.services.attempts import give_back_attempt, take_attempt
from accounts.services.sessions import keep_session
from core.exceptions import FieldError, InvalidInput
from core.services.audit import record_event

CHANGEABLE = ("email", "role", "is_active", "password")


@transaction.atomic
def create_user(
    *, username: str, email: str, role: str = Role.USER, password: str | None = None, is_active: bool = True
) -> User:
    """Make a user; without a password nobody can sign in as that user.

    Raises:
        InvalidInput: the password is too weak.
        IntegrityError: a `users_*` constraint.
    """
    draft = User(username=username, email=email)
    if password is not None:
        check_strength(password=password, user=draft)
    return User.objects.create_user(username, email, password, role=role, is_active=is_active)


@transaction.atomic
def change_user(*, user: User, **changes: Any) -> User:
    """Change a user's `email`, `role`, `is_active` or `password`; all but the address end the user's sessions.

    Raises:
        InvalidInput: the password is too weak.
        IntegrityError: a `users_*` constraint; `users_last_admin` for the last active administrator.
    """
    if unknown := changes.keys() - set(CHANGEABLE):
        raise TypeError(f"{', '.join(sorted(unknown))} of a user cannot be changed")
    locked = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    password = changes.pop("password", None)
    if password is not None:
        check_strength(password=password, user=locked)
        locked.set_password(password)
    if "email" in changes:
        changes["email"] = User.objects.normalize_email(changes["email"])
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=[*changes, *(["password"] if password is not None else [])])
    return locked


def change_own_password(
    *,
    user: User,
    current: str,
    new: str,
    address: str | None,
    now: datetime,
    keep: UserSession | None = None,
) -> User:
    """Give oneself another password; all sessions but `keep` end. Call it outside a transaction.

    Raises:
        TooManyAttempts: as for signing in; a wrong password counts.
        InvalidInput: the current password is wrong, or the new one too weak.
    """
    check_own_password(user=user, current=current, address=address, now=now)
    with transaction.atomic():
        keep_session(keep)
        changed = change_user(user=user, password=new)
        keep_session(None)
    return changed


def check_own_password(*, user: User, current: str, address: str | None, now: datetime) -> None:
    """Hold a password to the user's own; a wrong one counts as an attempt to sign in.

    Raises:
        TooManyAttempts: as for signing in; nothing was compared.
        InvalidInput: it is wrong.
    """
    attempt = take_attempt(username=user.username, address=address, now=now)
    if not user.check_password(current):
        record_event(
            event="signin.refused",
            action="execute",
            table_name="user_mgmt.users",
            row_key=user.pk,
            details={"use": "password", "address": address},
        )
        raise InvalidInput.of("current_password", "The password is wrong.", SignInRefused.code)
    give_back_attempt(attempt=attempt)


def check_strength(*, password: str, user: User) -> None:
    """Hold a new password to the validators of the installation.

    Raises:
        InvalidInput: names everything that is wrong with it.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(
            errors=[
                FieldError("password", message, wrong.code or "invalid")
                for wrong in error.error_list
                for message in wrong.messages
            ]
        ) from error
