"""Databases made for one piece of work and dropped after it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from core.db import embedded
from core.db.prepare import OWNER_ROLE, SEARCH_PATH, prepare_database
from core.environment import read_secret

PREFIX = "nfcs_scratch_"


def find_admin_url() -> str:
    """The administrator's URL: that of `NFCS_ADMIN_DATABASE_URL`, or of the embedded server, which starts."""
    url = read_secret("NFCS_ADMIN_DATABASE_URL")
    if url:
        return url
    server = embedded.from_environment()
    server.ensure_running()
    return server.url("postgres", "postgres")


@contextmanager
def scratch_database(admin_url: str, *, template: str | None = None) -> Iterator[str]:
    """A database on the server of `admin_url`, prepared and empty, or a copy of `template`; dropped at the end.

    Yields:
        The alias of Django's connection to it, as the owner of the tables; also its name.
    """
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    try:
        if template is None:
            prepare_database(admin_url, database=name)
        else:
            _execute(admin_url, "CREATE DATABASE {} OWNER {} TEMPLATE {}", name, OWNER_ROLE, template)
        with connected(admin_url, name):
            yield name
    finally:
        _execute(admin_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@contextmanager
def connected(admin_url: str, database: str) -> Iterator[str]:
    """A connection of Django's to another database of a server, under the name of the database, as the owner."""
    connections.settings[database] = _connection_settings(admin_url, database)
    try:
        yield database
    finally:
        connections[database].close()
        del connections[database]
        del connections.settings[database]


@contextmanager
def migrated_database(admin_url: str, *, template: str | None = None) -> Iterator[str]:
    """A scratch database with every migration applied; `template` is a database that has them already."""
    with scratch_database(admin_url, template=template) as alias:
        if template is None:
            call_command("migrate", database=alias, verbosity=0, skip_checks=True)
        yield alias


def _connection_settings(admin_url: str, name: str) -> dict[str, Any]:
    """The administrator's connection, acting as the owner: nothing has to be known of the owner's password."""
    server: dict[str, Any] = conninfo_to_dict(admin_url)
    options = f"{server.pop('options', '')} -c role={OWNER_ROLE} -c search_path={','.join(SEARCH_PATH)}"
    settings = {
        **connections.settings["owner"],
        "NAME": name,
        "USER": server.pop("user", ""),
        "PASSWORD": server.pop("password", ""),
        "HOST": server.pop("host", ""),
        "PORT": server.pop("port", ""),
        "EMBEDDED": None,
        "CONN_MAX_AGE": None,
    }
    server.pop("dbname", None)
    return {**settings, "OPTIONS": {**server, "options": options.strip()}}


def _execute(admin_url: str, statement: str, *names: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
