"""A rule is not deleted under a batch that is held to it: else the batch could not be stored."""

from __future__ import annotations

from django.db import connection

_LOCK = 0x616C657274
"""Number of the advisory lock."""


def keep_rules() -> None:
    """Have every rule stay until the transaction ends; many may do so at once. Guards of runs are locked before."""
    _lock("pg_advisory_xact_lock_shared")


def claim_rules() -> None:
    """Wait until no transaction has the rules stay, and let none begin to until this one ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_LOCK])
