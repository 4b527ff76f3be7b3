"""What a database needs before the first migration, and only its administrator can give: roles, extension, schemas."""

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
OLDEST_SERVER = 16


class PrepareError(Exception):
    """The server cannot be prepared."""


@dataclass(frozen=True)
class Passwords:
    """Passwords of the two roles; None leaves a role's password as it is (the embedded server needs none)."""

    owner: str | None = None
    app: str | None = None


def prepare_database(
    admin_url: str, *, database: str, passwords: Passwords | None = None, dry_run: bool = False
) -> list[str]:
    """Make roles, database, extension and schemas on a server, as its administrator; what exists is left alone.

    The administrator is a superuser, or may create roles and databases where a superuser made the extension.

    Returns:
        One line for each thing that was made, or would be in a dry run.

    Raises:
        PrepareError: the server is too old or has no pgvector, or a role of ours could bypass row security.
        psycopg.Error: the server refused; nothing that needs a transaction is half done.
    """
    passwords = passwords or Passwords()
    made: list[str] = []
    with psycopg.connect(admin_url, autocommit=True) as connection:
        _refuse_unfit_server(connection)
        for role, password in ((OWNER_ROLE, passwords.owner), (APP_ROLE, passwords.app)):
            made += _ensure_role(connection, role, password, dry_run)
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if not exists:
            made.append(f"database {database}")
            if not dry_run:
                create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'")
                connection.execute(create.format(sql.Identifier(database), sql.Identifier(OWNER_ROLE)))
    if dry_run and not exists:
        return [*made, "extension vector", *(f"schema {schema}" for schema in SCHEMAS)]
    with psycopg.connect(admin_url, dbname=database) as connection:
        made += _ensure_extension_and_schemas(connection)
        if dry_run:
            connection.rollback()
    return made


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


def _refuse_unfit_server(connection: psycopg.Connection) -> None:
    if connection.info.server_version < OLDEST_SERVER * 10_000:
        version = connection.info.parameter_status("server_version")
        raise PrepareError(f"PostgreSQL {OLDEST_SERVER} or newer is needed, the server is {version}.")
    if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
        raise PrepareError("The server has no extension vector: install pgvector 0.8 or newer on it first.")


def _ensure_role(connection: psycopg.Connection, role: str, password: str | None, dry_run: bool) -> list[str]:
    made = []
    name = sql.Identifier(role)
    row = connection.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if row and row[0]:
        raise PrepareError(
            f"Role {role} is there and is a superuser or bypasses row security: take that from it first."
        )
    if not row:
        made.append(f"role {role}")
    if password is not None:
        made.append(f"password of {role}")
    if dry_run:
        return made
    if not row:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOCREATEDB NOCREATEROLE").format(name))
    if password is not None:
        # Hashed here, so that the server's log does not hold it.
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(verifier)))
    path = sql.SQL(", ").join(map(sql.Identifier, SEARCH_PATH))
    connection.execute(sql.SQL("ALTER ROLE {} SET search_path TO {}").format(name, path))
    if role == OWNER_ROLE:
        # An administrator that is no superuser may hand database and schemas only to a role whose member it is.
        member = connection.execute(
            "SELECT pg_has_role(%s, 'SET') AND pg_has_role(%s, 'USAGE')", [role, role]
        ).fetchone()
        if member and not member[0]:
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(name))
    return made


def _ensure_extension_and_schemas(connection: psycopg.Connection) -> list[str]:
    made = []
    if not connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone():
        try:
            connection.execute("CREATE EXTENSION vector SCHEMA public")
        except psycopg.errors.InsufficientPrivilege as error:
            raise PrepareError(
                f"Creating the extension vector takes a superuser: let one run CREATE EXTENSION vector SCHEMA public"
                f" in database {connection.info.dbname}, and repeat."
            ) from error
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
