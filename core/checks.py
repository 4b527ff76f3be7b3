"""Start-up checks of the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections


@register(Tags.database)
def check_runtime_role(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The runtime role is no superuser and does not bypass row security."""
    if not databases or "default" not in databases:
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, unbound = cursor.fetchone()
    if unbound:
        return [
            Error(
                f"The runtime role {role!r} is a superuser or bypasses row security.",
                hint="Connect DATABASE_URL as nfcs_app; `manage.py database prepare` makes it.",
                id="core.E001",
            )
        ]
    return []
