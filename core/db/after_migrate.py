"""What follows every `migrate`: privileges of the runtime role and the seed's record of migrations."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from core.db.prepare import APP_ROLE, SCHEMAS
from core.db.sql import RunSQLFile


def follow_migration(using: str, **_: Any) -> None:
    """Grant the runtime role what it needs and bring `schema_migrations` in step with Django's own table."""
    grant_privileges(using)
    record_migrations(using)


def grant_privileges(using: str) -> None:
    """Give the runtime role exactly its rights on tables, views and sequences; on leaves of partitioned ones none."""
    connection = connections[using]
    app = sql.Identifier(APP_ROLE)

    def execute(statement: str, *things: sql.Composable) -> None:
        cursor.execute(sql.SQL(statement).format(*things, app=app).as_string(connection.connection))

    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if not cursor.fetchone():
            return
        present = set(connection.introspection.table_names(cursor, include_views=True))
        for model in apps.get_models(include_auto_created=True):
            table = sql.Identifier(model._meta.db_table)
            if model._meta.db_table in present:
                execute("REVOKE ALL ON {} FROM {app}", table)
                execute("GRANT {} ON {} TO {app}", sql.SQL(privileges(model)), table)
        if "django_migrations" in present:
            execute("GRANT SELECT ON django_migrations TO {app}")
        for schema in ("public", *SCHEMAS):
            execute("GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {} TO {app}", sql.Identifier(schema))


def privileges(model: type[models.Model]) -> str:
    """The rights of the runtime role on the table of `model`."""
    if getattr(model, "read_only", False):
        return "SELECT"
    return "SELECT, INSERT" if getattr(model, "append_only", False) else "SELECT, INSERT, UPDATE, DELETE"


def record_migrations(using: str) -> None:
    """Make `schema_migrations` hold exactly the migrations that Django has applied, each with its checksum."""
    connection = connections[using]
    if "schema_migrations" not in connection.introspection.table_names():
        return
    loader = MigrationLoader(connection)
    records = MigrationRecorder(connection).migration_qs.values_list("app", "name", "applied")
    rows = [(f"{app}.{name}", applied, checksum_migration(loader, app, name)) for app, name, applied in records]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM schema_migrations WHERE NOT version = ANY(%s)", [[row[0] for row in rows]])
        cursor.executemany(
            "INSERT INTO schema_migrations (version, applied_at, checksum) VALUES (%s, %s, %s)"
            " ON CONFLICT (version) DO NOTHING",
            rows,
        )


def checksum_migration(loader: MigrationLoader, app: str, name: str) -> str | None:
    """SHA-256, hex, of a migration's Python file and its SQL files; None where the file is gone."""
    migration = loader.disk_migrations.get((app, name)) if loader.disk_migrations else None
    if migration is None:
        return None
    digest = hashlib.sha256(Path(inspect.getfile(type(migration))).read_bytes())
    for operation in migration.operations:
        if isinstance(operation, RunSQLFile):
            for direction in ("up", "down"):
                digest.update(operation.path(direction).read_bytes())
    return digest.hexdigest()
