"""A database against what the migrations make, as the committed manifest has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.db.catalogue import Catalogue, Difference, diff, diff_things, read_catalogue
from core.db.closing import is_closing_index
from core.db.drift.findings import Finding
from core.db.scratch import migrated_database
from core.exceptions import NotFound

PATH = Path(__file__).resolve().parents[2] / "schema_manifest.json"


def load_manifest(path: Path = PATH) -> Catalogue:
    """The manifest as committed.

    Raises:
        NotFound: there is none.
    """
    if not path.exists():
        raise NotFound(f"There is no {path.name}; write it with: manage.py schema manifest --write")
    manifest: Catalogue = json.loads(path.read_text())
    return manifest


def make_manifest(admin_url: str, *, template: str | None = None) -> Catalogue:
    """What the migrations make of an empty database, on the server of `admin_url`."""
    with migrated_database(admin_url, template=template) as alias:
        return reduce_catalogue(read_catalogue(using=alias))


def write_manifest(manifest: Catalogue, path: Path = PATH) -> None:
    """Write the manifest the one way it is written."""
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def find_manifest_drift(*, using: str = "default", path: Path = PATH) -> list[Finding]:
    """Where the database differs from the manifest.

    Partitions made later are compared with the DEFAULT one of their table. Of `public`, which belongs to Django and to
    other packages, only what is missing is reported; of extensions likewise.
    """
    expected = load_manifest(path)
    found = reduce_catalogue(read_catalogue(using=using))
    findings = [
        Finding("manifest", f"partition {difference}")
        for partition in _take_partitions(found["relations"])
        for difference in _compare_partition(partition, expected)
    ]
    findings += [
        Finding("manifest", str(difference))
        for difference in diff(expected, found)
        if not (difference.kind == "unexpected" and _is_foreign(difference.place))
    ]
    return findings


def reduce_catalogue(catalogue: Catalogue) -> Catalogue:
    """The catalogue with names alone of what lies in `public`."""
    return {
        kind: {name: {} if _is_foreign((kind, name)) else thing for name, thing in things.items()}
        for kind, things in catalogue.items()
    }


def _is_foreign(place: tuple[str, ...]) -> bool:
    kind, name = place[:2]
    return kind == "extensions" or name.startswith("public.")


def _take_partitions(relations: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Remove the partitions that are not DEFAULT, and return them."""
    names = [name for name, relation in relations.items() if relation.get("bound", "DEFAULT") != "DEFAULT"]
    return [(name, relations.pop(name)) for name in sorted(names)]


def _compare_partition(partition: tuple[str, dict[str, Any]], expected: Catalogue) -> list[Any]:
    name, found = partition
    twins = [
        relation
        for relation in expected["relations"].values()
        if relation.get("bound") == "DEFAULT" and relation["partition_of"] == found["partition_of"]
    ]
    if not twins:
        # Its table is unknown as well, and reported.
        return []
    return [
        difference
        for difference in diff_things(("relations", name), twins[0] | {"bound": found["bound"]}, found)
        if not _is_built_at_closing(difference, found["partition_of"])
    ]


def _is_built_at_closing(difference: Difference, partition_of: str) -> bool:
    table = partition_of.split(".")[-1].strip('"')
    return difference.kind == "unexpected" and is_closing_index(table, difference.place[-1])
