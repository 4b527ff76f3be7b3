"""Models against migration files, and migration files against what was applied."""

from __future__ import annotations

from django.apps import apps
from django.db import connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState

from core.db.after_migrate import checksum_migration
from core.db.backend.schema import schema_of
from core.db.drift.findings import Finding


def find_uncovered_models() -> list[Finding]:
    """What `makemigrations` would still write."""
    loader = MigrationLoader(None)
    findings = [
        Finding("models", f"{app}: migrations {', '.join(sorted(names))} stand side by side, a merge is missing")
        for app, names in sorted(loader.detect_conflicts().items())
    ]
    detector = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps), NonInteractiveMigrationQuestioner(dry_run=True)
    )
    for app, migrations in sorted(detector.changes(graph=loader.graph).items()):
        for migration in migrations:
            findings += [
                Finding("models", f"{app}: no migration for: {operation.describe()}")
                for operation in migration.operations
            ]
    return findings


def find_migration_drift(*, using: str = "default") -> list[Finding]:
    """Migrations not applied, applied without a file, and files changed since; also where the two records disagree."""
    connection = connections[using]
    loader = MigrationLoader(connection)
    applied = {f"{app}.{name}": (app, name) for app, name in loader.applied_migrations}
    on_disk = {f"{app}.{name}" for app, name in loader.graph.nodes}
    findings = [Finding("migrations", f"{version} is not applied") for version in sorted(on_disk - applied.keys())]
    findings += [
        Finding("migrations", f"{version} was applied, its file is gone")
        for version in sorted(applied.keys() - on_disk)
    ]
    if "schema_migrations" not in connection.introspection.table_names():
        return [*findings, Finding("migrations", "there is no table schema_migrations")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT version, checksum FROM schema_migrations")
        recorded = dict(cursor.fetchall())
    findings += [
        Finding("migrations", f"{version} is missing in schema_migrations")
        for version in sorted(applied.keys() - recorded.keys())
    ]
    findings += [
        Finding("migrations", f"{version} is in schema_migrations, Django has not applied it")
        for version in sorted(recorded.keys() - applied.keys())
    ]
    for version in sorted(applied.keys() & recorded.keys() & on_disk):
        app, name = applied[version]
        # Files of other packages change with their releases.
        if schema_of(app) != "public" and recorded[version] != checksum_migration(loader, app, name):
            findings.append(Finding("migrations", f"{version}: its files changed since it was applied"))
    return findings
