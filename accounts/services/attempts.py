"""Limits of signing in, exact over all processes: the counts lie in PostgreSQL."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.exceptions import TooManyAttempts
from accounts.models import LoginAttempts


@dataclass(frozen=True)
class Attempt:
    """One counted attempt, to be given back when it was right."""

    subjects: tuple[str, ...]
    made_at: datetime


def take_attempt(*, username: str, address: str | None, now: datetime) -> Attempt:
    """Count an attempt to sign in, before anything is compared; call it outside a transaction that may be undone.

    Raises:
        TooManyAttempts: the account or the address has none left in the window.
    """
    most = {name_account(username): settings.LOGIN_ATTEMPTS}
    if address:
        most[name_address(address)] = settings.LOGIN_ATTEMPTS_PER_ADDRESS
    asked: list[Any] = [list(most), list(most.values()), timedelta(seconds=settings.LOGIN_WINDOW_S), now]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT user_mgmt.take_login_attempt_v1(%s, %s, %s, %s)", asked)
        (wait_s,) = cursor.fetchone()
    if wait_s is not None:
        raise TooManyAttempts(retry_after_s=wait_s)
    return Attempt(tuple(most), now)


def give_back_attempt(*, attempt: Attempt) -> None:
    """Take back an attempt that was right."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT user_mgmt.give_back_login_attempt_v1(%s, %s)", [list(attempt.subjects), attempt.made_at])


@transaction.atomic
def clear_attempts(*, username: str) -> bool:
    """Forget the recent attempts of an account, so that it may try again; whether there were any."""
    return LoginAttempts.objects.filter(subject=name_account(username)).delete()[0] > 0


def count_attempts(*, username: str, now: datetime) -> int:
    """Attempts of an account that failed, or are under way, within the window."""
    kept = LoginAttempts.objects.filter(subject=name_account(username)).first()
    edge = now - timedelta(seconds=settings.LOGIN_WINDOW_S)
    return sum(made_at > edge for made_at in kept.attempted_at) if kept else 0


@transaction.atomic
def remove_old_attempts(*, now: datetime) -> int:
    """Remove accounts and addresses without attempts within the window; how many."""
    edge = now - timedelta(seconds=settings.LOGIN_WINDOW_S)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM user_mgmt.login_attempts"
            " WHERE coalesce(attempted_at[cardinality(attempted_at)], '-infinity') <= %s",
            [edge],
        )
        return int(cursor.rowcount)


def name_account(username: str) -> str:
    """The subject of an account, known or not: a name that nobody has may be a password in the wrong box."""
    # Every way of writing a name that PostgreSQL takes for the same has one count.
    name = username.upper().casefold()
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"account:{digest}"


def name_address(address: str) -> str:
    """The subject of a network address; of IPv6 the /64, which one person has whole."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"address:{getattr(parsed, 'ipv4_mapped', None) or parsed}"
