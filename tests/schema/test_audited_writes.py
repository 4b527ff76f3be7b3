"""Each audited table, whatever it is: a write is exactly one entry a row or a statement, by SQL and by Django."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connections, models, transaction
from django.db.models.expressions import RawSQL
from psycopg import sql

from core.db.encryption import EncryptedTextField
from tests import server
from tests.schema.audited import BY_STATEMENT, EXEMPT
from tests.schema.rows_matrix import fill_value
from tests.schema.test_audited import list_triggers

ACTOR = 4711
NO_MODELS: set[str] = set()
"""Tables that Django does not write."""
WRITES = ("create", "delete", "create", "update", "delete")
OTHER = {
    "boolean": "{0} IS NOT TRUE",
    "jsonb": "'[7]'",
    "bytea": "'\\x07'",
    "uuid": "gen_random_uuid()",
    "date": "'2026-02-03'",
    "timestamp with time zone": "'2026-02-03 00:00:00+00'",
    "inet": "'192.0.2.7'",
}
"""By type: another value than fills it, or than `{0}`; of texts and numbers a 7."""


class Skeleton:
    """A database whose audited tables take any row: no checks, no keys but the primary ones, audit triggers alone.

    Attributes:
        tables: by table, its columns by name: type, whether a row needs one, whether it is of the primary key.
    """

    def __init__(self, admin: psycopg.Connection, triggers: dict[str, set[str]]) -> None:
        self.admin = admin
        self.tables: dict[str, dict[str, tuple[str, bool, bool]]] = {}
        for name in sorted(triggers.keys() - EXEMPT.keys()):
            for statement in self._list_hindrances(name):
                admin.execute(statement)
            admin.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(relation(name)))
            for trigger in triggers[name]:
                enable = sql.SQL("ALTER TABLE {} ENABLE TRIGGER {}")
                admin.execute(enable.format(relation(name), sql.Identifier(trigger)))
            self.tables[name] = self._read_columns(name)

    def write_insert(self, name: str, count: int) -> sql.Composed:
        """A statement that inserts `count` rows, whose keys differ where they are not drawn from a sequence."""
        needed = {column: (kind, is_key) for column, (kind, needs, is_key) in self.tables[name].items() if needs}
        rows = [
            sql.SQL("({})").format(
                sql.SQL(", ").join(self._fill(kind, number, is_key) for kind, is_key in needed.values())
            )
            for number in range(1, count + 1)
        ]
        if not needed:
            assert count == 1 or name in BY_STATEMENT, name
            return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(relation(name))
        columns = sql.SQL(", ").join(map(sql.Identifier, needed))
        return sql.SQL("INSERT INTO {} ({}) VALUES {}").format(relation(name), columns, sql.SQL(", ").join(rows))

    def write_update(self, name: str) -> sql.Composed:
        """A statement that changes every row: a column that is no key gets another value."""
        column, _ = self.find_changeable(name)
        value = self.write_value(name)
        return sql.SQL("UPDATE {} SET {} = {}").format(relation(name), sql.Identifier(column), value)

    def write_value(self, name: str) -> sql.Composed:
        """Another value for that column."""
        column, kind = self.find_changeable(name)
        other = OTHER.get(kind, "'{{7}}'" if kind.endswith("[]") else "'7'")
        return sql.SQL(other).format(sql.Identifier(column))

    def find_changeable(self, name: str) -> tuple[str, str]:
        """A column that is no part of the primary key and is told in entries, and its type."""
        told = self.admin.execute(
            "SELECT encode(tgargs, 'escape') FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'audit_change'",
            [name],
        ).fetchone()
        hidden = ("updated_at", "timestamp", *(told[0].replace("*", "").split("\\000") if told else ()))
        return next(
            (column, kind)
            for column, (kind, _, is_key) in self.tables[name].items()
            if not is_key and column not in hidden
        )

    def count_rows(self, name: str) -> int:
        """Rows of a statement of which there are too many to be told one by one."""
        found = self.admin.execute(
            "SELECT split_part(encode(tgargs, 'escape'), '\\000', 2)::int FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND tgname = 'audit_insert'",
            [name],
        ).fetchone()
        return 2 if found is None else found[0] + 2

    def _fill(self, kind: str, number: int, is_key: bool) -> sql.Composable:
        if is_key and kind not in ("timestamp with time zone", "date"):
            return (
                sql.SQL("gen_random_uuid()") if kind == "uuid" else sql.SQL("{}::{}").format(str(number), sql.SQL(kind))
            )
        return sql.SQL(f"{fill_value(kind)}::{kind}")

    def _list_hindrances(self, name: str) -> Iterator[sql.Composed]:
        constraints = self.admin.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'u')"
            " AND coninhcount = 0",
            [name],
        )
        for (constraint,) in constraints.fetchall():
            yield sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(
                relation(name), sql.Identifier(constraint)
            )
        indexes = self.admin.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND indisunique"
            " AND NOT indisprimary",
            [name],
        )
        for (index,) in indexes.fetchall():
            yield sql.SQL("DROP INDEX {}").format(sql.SQL(index))

    def _read_columns(self, name: str) -> dict[str, tuple[str, bool, bool]]:
        rows = self.admin.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL),"
            " a.attidentity = '' AND (a.attnotnull AND NOT a.atthasdef OR coalesce(a.attnum = ANY (i.indkey), false)"
            " AND NOT a.atthasdef), coalesce(a.attnum = ANY (i.indkey), false)"
            " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
            " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
            [name],
        ).fetchall()
        return {column: (kind, needs, is_key) for column, kind, needs, is_key in rows}


def relation(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


@pytest.fixture(scope="module")
def skeleton(scratch: str) -> Iterator[Skeleton]:
    with psycopg.connect(server.admin_url(scratch), autocommit=True) as admin:
        yield Skeleton(admin, list_triggers(scratch))


def find_wrong(skeleton: Skeleton, names: Iterable[str]) -> dict[str, Any]:
    """By table whose writes by SQL are not told as they should be: what was written, and its entries."""
    admin, wrong = skeleton.admin, {}
    for name in names:
        count = skeleton.count_rows(name)
        with admin.transaction(force_rollback=True):
            admin.execute("SELECT set_config('nfcs.user_id', %s, true)", [str(ACTOR)])
            admin.execute(sql.SQL("DELETE FROM {}").format(relation(name)))
            (last,) = admin.execute("SELECT coalesce(max(id), 0) FROM nfcs_core.golden_dag_audit").fetchone()
            written = []
            for statement in (
                skeleton.write_insert(name, count),
                skeleton.write_update(name),
                sql.SQL("DELETE FROM {}").format(relation(name)),
            ):
                written.append(admin.execute(statement).rowcount)
            entries = admin.execute(
                "SELECT action, actor_id, count(*), count(DISTINCT row_key)"
                " FROM nfcs_core.golden_dag_audit WHERE id > %s AND table_name = %s GROUP BY 1, 2 ORDER BY min(id)",
                [last, name],
            ).fetchall()
        each = 1 if name in BY_STATEMENT else count
        if entries != [(action, ACTOR, each, each) for action in ("create", "update", "delete")] or set(written) != {
            count
        }:
            wrong[name] = (written, entries)
    return wrong


def test_sql_leaves_one_entry_a_row_or_a_statement(skeleton: Skeleton) -> None:
    assert find_wrong(skeleton, skeleton.tables) == {}


@pytest.mark.parametrize(
    ("name", "bug"),
    [
        ("nfcs_core.runs", "ALTER TABLE nfcs_core.runs DISABLE TRIGGER audit_change"),
        (
            "nfcs_core.runs",
            "CREATE TRIGGER twice AFTER UPDATE ON nfcs_core.runs"
            " FOR EACH ROW EXECUTE FUNCTION nfcs_core.audit_change_v2()",
        ),
        ("user_mgmt.users_groups", "ALTER TABLE user_mgmt.users_groups DISABLE TRIGGER audit_change"),
        ("validation.metric_samples", "ALTER TABLE validation.metric_samples DISABLE TRIGGER audit_delete"),
    ],
)
def test_a_planted_bug_is_named(skeleton: Skeleton, name: str, bug: str) -> None:
    with skeleton.admin.transaction(force_rollback=True):
        skeleton.admin.execute(bug)
        assert list(find_wrong(skeleton, [name])) == [name]


def list_models(skeleton: Skeleton) -> dict[str, type[models.Model]]:
    """The models of the audited tables."""
    by_table = {name.partition(".")[2]: name for name in skeleton.tables}
    found = apps.get_models(include_auto_created=True)
    return {by_table[model._meta.db_table]: model for model in found if model._meta.db_table in by_table}


def test_so_does_django(skeleton: Skeleton, scratch: str) -> None:
    wrong = {}
    known = list_models(skeleton)
    assert skeleton.tables.keys() - known.keys() == NO_MODELS
    for name, model in known.items():
        with transaction.atomic(using=scratch), connections[scratch].cursor() as cursor:
            cursor.execute("SELECT set_config('nfcs.user_id', %s, true)", [str(ACTOR)])
            rows = model._base_manager.using(scratch)
            cursor.execute(sql.SQL("DELETE FROM {}").format(relation(name)))
            cursor.execute(skeleton.write_insert(name, 1))
            row = rows.get()
            rows.all()._raw_delete(scratch)
            cursor.execute("SELECT max(id) FROM nfcs_core.golden_dag_audit")
            (last,) = cursor.fetchone()
            column, _ = skeleton.find_changeable(name)
            field = next(field for field in model._meta.concrete_fields if field.column == column)
            for sealed in (field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)):
                setattr(row, sealed.attname, "words")
            copy.copy(row).save(using=scratch, force_insert=True)
            rows.all()._raw_delete(scratch)
            rows.bulk_create([row])
            other = skeleton.write_value(name).as_string(cursor.connection)
            rows.update(**{field.attname: RawSQL(other, [])})  # noqa: S611 - no value of a user's
            rows.all()._raw_delete(scratch)
            cursor.execute(
                "SELECT action, actor_id, row_key FROM nfcs_core.golden_dag_audit WHERE id > %s AND table_name = %s"
                " ORDER BY id",
                [last, name],
            )
            entries = cursor.fetchall()
            transaction.set_rollback(True, using=scratch)
        if [entry[:2] for entry in entries] != [(action, ACTOR) for action in WRITES] or len(
            {entry[2] for entry in entries}
        ) != 1:
            wrong[name] = entries
    assert wrong == {}
