"""On whose behalf a transaction runs: triggers and history read it, and it ends with the transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


def set_actor(user_id: int | None) -> None:
    """Name the user for the rest of the current transaction; None names nobody.

    Raises:
        TransactionManagementError: no transaction is open, so the name would be lost at once.
    """
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("set_actor needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('nfcs.user_id', %s, true)", ["" if user_id is None else str(user_id)])


@contextmanager
def acting_as(user_id: int | None) -> Iterator[None]:
    """A transaction on behalf of a user, for commands and jobs."""
    with transaction.atomic():
        set_actor(user_id)
        yield
