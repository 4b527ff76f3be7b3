"""One page of documentation for each table, from the models and the catalogue: what a row means, how it is held."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db.models import Model

from core.constants import PARTITIONED_TABLES
from core.db.catalogue import Catalogue, read_catalogue
from core.db.document_keys import describe_keys
from core.db.prepare import APP_ROLE, SCHEMAS
from core.exceptions import CONSTRAINT_FIELDS

UNIT = re.compile(r"(?:^|, |: )(rad/s|rad\^2/s|rad|ms|s|mm|Hz|1/area|area|UCUM)(?=[,;.]|$)|(?<=; )(area)(?=\.)")
"""A unit in a comment: between commas, or at the end."""
SHARE = re.compile(r"\b0 to 1(?:0)?\b")
"""A number without a unit."""
DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "tables"


def describe_tables(*, using: str = "default") -> dict[str, str]:
    """The pages by file name: one for each table and view of the project's schemas, and `README.md` that lists them."""
    catalogue = read_catalogue(using=using, schemas=SCHEMAS)
    models = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    tables = {name: relation for name, relation in catalogue["relations"].items() if "partition_of" not in relation}
    pages = {
        f"{table}.md": _join(_write_page(name, relation, models.get(table), catalogue))
        for name, relation in tables.items()
        for table in [name.partition(".")[2]]
    }
    named = [models[table] for name in tables for table in [name.partition(".")[2]] if table in models]
    return {"README.md": _join(_write_index(tables, catalogue)), "foreign_keys.md": describe_keys(named), **pages}


def _write_index(tables: Catalogue, catalogue: Catalogue) -> Iterator[str]:
    yield "# Tables"
    yield "Written by `manage.py document_tables`; a test fails when a page is not what models and catalogue say."
    for schema in SCHEMAS:
        inside = {name: table for name, table in tables.items() if name.startswith(f"{schema}.")}
        yield f"## {schema}"
        rows = [
            (f"[{name.partition('.')[2]}]({name.partition('.')[2]}.md)", _kind(table), table.get("comment", ""))
            for name, table in sorted(inside.items())
        ]
        yield _table(("table", "kind", "a row is"), rows) if rows else "No table."
    yield "## Functions"
    yield "Trigger functions stand on the pages of their tables."
    functions = [
        (f"`{name}`", function.get("comment", ""))
        for name, function in sorted(catalogue["functions"].items())
        if "RETURNS trigger" not in function["definition"]
    ]
    yield _table(("function", "answers"), functions)


def _write_page(name: str, relation: Catalogue, model: type[Model] | None, catalogue: Catalogue) -> Iterator[str]:
    yield f"# {name}"
    yield from _read_docstring(model, relation)
    yield "\n".join(f"- {fact}" for fact in _list_facts(name, relation, model))
    yield "## Columns"
    yield _table(
        ("column", "type", "null", "default", "unit", "meaning"),
        ((f"`{column}`", *_describe_column(facts)) for column, facts in relation["columns"].items()),
    )
    if constraints := relation.get("constraints"):
        yield "## Constraints"
        yield _table(
            ("name", "asks for", "definition"),
            (
                (f"`{key}`", _say_constraint(key, facts["definition"]), f"`{facts['definition']}`")
                for key, facts in sorted(constraints.items())
            ),
        )
    if indexes := relation.get("indexes"):
        yield "## Indexes"
        words = _read_index_words(model) if model else {}
        yield _table(
            ("name", "serves", "definition"),
            (
                (f"`{key}`", words.get(key) or _say_index(facts["definition"]), f"`{facts['definition']}`")
                for key, facts in sorted(indexes.items())
            ),
        )
    if triggers := relation.get("triggers"):
        yield "## Triggers"
        yield _table(
            ("name", "fires", "does"),
            ((f"`{key}`", *_say_trigger(facts, catalogue)) for key, facts in sorted(triggers.items())),
        )


def _read_docstring(model: type[Model] | None, relation: Catalogue) -> Iterator[str]:
    """Paragraphs of the model's docstring, each on one line; the table's comment where there is no model."""
    words = inspect.cleandoc(model.__doc__) if model and model.__doc__ and not model._meta.auto_created else ""
    if not words:
        yield relation.get("comment", "")
        return
    yield from (" ".join(paragraph.split()) for paragraph in words.split("\n\n"))


def _list_facts(name: str, relation: Catalogue, model: type[Model] | None) -> Iterator[str]:
    table = name.partition(".")[2]
    yield f"Kind: {_kind(relation)}"
    if key := relation.get("partition_key"):
        width = PARTITIONED_TABLES.get(table, "")
        yield (
            f"Partitions: `{key}` by {width}, UTC; rows of a {width} that has no partition stand in `{table}_default`"
            " until it is made"
        )
    granted = relation.get("grants", {}).get(APP_ROLE, "").split(", ")
    rights = [right.lower() for right in ("SELECT", "INSERT", "UPDATE", "DELETE") if right in granted]
    yield f"The runtime role `{APP_ROLE}` may: {', '.join(rights) or 'nothing'}"
    if model is not None and not model._meta.auto_created:
        yield f"Model: `{model.__module__}.{model.__name__}`"
    if model is not None and getattr(model, "database_key", None) == ():
        yield "Primary key: none"


def _describe_column(facts: Catalogue) -> tuple[str, ...]:
    comment = facts.get("comment", "")
    found = UNIT.search(comment)
    unit = found[1] or found[2] if found else "1" if SHARE.search(comment) else ""
    type_name = facts["type"].replace("timestamp with time zone", "timestamptz").replace("character varying", "varchar")
    return f"`{type_name}`", "" if facts.get("not_null") else "null", _describe_default(facts), unit, comment


def _describe_default(facts: Catalogue) -> str:
    if "identity" in facts:
        return "numbered"
    if "generated" in facts:
        return f"computed: `{facts['generated'].partition(' ')[2]}`"
    return f"`{facts['default']}`" if "default" in facts else ""


def _say_constraint(name: str, definition: str) -> str:
    if name in CONSTRAINT_FIELDS:
        return CONSTRAINT_FIELDS[name][1]
    if definition.startswith("PRIMARY KEY"):
        return "The identity of a row."
    if definition.startswith("UNIQUE"):
        return "No two rows agree in these columns."
    if reference := re.match(r"FOREIGN KEY \((.+?)\) REFERENCES ([\w.]+)\(.+?\)( ON DELETE CASCADE)?", definition):
        end = "; goes with it" if reference[3] else ""
        return f"{reference[1]} names a row of {reference[2]}{end}."
    return ""


def _say_index(definition: str) -> str:
    columns = definition[definition.index("(") + 1 : definition.rindex(")")]
    return f"Finding rows by {columns}."


def _say_trigger(facts: Catalogue, catalogue: Catalogue) -> tuple[str, str]:
    fires, _, call = facts["definition"].partition(" EXECUTE FUNCTION ")
    fires = re.sub(r"^CREATE (?:CONSTRAINT )?TRIGGER \S+ (.+?) ON this table", r"\1", fires)
    function = re.sub(r"\(.*", "()", call)
    known = catalogue["functions"].get(function, {})
    words = known.get("comment", "").partition("rigger: ")[2] or known.get("comment", "")
    refusals = [
        f"`{name}` ({text.rstrip('.')})"
        for name, (_, text) in sorted(CONSTRAINT_FIELDS.items())
        if f"'{name}'" in known.get("definition", "")
    ]
    raises = f" Raises {', '.join(refusals)}." if refusals else ""
    return fires, f"`{function}`: {words}{raises}"


@cache
def _read_index_words(model: type[Model]) -> dict[str, str]:
    """The comment above each named index or constraint in the source of the model, by name."""
    if model._meta.auto_created:
        return {}
    lines = textwrap.dedent(inspect.getsource(model)).split("\n")
    words = {}
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(node, ast.Call):
            continue
        named = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
        if named and isinstance(named[0], ast.Constant):
            words[str(named[0].value)] = _read_comment_above(lines, node.lineno - 1)
    return words


def _read_comment_above(lines: list[str], number: int) -> str:
    comment: list[str] = []
    while number and (line := lines[number - 1].strip()).startswith("#"):
        comment.insert(0, line.lstrip("# "))
        number -= 1
    return " ".join(comment)


def _kind(relation: Catalogue) -> str:
    append_only = "UPDATE" not in relation.get("grants", {}).get(APP_ROLE, "")
    return relation["kind"] + (", append-only" if append_only else "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(_escape(cell) for cell in line)} |" for line in lines)


def _escape(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")


def _join(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"
