"""What server, roles and schemas a connection has before it."""

from __future__ import annotations

from typing import Any

from django.db import connections

from core.db.prepare import APP_ROLE, OLDEST_SERVER, OWNER_ROLE, SCHEMAS
from core.db.sql import fetch_all

NEWEST_SERVER = 18


def get_status(*, using: str = "default") -> dict[str, Any]:
    """Server, extensions, roles and schemas of the database, and in `findings` what keeps NFCS from working well."""

    def ask(name: str, **parameters: Any) -> list[dict[str, Any]]:
        return fetch_all("core", name, parameters, using=using, file="status")

    server = connections[using].settings_dict.get("EMBEDDED")
    status: dict[str, Any] = {
        **ask("get_server")[0],
        "embedded_in": str(server.directory) if server else None,
        "extensions": {row["name"]: row["version"] for row in ask("list_extensions")},
        "roles": ask("list_roles", roles=[OWNER_ROLE, APP_ROLE]),
        "schemas": ask("list_schemas", schemas=list(SCHEMAS)),
    }
    return {**status, "findings": _judge(status)}


def _judge(status: dict[str, Any]) -> list[str]:
    findings = []
    major = status["server_version_num"] // 10_000
    if not OLDEST_SERVER <= major <= NEWEST_SERVER:
        findings.append(f"PostgreSQL {major} is not one of {OLDEST_SERVER} to {NEWEST_SERVER}")
    if "vector" not in status["extensions"]:
        findings.append("extension vector is missing")
    for role in status["roles"]:
        if not role["exists"]:
            findings.append(f"role {role['name']} is missing")
        elif role["is_superuser"] or role["bypasses_row_security"]:
            findings.append(f"role {role['name']} is not bound by row security")
    return findings
