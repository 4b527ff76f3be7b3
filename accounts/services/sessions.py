"""Sessions of token holders: opened, refreshed, ended."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.choices import EndReason
from accounts.exceptions import SignInRefused, TokenRefused, TokenReused
from accounts.models import User, UserSession
from accounts.services.sign_in import check_credentials, record_sign_in
from accounts.tokens import (
    ACCESS_LIFETIME,
    BadToken,
    hash_token,
    make_access_token,
    make_refresh_token,
    read_access_token,
    read_refresh_token,
)
from core.db.identity import acting_as
from core.services.audit import record_event

TABLE = "user_mgmt.user_sessions"
SEEN_STEP = timedelta(minutes=1)
"""How exactly `last_seen_at` is kept."""

_OF_USER = "user_s_"
_USE_SESSION = f"""
    SELECT s.*, {", ".join(f"u.{field.column} AS {_OF_USER}{field.attname}" for field in User._meta.concrete_fields)}
    FROM user_mgmt.use_session_v1(%s, %s) s CROSS JOIN LATERAL user_mgmt.find_user_v1(s.user_id) u
"""
"""Session and user at once: every request with a token asks for both."""


@dataclass(frozen=True)
class Tokens:
    """What a client gets, once."""

    session_uuid: uuid.UUID
    access: str
    refresh: str
    expires_in_s: int
    session_expires_at: datetime


def sign_in(*, username: str, password: str, code: str, address: str | None, user_agent: str, now: datetime) -> Tokens:
    """Open a session for who has the name, the password and the code; call it outside a transaction.

    Raises:
        TooManyAttempts, SignInRefused, CodeNeeded, CodeRefused, FactorNeeded: as `check_credentials` does.
    """
    user = check_credentials(username=username, password=password, code=code, address=address, now=now, use="token")
    with acting_as(user.pk):
        # Nobody comes in with a password, a role or a right that was taken away since it was compared.
        same = User.objects.filter(pk=user.pk, password=user.password, role=user.role, is_active=True)
        if not same.update(last_login=now):
            raise SignInRefused
        record_sign_in(user=user, use="token", address=address)
        return open_session(user=user, address=address, user_agent=user_agent, now=now)


@transaction.atomic
def open_session(*, user: User, address: str | None, user_agent: str, now: datetime) -> Tokens:
    """Open a session and make its first tokens."""
    session_uuid = uuid.uuid4()
    access = make_access_token(user_id=user.pk, session_uuid=session_uuid, now=now)
    refresh = make_refresh_token(session_uuid=session_uuid, generation=0)
    expires_at = now + timedelta(days=settings.SESSION_DAYS)
    UserSession.objects.create(
        session_uuid=session_uuid,
        user=user,
        jwt_token_hash=hash_token(access),
        refresh_hash=hash_token(refresh),
        user_agent=_clean(user_agent)[:300] or None,
        address=address,
        created_at=now,
        expires_at=expires_at,
    )
    return Tokens(session_uuid, access, refresh, int(ACCESS_LIFETIME.total_seconds()), expires_at)


def refresh_session(*, token: str, address: str | None, now: datetime) -> Tokens:
    """Trade a refresh token for new tokens, once; call it outside a transaction.

    Of many who use one token at the same time one gets new tokens. Then, as whenever a token comes a second time,
    somebody has a copy: the session ends, with all tokens that were ever given out for it.

    Raises:
        TokenRefused: the token is not of this system, or its session has ended.
        TokenReused: the token was used before; the session has ended now.
    """
    try:
        told = read_refresh_token(token)
    except BadToken as error:
        raise TokenRefused from error
    session = _find_one("SELECT * FROM user_mgmt.find_session_v1(%s)", told.session_uuid)
    if session is None:
        raise TokenRefused
    access = make_access_token(user_id=session.user_id, session_uuid=told.session_uuid, now=now)
    refresh = make_refresh_token(session_uuid=told.session_uuid, generation=told.generation + 1)
    with acting_as(session.user_id):
        # The conditions are about this row alone: whoever waits for it sees what the winner made of it.
        live = UserSession.objects.filter(pk=session.pk, revoked_at=None, expires_at__gt=now)
        won = live.filter(refresh_hash=hash_token(token)).update(
            jwt_token_hash=hash_token(access),
            refresh_hash=hash_token(refresh),
            generation=told.generation + 1,
            address=address,
            last_seen_at=now,
        )
        if not won:
            reused = live.filter(generation__gt=told.generation).update(revoked_at=now, revoked_reason=EndReason.REUSE)
            if reused:
                record_event(
                    event="session.refresh_reused",
                    action="execute",
                    table_name=TABLE,
                    row_key=session.pk,
                    details={"user": session.user_id, "generation": told.generation, "address": address},
                )
    if not won:
        raise TokenReused if reused else TokenRefused
    return Tokens(told.session_uuid, access, refresh, int(ACCESS_LIFETIME.total_seconds()), session.expires_at)


def use_session(*, token: str, now: datetime) -> tuple[User, UserSession]:
    """The session of an access token, and its user; the time of use is noted to a minute.

    Raises:
        TokenRefused: the token is not valid, was replaced by a newer one, or its session or its user has ended.
    """
    try:
        session_uuid = read_access_token(token)
    except BadToken as error:
        raise TokenRefused from error
    session = _find_one(_USE_SESSION, hash_token(token), now)
    if session is None or session.session_uuid != session_uuid:
        raise TokenRefused
    values = [getattr(session, f"{_OF_USER}{field.attname}") for field in User._meta.concrete_fields]
    session.user = User.from_db(None, [field.attname for field in User._meta.concrete_fields], values)
    return session.user, session


@transaction.atomic
def end_session(*, session: UserSession, reason: EndReason, now: datetime) -> bool:
    """End one session; whether it went on until now."""
    ended = UserSession.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=now, revoked_reason=reason)
    if ended:
        record_event(
            event="session.ended",
            action="execute",
            table_name=TABLE,
            row_key=session.pk,
            details={"user": session.user_id, "reason": reason},
        )
    return bool(ended)


@transaction.atomic
def end_sessions(*, user: User, now: datetime, keep: UserSession | None = None) -> None:
    """End all sessions of a user, those of the admin too; `keep` goes on."""
    keep_session(keep)
    User.objects.filter(pk=user.pk).update(sessions_ended_at=now)
    record_event(
        event="session.all_ended",
        action="execute",
        table_name="user_mgmt.users",
        row_key=user.pk,
        details={"kept": None if keep is None else keep.pk},
    )


def keep_session(session: UserSession | None) -> None:
    """Name the session that goes on when this transaction ends the others of its user."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('nfcs.session', %s, true)", ["" if session is None else str(session.session_uuid)]
        )


@transaction.atomic
def remove_expired_sessions(*, now: datetime) -> int:
    """Remove sessions whose time is over, however they ended; how many."""
    return UserSession.objects.filter(expires_at__lte=now).delete()[0]


def _clean(text: str) -> str:
    """A header as text that can be stored."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _find_one(statement: str, *parameters: Any) -> UserSession | None:
    return next(iter(UserSession.objects.raw(statement, parameters)), None)
