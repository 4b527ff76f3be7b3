"""Locks that are never waited for long: who cannot have one lets go of all of its own and tries again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import OperationalError, connections, transaction

LOCK_TIMEOUT_MS = 500
MAX_ATTEMPTS = 20
LONGEST_WAIT_S = 2.0

T = TypeVar("T")


def retry_locked(work: Callable[[], T], *, using: str, attempts: int = MAX_ATTEMPTS) -> T:
    """Run `work` in a transaction that waits half a second at most for each lock; again, later and later, if refused.

    Raises:
        OperationalError: the locks could not be had in `attempts` attempts.
    """
    for attempt in range(1, attempts + 1):
        try:
            with transaction.atomic(using=using):
                with connections[using].cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT_MS}ms"])
                return work()
        except OperationalError as error:
            if attempt == attempts or not is_lock_refused(error):
                raise
            time.sleep(random.uniform(0.05, min(0.1 * 2**attempt, LONGEST_WAIT_S)))  # noqa: S311 - no secret
    raise ValueError("at least one attempt is needed")


def is_lock_refused(error: BaseException) -> bool:
    """Whether a statement failed for want of a lock, as by `lock_timeout` or a deadlock."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)
