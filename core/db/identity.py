"""On whose behalf statements run: policies, triggers and history read it in `nfcs.user_id`.

The setting lasts for one transaction, never for a session, since behind a pooler the next client may get the session.
What is declared here for a stretch of work (a request, a job, a command) is written by the backend into every
transaction that begins within it; a single statement outside of one gets a transaction of its own. Where nothing is
declared nobody acts, and row security shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection, connections, transaction
from psycopg.pq import TransactionStatus

SYSTEM = 0
"""The system itself: its jobs, commands and simulations."""

_SET = "SELECT current_setting('nfcs.user_id', true), set_config('nfcs.user_id', %s, true)"
_declared: ContextVar[int | None] = ContextVar("nfcs_actor", default=None)


def declared_actor() -> int | None:
    """Who was declared here: a user's id, SYSTEM, or None for nobody."""
    return _declared.get()


def set_actor(user_id: int | None) -> None:
    """Name the user for the rest of the current transaction; None names nobody.

    Raises:
        TransactionManagementError: no transaction is open, so the name would be lost at once.
    """
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("set_actor needs an open transaction")
    write_actor(connection, user_id)


def declare_actor(user_id: int | None) -> None:
    """Declare the user for the rest of the enclosing `on_behalf_of`, in open transactions as well."""
    _declared.set(user_id)
    for open_connection in _list_open():
        write_actor(open_connection, user_id)


@contextmanager
def on_behalf_of(user_id: int | None) -> Iterator[None]:
    """Declare the user for what happens within, in however many transactions; afterwards it is who it was before."""
    token = _declared.set(user_id)
    before = [(open_connection, write_actor(open_connection, user_id)) for open_connection in _list_open()]
    try:
        yield
    finally:
        _declared.reset(token)
        for open_connection, name in before:
            # A broken transaction goes back to a savepoint, and with it the name.
            if open_connection.in_atomic_block and _status(open_connection) == TransactionStatus.INTRANS:
                _write(open_connection, name or "")


@contextmanager
def acting_as(user_id: int | None) -> Iterator[None]:
    """A transaction on behalf of a user."""
    with on_behalf_of(user_id), transaction.atomic():
        yield


def write_actor(wrapper: Any, user_id: int | None) -> str | None:
    """Write the name into the open transaction of a connection; returns the name that stood there."""
    return _write(wrapper, "" if user_id is None else str(user_id))


def _write(wrapper: Any, name: str) -> str | None:
    # Not through Django's cursor: whoever counts the queries of a view does not mean this one.
    with wrapper.wrap_database_errors:
        before: str | None = wrapper.connection.execute(_SET, [name]).fetchone()[0]
    return before


def _list_open() -> list[Any]:
    return [
        wrapper
        for wrapper in connections.all(initialized_only=True)
        if wrapper.in_atomic_block and wrapper.connection is not None
    ]


def _status(wrapper: Any) -> TransactionStatus | None:
    return None if wrapper.connection is None else wrapper.connection.info.transaction_status
