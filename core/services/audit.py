"""Audit entries about what no changed row shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson
from django.db import connections, transaction

from core.exceptions import InvalidInput

ACTIONS = ("create", "update", "delete", "read", "execute")


def record_event(
    *,
    event: str,
    action: str,
    table_name: str,
    row_key: str | int,
    details: Mapping[str, Any] | None = None,
    using: str = "default",
) -> int:
    """Write one audit entry about an event, such as a sign-in, a refusal, the use of a key or an export.

    It stands or falls with the transaction of the caller. Never give it a secret.

    Args:
        event: what happened, such as `signin.refused`; 1 to 100 characters.
        action: one of create, update, delete, read, execute.
        table_name: schema and table the event is about, such as `user_mgmt.users`.
        row_key: primary key of the row it is about, or `*` for many.
        details: what else is to be known; NUL and lone surrogates in its text are replaced, as are numbers that JSON
            does not have. At most 64 kB.
        using: the connection whose transaction it stands or falls with.

    Returns:
        The id of the entry.

    Raises:
        InvalidInput: the event has no name, the action is none, or the details are too large.
    """
    if not 1 <= len(event) <= 100:
        raise InvalidInput.of("event", "A name of 1 to 100 characters is needed.")
    if action not in ACTIONS:
        raise InvalidInput.of("action", f"One of {', '.join(ACTIONS)} is needed.")
    document = orjson.dumps(_make_storable(dict(details or {})), default=str)
    if len(document) > 60_000:
        raise InvalidInput.of("details", "At most 60000 octets of JSON are possible.")
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT nfcs_core.record_event_v1(%s, %s, %s, %s, %s::jsonb)",
            [event, action, table_name, _make_storable(str(row_key)), document.decode()],
        )
        (made,) = cursor.fetchone()
    return int(made)


def _make_storable(value: Any) -> Any:
    """The value as JSON of PostgreSQL can hold it."""
    match value:
        case str():
            return value.replace("\x00", "�").encode(errors="replace").decode()
        case float() if not math.isfinite(value):
            return str(value)
        case int() if not isinstance(value, bool) and abs(value) > 2**53:
            return str(value)
        case Mapping():
            return {_make_storable(str(name)): _make_storable(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_make_storable(item) for item in value]
        case _:
            return value
