"""Start-up checks: of the database and of the keys of encrypted columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from core.db.identity import SYSTEM, acting_as
from core.db.rekeying import count_sealed_rows
from core.db.role_guard import list_role_problems
from core.key_ring import KeyRingError, get_key_ring, get_key_ring_file


@register(Tags.database)
def check_runtime_role(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Row security binds the runtime role: it is no superuser, no owner, bypasses nothing and is no member of such."""
    if not databases or "default" not in databases:
        return []
    wrapper = connections["default"]
    wrapper.ensure_connection()
    return [
        Error(problem, hint="Connect DATABASE_URL as nfcs_app; `manage.py database prepare` makes it.", id="core.E001")
        for problem in list_role_problems(wrapper)
    ]


@register(Tags.security)
def check_key_ring(**_: Any) -> list[CheckMessage]:
    """The key ring of encrypted columns can be read, and only its owner reads the file in the data directory."""
    try:
        get_key_ring()
    except KeyRingError as error:
        return [Error(str(error), hint="See docs/operations.md, 'Keys of encrypted columns'.", id="core.E011")]
    if not settings.ENCRYPTION_KEYS and not settings.ENCRYPTION_KEYS_FILE:
        path = get_key_ring_file().path
        if path.stat().st_mode & 0o077:
            return [Warning(f"Others than its owner may open {path}.", hint=f"chmod 600 {path}", id="core.W011")]
    return []


@register(Tags.database)
def check_sealing_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Every key that seals a row is on the ring."""
    if not databases or "default" not in databases:
        return []
    try:
        ring = get_key_ring()
    except KeyRingError:
        return []  # told by check_key_ring
    with acting_as(SYSTEM):
        counted = count_sealed_rows()
    return [
        Error(
            f"{one.column}: {one.rows} rows were sealed by the key {one.key_id!r}, which is not on the key ring."
            if one.key_id
            else f"{one.column}: {one.rows} rows hold something that was never encrypted.",
            hint="Give the ring the key back (NFCS_ENCRYPTION_KEYS_FILE): without it these secrets are lost.",
            id="core.E012",
        )
        for one in counted
        if one.key_id not in ring.keys
    ]
