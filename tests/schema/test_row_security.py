"""Row security: the declared matrix holds, and every way to loosen it is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connections, transaction
from psycopg import errors, sql

from core.db.prepare import APP_ROLE, OWNER_ROLE, SCHEMAS
from core.db.row_security import WITHOUT_POLICIES, list_row_security_problems
from tests import server
from tests.schema.conftest import ask, execute
from tests.schema.rows_matrix import ACTORS, COMMANDS, PROBE, TABLES, World, reach_of


@pytest.fixture(scope="module")
def world(scratch: str) -> Iterator[World]:
    """The tables with their policies, a row of every kind in each."""
    with psycopg.connect(server.admin_url(scratch), autocommit=True) as admin:
        world = World(admin)
        try:
            world.build()
            yield world
        finally:
            admin.execute(f"DROP OWNED BY {PROBE}; DROP ROLE {PROBE}")


def relation(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def test_every_table_is_protected_or_listed_with_its_reason(scratch: str) -> None:
    with connections[scratch].cursor() as cursor:
        assert list_row_security_problems(cursor) == []
    protected = {
        name
        for (name,) in ask(
            scratch,
            "SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace",
        )
    }
    assert protected == TABLES.keys(), "a table with policies has its line in rows_matrix.TABLES"
    assert not protected & WITHOUT_POLICIES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_who_reaches_which_rows(world: World, name: str) -> None:
    table = TABLES[name]
    for command in COMMANDS:
        found = {actor: world.probe(name, command, actor) for actor in ACTORS}
        assert found == {actor: reach_of(table, command, actor) for actor in ACTORS}, command


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if len(table.rows) > 1])
def test_a_row_is_not_moved_out_of_reach(world: World, name: str) -> None:
    if name == "user_mgmt.users":
        pytest.skip("a user is moved to another role, which has a test of its own")
    for actor in ACTORS:
        assert world.probe_moves(name, actor) == reach_of(TABLES[name], "update", actor), actor


@pytest.mark.parametrize("change", ["role = 'admin'", "is_superuser = true", "is_active = false", "id = 999"])
def test_nobody_promotes_himself(world: World, change: str) -> None:
    with world.admin.transaction(force_rollback=True):
        world.admin.execute(f"SELECT set_config('nfcs.user_id', '12', true); SET LOCAL ROLE {PROBE}")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            world.admin.execute(f"UPDATE user_mgmt.users SET {change} WHERE id = 12")


def test_the_owner_sees_all_rows_and_its_dump_fails_loudly(world: World) -> None:
    for name, table in TABLES.items():
        with world.admin.transaction(force_rollback=True):
            world.admin.execute(f"SET LOCAL ROLE {OWNER_ROLE}")
            seen = world.admin.execute(sql.SQL("SELECT count(*) FROM {}").format(relation(name))).fetchone()
            assert seen is not None
            assert seen[0] >= len(table.rows)
            # What pg_dump sets.
            world.admin.execute("SET LOCAL row_security = off")
            with pytest.raises(errors.InsufficientPrivilege, match="affected by row-level security"):
                world.admin.execute(sql.SQL("SELECT count(*) FROM {}").format(relation(name)))


@pytest.mark.parametrize("how", ["nfcs_core.ensure_partition_v2", "create_monthly_partition"])
def test_a_new_partition_is_closed(scratch: str, how: str) -> None:
    table = "nfcs_core.nfcs_fields"
    leaf = f"{table}_y2031m01"
    with transaction.atomic(using=scratch):
        if how == "create_monthly_partition":
            execute(scratch, "SELECT create_monthly_partition(%s, '2031-01-15')", table)
        else:
            ask(
                scratch,
                "SELECT nfcs_core.ensure_partition_v2(%s, 'nfcs_fields_y2031m01', '2031-01-01+00', '2031-02-01+00')",
                table,
            )
        assert ask(scratch, "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", leaf) == [(True,)]
        with connections[scratch].cursor() as cursor:
            assert list_row_security_problems(cursor) == []
        transaction.set_rollback(True, using=scratch)


@dataclass(frozen=True)
class Mutant:
    """A statement that loosens row security, and the command of a table that shows it."""

    name: str
    statement: str
    table: str = ""
    command: str = ""


def list_mutants(admin: psycopg.Connection) -> list[Mutant]:
    mutants = []
    policies = admin.execute(
        "SELECT c.oid::regclass::text, n.nspname || '.' || c.relname, p.polname, p.polqual IS NOT NULL,"
        " p.polwithcheck IS NOT NULL FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 2, 3"
    ).fetchall()
    commands = {
        "rows_read": "select",
        "rows_inserted": "insert",
        "rows_updated": "update",
        "rows_deleted": "delete",
        "rows_of_owner": "",
    }
    for _, table, policy, using, check in policies:
        command = commands[policy]
        mutants.append(Mutant(f"{table}: drop {policy}", f"DROP POLICY {policy} ON {table}", table, command))
        for clause, is_there in (("USING", using), ("WITH CHECK", check)):
            if is_there and command:
                statement = f"ALTER POLICY {policy} ON {table} {clause} (true)"
                mutants.append(Mutant(f"{table}: {policy} {clause} true", statement, table, command))
    for table in TABLES:
        mutants.append(Mutant(f"{table}: no force", f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY", table))
        off = f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        mutants.append(Mutant(f"{table}: disabled", off, table, "select"))
        mutants.append(Mutant(f"{table}: one more policy", f"CREATE POLICY all_rows ON {table} USING (true)", table))
    for kind, name, options in admin.execute(
        "SELECT c.relkind::text, n.nspname || '.' || c.relname, array_to_string(c.reloptions, ',')"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = ANY (%s) AND (c.relkind IN ('v', 'm') OR c.relispartition AND c.relkind = 'r') ORDER BY 2",
        [list(SCHEMAS)],
    ).fetchall():
        match kind:
            case "v":
                option = "security_invoker" if "security_invoker" in (options or "") else "security_barrier"
                mutants.append(Mutant(f"{name}: {option} off", f"ALTER VIEW {name} SET ({option} = false)"))
            case "m":
                mutants.append(Mutant(f"{name}: granted", f"GRANT SELECT ON {name} TO {APP_ROLE}"))
            case _:
                mutants.append(Mutant(f"{name}: open", f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"))
                mutants.append(Mutant(f"{name}: granted", f"GRANT SELECT ON {name} TO {APP_ROLE}"))
    return mutants


def shows(world: World, mutant: Mutant) -> bool:
    """Whether some actor reaches other rows than declared."""
    if not mutant.command:
        return False
    table = TABLES[mutant.table]
    if mutant.name.endswith("rows_updated WITH CHECK true") and len(table.rows) > 1:
        return any(world.probe_moves(mutant.table, actor) != reach_of(table, "update", actor) for actor in ACTORS)
    return any(
        world.probe(mutant.table, mutant.command, actor) != reach_of(table, mutant.command, actor) for actor in ACTORS
    )


def is_shadowed(mutant: Mutant) -> bool:
    """Whether other policies of the table hide the mutant from every statement: then only the catalogue tells."""
    table = TABLES[mutant.table]
    reaches = [reach_of(table, mutant.command, actor) for actor in ACTORS]
    if "drop" in mutant.name:
        return not any(reaches)
    if mutant.name.endswith("rows_updated WITH CHECK true"):
        return all(reach in (set(), set(table.rows)) for reach in reaches)
    if mutant.command in ("update", "delete"):
        # A statement that looks for its rows has to be allowed to read them.
        return all(reach_of(table, "select", actor) <= reach_of(table, mutant.command, actor) for actor in ACTORS)
    return False


def test_every_mutant_is_killed(world: World, capsys: pytest.CaptureFixture) -> None:
    mutants = list_mutants(world.admin)
    survivors, unseen, by_rows = [], [], 0
    for mutant in mutants:
        with world.admin.transaction(force_rollback=True):
            world.admin.execute(mutant.statement)  # type: ignore[call-overload]
            told = bool(list_row_security_problems(world.admin.cursor()))
            shown = shows(world, mutant)
            by_rows += shown
            if not told and not shown:
                survivors.append(mutant.name)
            if mutant.command and not shown and not is_shadowed(mutant):
                unseen.append(mutant.name)
    with capsys.disabled():
        print(f"\n{len(mutants)} mutants of row security, {by_rows} seen in rows, the others in the catalogue")
    assert survivors == []
    assert len(mutants) > 400
    assert unseen == [], "no probe reaches this policy"
