"""The catalogue of a database as plain data, and the differences between two of them.

A catalogue is a dict of kinds of things (`relations`, `functions`, ...), each a dict by qualified name. A thing has
attributes (strings, numbers, booleans; what is absent is left out) and parts (`columns`, `indexes`, ...), which
are kinds of things again. It depends on the schema alone: not on oids, the order of creation or of columns, the
session's settings or the PostgreSQL version.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections, transaction

from core.db.prepare import SCHEMAS
from core.db.sql import fetch_all

Catalogue = dict[str, Any]

KINDS = ("schemas", "extensions", "types", "functions", "sequences", "relations")
PARTS = ("columns", "constraints", "indexes", "triggers", "policies", "statistics", "rules")
"""Parts of a relation, each read by the query `list_<part>`."""
_NOUNS = {
    "schemas": "schema",
    "extensions": "extension",
    "types": "type",
    "functions": "function",
    "sequences": "sequence",
    "relations": "table",
    "columns": "column",
    "constraints": "constraint",
    "indexes": "index",
    "triggers": "trigger",
    "policies": "policy",
    "statistics": "statistics object",
    "rules": "rule",
    "grants": "grant to",
}
_SESSION = {
    "search_path": "",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "quote_all_identifiers": "off",
}
"""Settings that show in definitions."""
_VARCHAR_LIST = re.compile(r"\(ARRAY\[((?:'(?:[^']|'')*'::character varying(?:, )?)+)\]\)::text\[\]")
_VARCHAR_CAST = re.compile(r"\(('(?:[^']|'')*')::character varying\)::text")
"""A list of texts that a varchar column is compared with, as PostgreSQL reads it first, and from a dump of that."""
_MARKS = re.compile(r"'(?:[^']|'')*'|[()]| AND | OR ")


@dataclass(frozen=True)
class Difference:
    """One thing or attribute that two catalogues do not agree on.

    Attributes:
        place: kinds and names from the outside in, such as `("relations", "nfcs_core.runs", "columns", "name")`; the
            last element names an attribute when `kind` is `changed`.
        kind: `missing` and `unexpected` say what the second catalogue lacks or has too much.
    """

    place: tuple[str, ...]
    kind: Literal["missing", "unexpected", "changed"]
    expected: Any = None
    found: Any = None

    def __str__(self) -> str:
        thing = ", ".join(
            f"{_NOUNS[kind]} {name}" for kind, name in zip(self.place[::2], self.place[1::2], strict=False)
        )
        if self.kind != "changed":
            return f"{thing}: {self.kind}"
        attribute = self.place[-1].replace("_", " ")
        if "\n" in f"{self.expected}{self.found}":
            return f"{thing}: {attribute} differs\n{_show_lines(str(self.expected), str(self.found))}"
        return f"{thing}: {attribute} should be {_show(self.expected)}, is {_show(self.found)}"


def read_catalogue(*, using: str = "default", schemas: tuple[str, ...] = ("public", *SCHEMAS)) -> Catalogue:
    """The catalogue of `schemas` as one snapshot of the database."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        before = _change_settings(cursor, _SESSION)
        try:
            catalogue: Catalogue = {kind: dict(_read(kind, schemas, using)) for kind in KINDS}
            for part in PARTS:
                for name, thing in _read(part, schemas, using):
                    relation = catalogue["relations"].get(thing.pop("relation"))
                    if relation is not None:
                        relation.setdefault(part, {})[name] = thing
        finally:
            _change_settings(cursor, before)
    return catalogue


def diff(expected: Catalogue, found: Catalogue) -> list[Difference]:
    """What differs, in the order of names; nothing inside a thing that one side lacks altogether."""
    return [
        difference
        for kind in KINDS
        for difference in _compare_kind((kind,), expected.get(kind, {}), found.get(kind, {}))
    ]


def diff_things(place: tuple[str, ...], expected: dict[str, Any], found: dict[str, Any]) -> list[Difference]:
    """What differs between two things that stand at `place`."""
    return list(_compare_thing(place, expected, found))


def _compare_kind(place: tuple[str, ...], expected: dict[str, Any], found: dict[str, Any]) -> Iterator[Difference]:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield Difference((*place, name), "missing", expected=expected[name])
        elif name not in expected:
            yield Difference((*place, name), "unexpected", found=found[name])
        else:
            yield from _compare_thing((*place, name), expected[name], found[name])


def _compare_thing(place: tuple[str, ...], expected: Any, found: Any) -> Iterator[Difference]:
    if place[-2] == "grants":
        if expected != found:
            yield Difference((*place, "privileges"), "changed", expected, found)
        return
    for key in sorted(expected.keys() | found.keys()):
        if key in _NOUNS:
            yield from _compare_kind((*place, key), expected.get(key, {}), found.get(key, {}))
        elif expected.get(key) != found.get(key):
            yield Difference((*place, key), "changed", expected.get(key), found.get(key))


def _read(kind: str, schemas: tuple[str, ...], using: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in fetch_all("core", f"list_{kind}", {"schemas": list(schemas)}, using=using, file="catalogue"):
        name = row.pop("name")
        if row.get("grants"):
            row["grants"] = dict(grant.split("=", 1) for grant in row["grants"])
        for key in ("definition", "generated"):
            # The body of a function is the text that was given, which nothing reads again.
            if row.get(key) and kind != "functions":
                row[key] = _settle(row[key])
        yield name, {key: value for key, value in row.items() if value is not None and value is not False}


def _settle(definition: str) -> str:
    """A definition that is the same before and after a dump was restored."""
    listed = _VARCHAR_LIST.sub(lambda match: f"ARRAY[{match[1].replace('::character varying', '::text')}]", definition)
    return _flatten(_VARCHAR_CAST.sub(r"\1::text", listed))


def _flatten(definition: str) -> str:
    """`((a AND b) AND c)` as `(a AND b AND c)`, which is how PostgreSQL reads the former; OR likewise."""
    dropped = set()
    frames: list[tuple[int, set[str]]] = [(0, set())]
    for mark in _MARKS.finditer(definition):
        if mark[0] == "(":
            frames.append((mark.start(), set()))
        elif mark[0] == ")" and len(frames) > 1:
            start, operators = frames.pop()
            is_first = definition[start - 1] == "("
            if is_first and len(operators) == 1 and definition.startswith(operators.pop(), mark.end()):
                dropped |= {start, mark.start()}
        elif mark[0].startswith(" "):
            frames[-1][1].add(mark[0])
    return "".join(character for place, character in enumerate(definition) if place not in dropped)


def _change_settings(cursor: Any, settings: dict[str, str]) -> dict[str, str]:
    """Change settings for the rest of the transaction; returns what they were."""
    before = {}
    for name, value in settings.items():
        cursor.execute("SELECT current_setting(%s), set_config(%s, %s, true)", [name, name, value])
        before[name] = cursor.fetchone()[0]
    return before


def _show(value: Any) -> str:
    return "absent" if value is None else repr(value)


def _show_lines(expected: str, found: str) -> str:
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", n=0, lineterm="")
    return "\n".join(f"    {line}" for line in lines if not line.startswith(("---", "+++", "@@")))
