"""Tables against their models.

The reference is PostgreSQL itself: Django's schema editor makes every model as a temporary table in a transaction that
is rolled back, and the catalogue entries of the two are compared. Only what a model says is compared; what the `.sql`
files add is the manifest's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import ProgrammingError, connections, transaction
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Model

from core.db.backend.schema import schema_of
from core.db.catalogue import read_catalogue
from core.db.drift.findings import Finding

COLUMN_ATTRIBUTES = ("type", "not_null", "default", "generated", "identity", "collation")


def find_table_drift(*, using: str = "default", expected: dict[str, Any] | None = None) -> list[Finding]:
    """Where a table has another column, type, default, comment, index or constraint than its model says.

    Args:
        expected: what `read_model_relations` answered, where it is at hand.
    """
    tables = {model._meta.db_table: model for model in _list_models() if schema_of(model._meta.app_label) != "public"}
    expected = expected or read_model_relations(using=using)
    live = read_catalogue(using=using)["relations"]
    findings = []
    for name, model in sorted(tables.items()):
        place = f"{schema_of(model._meta.app_label)}.{name}"
        if place not in live:
            findings.append(Finding("tables", f"table {place}: missing"))
            continue
        findings += [Finding("tables", f"{place}, {text}") for text in _compare(model, expected[name], live[place])]
    return findings


def _list_models() -> list[type[Model]]:
    """Every model that Django would make a table for, and ours that read a view."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy and (model._meta.managed or schema_of(model._meta.app_label) != "public")
    ]


def read_model_relations(*, using: str = "default") -> dict[str, Any]:
    """The relations that the models describe, by table name; read as the owner where the role may not make tables."""
    try:
        with transaction.atomic(using=using):
            relations = _make_temporary_tables(using)
            transaction.set_rollback(True, using=using)
    except ProgrammingError:
        if using == "owner":
            raise
        return read_model_relations(using="owner")
    return relations


def _make_temporary_tables(using: str) -> dict[str, Any]:
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_temp, public")
        editor = DatabaseSchemaEditor(connection, atomic=False)
        editor.deferred_sql = []
        for model in _list_models():
            if not model._meta.auto_created:
                editor.create_model(model)
        for statement in editor.deferred_sql:
            editor.execute(statement, None)
        cursor.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
        schema = cursor.fetchone()[0]
    relations = read_catalogue(using=using, schemas=(schema,))["relations"]
    return {name.removeprefix(f"{schema}."): relation for name, relation in relations.items()}


def _compare(model: type[Model], expected: dict[str, Any], live: dict[str, Any]) -> Iterator[str]:
    if live["kind"] in {"view", "materialized view"}:
        yield from _compare_columns(expected["columns"], live["columns"], ("type",))
        return
    if expected.get("comment") and expected["comment"] != live.get("comment"):
        yield f"comment should be {expected['comment']!r}, is {live.get('comment')!r}"
    yield from _compare_columns(expected["columns"], live["columns"], COLUMN_ATTRIBUTES)
    yield from _compare_constraints(_name_key(model, expected.get("constraints", {})), live.get("constraints", {}))
    indexes = {
        name: index for name, index in expected.get("indexes", {}).items() if name not in expected["constraints"]
    }
    yield from _compare_indexes(indexes, live.get("indexes", {}))


def _compare_columns(expected: dict[str, Any], live: dict[str, Any], attributes: tuple[str, ...]) -> Iterator[str]:
    for name in sorted(expected.keys() | live.keys()):
        if name not in live:
            yield f"column {name}: missing"
        elif name not in expected:
            yield f"column {name}: unknown to the model"
        else:
            wanted, found = expected[name], live[name]
            for attribute in (*attributes, *(["comment"] if "comment" in wanted else [])):
                if wanted.get(attribute) != found.get(attribute):
                    words = attribute.replace("_", " ")
                    yield f"column {name}: {words} should be {wanted.get(attribute)!r}, is {found.get(attribute)!r}"


def _compare_constraints(expected: dict[str, Any], live: dict[str, Any]) -> Iterator[str]:
    found = {name: _simplify(constraint["definition"]) for name, constraint in live.items()}
    for name, constraint in sorted(expected.items()):
        definition = _simplify(constraint["definition"])
        if definition in found.values():
            continue
        if name in found:
            yield f"constraint {name}: definition should be {definition!r}, is {found[name]!r}"
        else:
            yield f"constraint {name}: missing ({definition})"


def _compare_indexes(expected: dict[str, Any], live: dict[str, Any]) -> Iterator[str]:
    found = {name: _sort_options(index["definition"]) for name, index in live.items()}
    for name, index in sorted(expected.items()):
        definition = _sort_options(index["definition"])
        if definition in found.values() or any(_serves(other, definition) for other in found.values()):
            continue
        if name in found:
            yield f"index {name}: definition should be {definition!r}, is {found[name]!r}"
        else:
            yield f"index {name}: missing ({definition})"


def _name_key(model: type[Model], constraints: dict[str, Any]) -> dict[str, Any]:
    """The constraints with the primary key that the model says the database has."""
    columns: tuple[str, ...] | None = getattr(model, "database_key", None)
    if columns is None:
        return constraints
    others = {
        name: constraint
        for name, constraint in constraints.items()
        if not constraint["definition"].startswith("PRIMARY KEY")
    }
    key = {"primary key": {"definition": f"PRIMARY KEY ({', '.join(columns)})"}} if columns else {}
    return others | key


def _serves(index: str, single: str) -> bool:
    """Whether the first column of a plain B-tree is the only one of another, such as Django makes for foreign keys."""
    column = re.fullmatch(r"USING btree \((\w+)\)", single)
    return bool(column and re.match(rf"(UNIQUE )?USING btree \({column[1]}\b[^)]*\)$", index))


def _sort_options(definition: str) -> str:
    """An index with its storage parameters in the order of their names."""
    return re.sub(
        r"WITH \((.*?)\)", lambda match: f"WITH ({', '.join(sorted(match[1].split(', ')))})", definition, count=1
    )


def _simplify(definition: str) -> str:
    """A constraint without what models do not say: the schema of the other table, deferral, action on delete."""
    if definition.startswith("PRIMARY KEY"):
        return definition.replace('"', "")
    definition = re.sub(r"(REFERENCES )(?:\w+\.)?", r"\1", definition)
    return re.sub(r" (ON DELETE (CASCADE|RESTRICT|SET NULL|SET DEFAULT)|DEFERRABLE INITIALLY DEFERRED)", "", definition)
