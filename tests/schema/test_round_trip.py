"""Every migration of the project goes down as well as up, one by one, and leaves the same catalogue at every level."""

from __future__ import annotations

from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from core.db.backend.schema import schema_of
from core.db.catalogue import Catalogue, diff, read_catalogue
from core.db.prepare import APP_ROLE, SCHEMAS
from core.db.scratch import scratch_database
from tests import server
from tests.schema.conftest import execute


def test_down_and_up_again_leave_the_same_catalogue(django_db_blocker: DjangoDbBlocker) -> None:
    with (
        django_db_blocker.unblock(),
        scratch_database(server.admin_url(), template=server.template_name()) as alias,
    ):
        # Grants follow when a whole `migrate` is done.
        execute(alias, f"REVOKE ALL ON ALL TABLES IN SCHEMA public, {', '.join(SCHEMAS)} FROM {APP_ROLE}")
        execute(alias, f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public, {', '.join(SCHEMAS)} FROM {APP_ROLE}")
        executor = MigrationExecutor(connections[alias])
        states = compute_states(executor)
        ours = [migration for migration in states if stands_on_ours(executor, migration)]
        after: dict[Migration, Catalogue] = {}

        for migration in reversed(ours):
            after[migration] = read_catalogue(using=alias)
            executor.unapply_migration(states[migration].clone(), migration)
        bare = read_catalogue(using=alias, schemas=SCHEMAS)
        assert {kind: list(things) for kind, things in bare.items() if things} == {
            "schemas": sorted(SCHEMAS),
            "extensions": ["vector"],
        }

        for migration in ours:
            executor.apply_migration(states[migration].clone(), migration)
            differences = diff(after[migration], read_catalogue(using=alias))
            assert [str(difference) for difference in differences] == [], str(migration)
        assert {migration.app_label for migration in ours} >= {
            app for app, _ in executor.loader.graph.leaf_nodes() if schema_of(app) != "public"
        }


def compute_states(executor: MigrationExecutor) -> dict[Migration, ProjectState]:
    """What the models are before each migration, in the order of application."""
    graph = executor.loader.graph
    state = ProjectState(real_apps=executor.loader.unmigrated_apps)
    states = {}
    for migration, _ in executor.migration_plan(graph.leaf_nodes(), clean_start=True):
        states[migration] = state.clone()
        state = migration.mutate_state(state, preserve=False)
    return states


def stands_on_ours(executor: MigrationExecutor, migration: Migration) -> bool:
    """Whether a migration is the project's, or stands on one that is, as the admin's log stands on users."""
    needed = executor.loader.graph.forwards_plan((migration.app_label, migration.name))
    return any(schema_of(app) != "public" for app, _ in needed)
