"""docs/seeds.md has a row for every item of the two seed documents, and what a row says works is there."""

from __future__ import annotations

import json
import re
from argparse import _SubParsersAction
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.urls import Resolver404, resolve

from tests.schema.seed_items import NEURALBLITZ, NFCS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "seeds.md"
RELATIONS = {"table": "rp", "view": "vm", "index": "iI"}


@dataclass(frozen=True)
class Row:
    """One row: the seed's item, the objects that stand for it as (kind, name), the status."""

    seed: str
    item: str
    objects: tuple[tuple[str, str], ...]
    status: str


def read_rows() -> Iterator[Row]:
    """The rows of the tables below the two seeds' headings."""
    seed = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            seed = line.removeprefix("## ")
        if not line.startswith("| ") or line.startswith(("| the seed ", "| --- ")):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == 4, line
        item, here, status, _ = cells
        objects = tuple(re.findall(r"(\w+) `([^`]+)`", here))
        assert objects, f"{item}: nothing is named"
        yield Row(seed, item.replace("`", ""), objects, status)


ROWS = list(read_rows())


@pytest.mark.parametrize(("seed", "items"), [("NFCS", NFCS), ("NeuralBlitz", NEURALBLITZ)])
def test_every_item_has_one_row(seed: str, items: tuple[str, ...]) -> None:
    there = Counter(row.item for row in ROWS if row.seed == seed)
    assert sorted(set(items) - there.keys()) == []
    assert [item for item, count in there.items() if count > 1] == []


def test_nothing_is_left_open() -> None:
    assert [row.item for row in ROWS if row.status != "works"] == []


@pytest.mark.django_db
def test_what_works_is_there() -> None:
    missing = [f"{row.item}: {kind} {name}" for row in ROWS for kind, name in row.objects if not EXISTS[kind](name)]
    assert missing == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("table", "nfcs_core.no_table"),
        ("table", "validation.system_metrics"),
        ("view", "nfcs_core.runs"),
        ("column", "nfcs_core.runs.no_column"),
        ("index", "nfcs_core.no_index"),
        ("constraint", "nfcs_core.runs.no_constraint"),
        ("trigger", "nfcs_core.runs.no_trigger"),
        ("function", "nfcs_core.create_monthly_partition(text)"),
        ("schema", "no_schema"),
        ("extension", "pgvector"),
        ("command", "no_command"),
        ("command", "partitions no_verb"),
        ("file", "docs/no_page.md"),
        ("section", "docs/seeds.md#no-heading"),
        ("route", "/no/route/"),
        ("key", "no.key"),
    ],
)
def test_what_is_not_there_is_missed(kind: str, name: str) -> None:
    assert not EXISTS[kind](name)


def _ask(statement: str, *parameters: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({statement})", parameters)
        return bool(cursor.fetchone()[0])


def _relation_of(kind: str) -> Callable[[str], bool]:
    statement = "SELECT FROM pg_class WHERE oid = to_regclass(%s) AND strpos(%s, relkind::text) > 0"
    return lambda name: _ask(statement, name, RELATIONS[kind])


def _part_of(catalogue: str, table: str, column: str) -> Callable[[str], bool]:
    statement = f"SELECT FROM {catalogue} WHERE {table} = to_regclass(%s) AND {column} = %s"
    return lambda name: _ask(statement, *name.rsplit(".", 1))


def _is_command(name: str) -> bool:
    command, _, verb = name.partition(" ")
    if command not in get_commands():
        return False
    owner = get_commands()[command]
    loaded = load_command_class(owner, command) if isinstance(owner, str) else owner
    parser = loaded.create_parser("manage.py", command)
    verbs = [action.choices for action in parser._actions if isinstance(action, _SubParsersAction)]
    return not verb or any(verb in choices for choices in verbs)


def _is_section(name: str) -> bool:
    path, _, anchor = name.partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_route(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _is_key(name: str) -> bool:
    rows = json.loads((ROOT / "core" / "fixtures" / "seed_config.json").read_text())
    return any(row["fields"]["config_key"] == name for row in rows)


EXISTS: dict[str, Callable[[str], bool]] = {
    **{kind: _relation_of(kind) for kind in RELATIONS},
    "column": _part_of("pg_attribute", "attrelid", "attname"),
    "constraint": _part_of("pg_constraint", "conrelid", "conname"),
    "trigger": _part_of("pg_trigger", "tgrelid", "tgname"),
    "function": lambda name: _ask("SELECT to_regprocedure(%s) WHERE to_regprocedure(%s) IS NOT NULL", name, name),
    "schema": lambda name: _ask("SELECT FROM pg_namespace WHERE nspname = %s", name),
    "extension": lambda name: _ask("SELECT FROM pg_extension WHERE extname = %s", name),
    "command": _is_command,
    "file": lambda name: (ROOT / name).exists(),
    "section": _is_section,
    "route": _is_route,
    "key": _is_key,
}
"""By kind, whether an object of that name exists."""
