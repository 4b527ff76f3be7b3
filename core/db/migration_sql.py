"""Every migration as SQL, forwards and backwards."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from core.db.backend.schema import schema_of
from core.db.prepare import OWNER_ROLE, SEARCH_PATH


@dataclass(frozen=True)
class MigrationSQL:
    """One migration as two scripts.

    Attributes:
        version: app and name, such as `core.0001_initial`.
        backwards: None for migrations of other packages that nothing of ours has to take back.
    """

    version: str
    forwards: str
    backwards: str | None


def collect_migrations(alias: str) -> list[MigrationSQL]:
    """Django's own record and every migration, in the order of application.

    The database is prepared and empty, and empty of the project's tables afterwards: Django looks into it while it
    writes SQL (for the names of constraints), so each script runs as soon as it is written.
    """
    executor = MigrationExecutor(connections[alias])
    plan = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    states: dict[Migration, ProjectState] = {}
    state = ProjectState(real_apps=executor.loader.unmigrated_apps)
    forwards: dict[Migration, str] = {}
    for migration in plan:
        states[migration] = state.clone()
        state, forwards[migration] = _write_script(alias, migration, state, backwards=False)
    backwards = {
        migration: _write_script(alias, migration, states[migration], backwards=True)[1]
        for migration in reversed(plan)
        if _is_ours_or_above(executor, migration)
    }
    record = MigrationSQL("django.migrations", _write_record(alias), None)
    return [record] + [
        MigrationSQL(f"{migration.app_label}.{migration.name}", forwards[migration], backwards.get(migration))
        for migration in plan
    ]


def _write_record(alias: str) -> str:
    """The script of the table in which Django records migrations."""
    connection: Any = connections[alias]
    with connection.schema_editor(collect_sql=True) as editor:
        editor.create_model(MigrationRecorder.Migration)
    return _join("Django's record of migrations", editor.collected_sql, atomic=True)


def _is_ours_or_above(executor: MigrationExecutor, migration: Migration) -> bool:
    """Whether a migration is the project's, or stands on one that is."""
    needed = executor.loader.graph.forwards_plan((migration.app_label, migration.name))
    return any(schema_of(app) != "public" for app, _ in needed)


def _write_script(
    alias: str, migration: Migration, state: ProjectState, *, backwards: bool
) -> tuple[ProjectState, str]:
    """The state after the migration (before it, on the way back) and its script, which has run."""
    connection: Any = connections[alias]
    step = migration.unapply if backwards else migration.apply
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        state = step(state, editor, collect_sql=True)
    statements = editor.collected_sql
    with connection.cursor() as cursor:
        if migration.atomic:
            with transaction.atomic(using=alias):
                cursor.execute("\n".join(statements))
        else:
            for statement in statements:
                cursor.execute(statement)
    words = (inspect.getdoc(inspect.getmodule(type(migration))) or "").split("\n")[0]
    title = f"{migration.app_label}.{migration.name}{', taken back' if backwards else ''}"
    return state, _join(f"{title}{': ' if words else ''}{words}", statements, atomic=migration.atomic)


def _join(title: str, statements: list[str], *, atomic: bool) -> str:
    lines = [
        f"-- {title}",
        f"SET ROLE {OWNER_ROLE};",
        f"SET search_path TO {', '.join(SEARCH_PATH)};",
        *(["BEGIN;"] if atomic else []),
        *statements,
        *(["COMMIT;"] if atomic else []),
    ]
    return "\n".join(lines) + "\n"
