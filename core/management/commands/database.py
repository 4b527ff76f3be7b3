"""`manage.py database`: preparing a server for NFCS, and what it is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser
from psycopg.conninfo import conninfo_to_dict

from core.db.prepare import APP_ROLE, OWNER_ROLE, Passwords, PrepareError, prepare_database
from core.db.status import get_status
from core.environment import read_secret
from core.management.base import FindingsError, NfcsCommand, UsageError


class Command(NfcsCommand):
    """Prepare a PostgreSQL server, and look at it."""

    help = "The PostgreSQL server under NFCS."

    def add_arguments(self, parser: CommandParser) -> None:
        """Two verbs."""
        verbs = self.add_verbs(parser)
        prepare = self.add_verb(verbs, self.prepare, changes_data=True)
        prepare.add_argument(
            "--admin-url",
            help="connection URL of the server's administrator (default: NFCS_ADMIN_DATABASE_URL, or the file that"
            " NFCS_ADMIN_DATABASE_URL_FILE names)",
        )
        prepare.add_argument("--database", default="nfcs", help="name of the database (default nfcs)")
        for role, variable in ((OWNER_ROLE, "OWNER"), (APP_ROLE, "APP")):
            prepare.add_argument(
                f"--{variable.lower()}-password-file",
                type=Path,
                help=f"file with the password to give to {role} (default: NFCS_{variable}_PASSWORD or"
                f" NFCS_{variable}_PASSWORD_FILE; none leaves it as it is)",
            )
        self.add_verb(verbs, self.status)

    def prepare(
        self,
        *,
        admin_url: str | None,
        database: str,
        owner_password_file: Path | None,
        app_password_file: Path | None,
        dry_run: bool,
        **_: Any,
    ) -> None:
        """Make roles, database, extension and schemas, once a server; what exists is left alone."""
        try:
            url = admin_url or read_secret("NFCS_ADMIN_DATABASE_URL")
            passwords = Passwords(
                owner=read_secret("NFCS_OWNER_PASSWORD", owner_password_file),
                app=read_secret("NFCS_APP_PASSWORD", app_password_file),
            )
        except OSError as error:
            raise CommandError(f"cannot read {error.filename}: {error.strerror}") from error
        if not url:
            raise UsageError("give --admin-url or NFCS_ADMIN_DATABASE_URL")
        try:
            made = prepare_database(url, database=database, passwords=passwords, dry_run=dry_run)
        except psycopg.ProgrammingError as error:
            raise CommandError(f"the server refused: {error}") from error
        except PrepareError as error:
            raise CommandError(str(error)) from error
        self.answer(
            {"database": database, "made": made, "dry_run": dry_run},
            [f"would make {thing}" if dry_run else f"made {thing}" for thing in made] or ["everything was there"],
        )
        for variable, role in (("DATABASE_URL", APP_ROLE), ("NFCS_OWNER_DATABASE_URL", OWNER_ROLE)):
            self.note(f"{variable}={_write_url(url, role, database)}")

    def status(self, **_: Any) -> None:
        """Show versions, roles, extensions and sizes; exit code 3 when something is amiss."""
        status = get_status()
        extensions = ", ".join(f"{name} {version}" for name, version in status["extensions"].items())
        self.answer(
            status,
            [
                f"database    {status['database']}, {status['bytes']} bytes, as {status['role']}",
                f"server      PostgreSQL {status['server_version']}"
                + (f", embedded in {status['embedded_in']}" if status["embedded_in"] else "")
                + (", a replica" if status["is_replica"] else ""),
                f"extensions  {extensions}",
                *(f"role        {role['name']}{'' if role['exists'] else ' is missing'}" for role in status["roles"]),
                *(
                    f"schema      {schema['name']}: {schema['tables']} tables, {schema['partitions']} partitions,"
                    f" {schema['bytes']} bytes"
                    for schema in status["schemas"]
                ),
            ],
        )
        if status["findings"]:
            raise FindingsError("\n".join(status["findings"]))


def _write_url(admin_url: str, role: str, database: str) -> str:
    server = conninfo_to_dict(admin_url)
    host, port = str(server.get("host", "")), server.get("port", 5432)
    if host.startswith("/") or not host:
        return f"postgresql://{role}@/{database}?host={host}&port={port}"
    return f"postgresql://{role}:PASSWORD@{host}:{port}/{database}"
