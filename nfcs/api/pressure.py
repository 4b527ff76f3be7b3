"""Back-pressure: when the database falls behind, senders are told to come back later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connection
from rest_framework.exceptions import Throttled

_BEHIND = {"53300", "53400", "55P03", "57014"}
"""Too many connections, a limit of the configuration, lock not available, statement timed out."""
RETRY_AFTER_S = 1

_turns = threading.BoundedSemaphore(settings.INGEST_CONCURRENCY)


class Busy(Throttled):
    """The database falls behind."""

    default_code = "busy"

    def __init__(self) -> None:
        super().__init__(wait=RETRY_AFTER_S, detail="The database falls behind; send the same again later.")


@contextmanager
def take_turn() -> Iterator[None]:
    """One of the batches that this process stores at once; locks are waited for no longer than for the turn.

    Raises:
        Busy: the turn did not come, or the database took too long.
    """
    if not _turns.acquire(timeout=settings.INGEST_WAIT_S):
        raise Busy
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{round(settings.INGEST_WAIT_S * 1000)}ms"])
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in _BEHIND:
            raise Busy from error
        raise
    finally:
        _turns.release()
