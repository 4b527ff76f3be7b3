"""Signing in: who has the name, the password and, where there is a second factor, a one-time code.

Nothing here runs inside the transaction of a request that may be undone: attempts count whatever follows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from accounts.choices import Role
from accounts.exceptions import CodeNeeded, CodeRefused, FactorNeeded, SignInRefused
from accounts.models import User
from accounts.services.attempts import give_back_attempt, name_account, take_attempt
from accounts.services.factors import find_factor, verify_code
from core.db.identity import acting_as
from core.services.audit import record_event

LONGEST_PASSWORD = 4096
USERS = "user_mgmt.users"


def check_credentials(
    *,
    username: str,
    password: str,
    code: str = "",
    address: str | None,
    now: datetime,
    use: str,
    may_enrol: bool = False,
) -> User:
    """The user who has this name, password and one-time code.

    Args:
        use: what for, as the audit has it: token, basic or admin.
        may_enrol: whether a user who still has to set up the second factor that the role asks for is let in.

    Raises:
        TooManyAttempts: the account or the address has failed too often; nothing was compared.
        SignInRefused: the name or the password is wrong, or the user is disabled. It looks and takes the same.
        CodeNeeded: the password is right and a one-time code is missing.
        CodeRefused: the password is right and the code is wrong, or was used before.
        FactorNeeded: the role asks for a second factor, and there is none.
    """
    attempt = take_attempt(username=username, address=address, now=now)
    seen = {"use": use, "address": address}
    user = _find_user(username)
    if not _is_password(password, user) or user is None or not user.is_active:
        # A name that nobody has may be a password in the wrong box: its digest is all that is kept.
        known = {"account": name_account(username)} if user is None else {}
        record_event(
            event="signin.refused",
            action="execute",
            table_name=USERS,
            row_key=user.pk if user else "*",
            details=seen | known,
        )
        raise SignInRefused
    with acting_as(user.pk):
        factor = find_factor(user=user)
        right = factor is None or (bool(code) and verify_code(factor=factor, code=code, now=now))
    if factor is not None and not right:
        if not code:
            give_back_attempt(attempt=attempt)
            raise CodeNeeded
        record_event(event="signin.code_refused", action="execute", table_name=USERS, row_key=user.pk, details=seen)
        raise CodeRefused
    give_back_attempt(attempt=attempt)
    if factor is None and not may_enrol and needs_factor(user):
        raise FactorNeeded
    user.factor_shown = factor is not None
    return user


def needs_factor(user: Any) -> bool:
    """Whether this installation asks the user's role for a second factor."""
    return bool(settings.REQUIRE_SECOND_FACTOR and (user.is_superuser or user.role in (Role.ADMIN, Role.OPERATOR)))


def record_sign_in(*, user: User, use: str, address: str | None) -> None:
    """Write into the audit that a user signed in."""
    record_event(
        event="signin",
        action="execute",
        table_name=USERS,
        row_key=user.pk,
        details={"use": use, "address": address},
    )


def _find_user(username: str) -> User | None:
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        return None


def _is_password(password: str, user: User | None) -> bool:
    """Whether the password is the user's; for nobody it takes as long."""
    if len(password) > LONGEST_PASSWORD:
        password, user = "", None
    if user is None:
        make_password(password)
        return False
    return check_password(password, user.password)
