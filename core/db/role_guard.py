"""The role that serves requests is bound by row security; a process that connects as another refuses to serve."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.signals import connection_created

from core.db.prepare import SCHEMAS

_LIST_POWERS = """
    SELECT r.rolname,
           r.rolsuper,
           r.rolbypassrls,
           EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid AND n.nspname = ANY (%(schemas)s))
           OR EXISTS (
               SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relowner = r.oid AND n.nspname = ANY (%(schemas)s)) AS owns
    FROM pg_roles r
    WHERE pg_has_role(current_user, r.oid, 'MEMBER') OR pg_has_role(session_user, r.oid, 'MEMBER')
    ORDER BY r.rolname
"""
"""A superuser is a member of every role, and named by itself first."""
logger = logging.getLogger(__name__)


class UnboundRole(ImproperlyConfigured):
    """The runtime role could pass row security by."""


def list_role_problems(wrapper: Any) -> list[str]:
    """Why the role of a connection could pass row security by; empty where it is bound."""
    with wrapper.wrap_database_errors:
        cursor = wrapper.connection.execute("SELECT current_user, session_user")
        names = set(cursor.fetchone())
        rows = wrapper.connection.execute(_LIST_POWERS, {"schemas": list(SCHEMAS)}).fetchall()
    if any(is_superuser and name in names for name, is_superuser, *_ in rows):
        rows = [row for row in rows if row[0] in names]
    problems = []
    for name, is_superuser, bypasses, owns in rows:
        relation = f"The runtime role is {name}" if name in names else f"The runtime role is a member of {name}"
        powers = ("a superuser", is_superuser), ("allowed to bypass row security", bypasses), ("owner of tables", owns)
        problems += [f"{relation}, which is {words}." for words, is_so in powers if is_so]
    return problems


def require_bound_role() -> None:
    """Refuse to serve with a role that row security does not bind, now and at every new connection of this process.

    Where the database is away there is nothing to look at yet, and the first connection looks.

    Raises:
        UnboundRole: says why.
    """
    connection_created.connect(_check_connection, dispatch_uid="core.role_guard")
    wrapper = connections[DEFAULT_DB_ALIAS]
    try:
        if wrapper.connection is None:
            wrapper.ensure_connection()
        else:
            _check_connection(sender=type(wrapper), connection=wrapper)
    except OperationalError as error:
        logger.warning("the runtime role is looked at when the database answers: %s", error)


def _check_connection(sender: Any, connection: Any, **_: Any) -> None:
    if connection.alias != DEFAULT_DB_ALIAS:
        return
    problems = list_role_problems(connection)
    if problems:
        connection.close()
        raise UnboundRole(
            " ".join([*problems, "Connect DATABASE_URL as nfcs_app; `manage.py database prepare` makes it."])
        )
