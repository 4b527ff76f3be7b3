"""What a database needs before the first migration, and only a superuser can give: roles, database, extension, schemas."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from core.db.embedded import EmbeddedServer

OWNER_ROLE = "nfcs_owner"
"""Owns every table; migrations and partition maintenance run as this role."""
APP_ROLE = "nfcs_app"
"""Serves requests: neither owner nor superuser, so that row security binds it."""

SCHEMAS = ("nfcs_core", "user_mgmt", "kuramoto", "constitutional", "cognitive", "validation")
SEARCH_PATH = ("public", *SCHEMAS)


@dataclass(frozen=True)
class Passwords:
    """Passwords of the two roles; None leaves a role's password as it is (the embedded server needs none)."""

    owner: str | None = None
    app: str | None = None


def prepare_database(admin_url: str, *, database: str, passwords: Passwords | None = None) -> list[str]:
    """Make roles, database, extension and schemas on a server, as its superuser; what exists is left alone.

    Returns:
        One line for each thing that was made.

    Raises:
        psycopg.Error: the server refused; nothing that needs a transaction is half done.
    """
    passwords = passwords or Passwords()
    done: list[str] = []
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for role, password in ((OWNER_ROLE, passwords.owner), (APP_ROLE, passwords.app)):
            done += _ensure_role(connection, role, password)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(database), sql.Identifier(OWNER_ROLE)
                )
            )
            done.append(f"database {database}")
    with psycopg.connect(admin_url, dbname=database) as connection:
        done += _ensure_extension_and_schemas(connection)
    return done


def prepare_embedded(server: EmbeddedServer, *, database: str) -> None:
    """Prepare `database` on a running embedded server, unless it is prepared."""
    with psycopg.connect(server.url("postgres", "postgres")) as connection:
        # Two first commands at the same time take turns.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('nfcs prepare'))")
        if not _is_prepared(server, database):
            prepare_database(server.url("postgres", "postgres"), database=database)


def _is_prepared(server: EmbeddedServer, database: str) -> bool:
    try:
        with psycopg.connect(server.url("postgres", database)) as connection:
            # Extension and schemas are the last step, in one transaction.
            row = connection.execute(
                "SELECT count(*) FROM pg_namespace WHERE nspname = ANY(%s)", [list(SCHEMAS)]
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and row[0] == len(SCHEMAS)


def _ensure_role(connection: psycopg.Connection, role: str, password: str | None) -> list[str]:
    made = []
    name = sql.Identifier(role)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS").format(name))
        made.append(f"role {role}")
    if password is not None:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
        made.append(f"password of {role}")
    path = sql.SQL(", ").join(map(sql.Identifier, SEARCH_PATH))
    connection.execute(sql.SQL("ALTER ROLE {} SET search_path TO {}").format(name, path))
    return made


def _ensure_extension_and_schemas(connection: psycopg.Connection) -> list[str]:
    made = []
    if not connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone():
        connection.execute("CREATE EXTENSION vector SCHEMA public")
        made.append("extension vector")
    for schema in SCHEMAS:
        if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone():
            connection.execute(
                sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(OWNER_ROLE))
            )
            made.append(f"schema {schema}")
    connection.execute(
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
            sql.SQL(", ").join(map(sql.Identifier, SCHEMAS)), sql.Identifier(APP_ROLE)
        )
    )
    connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(sql.Identifier(OWNER_ROLE)))
    return made
