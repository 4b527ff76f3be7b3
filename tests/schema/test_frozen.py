"""A released SQL file is superseded, never edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.schema import frozen


def test_released_files_are_as_they_were_released() -> None:
    assert frozen.find_changes(json.loads(frozen.PATH.read_text()), frozen.list_sql_files()) == []


def test_every_file_has_its_way_back() -> None:
    files = set(frozen.list_sql_files())
    assert {path for path in files if path.replace(".up.sql", ".down.sql") not in files} == set()
    assert {path for path in files if path.replace(".down.sql", ".up.sql") not in files} == set()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "core" / "sql").mkdir(parents=True)
    (tmp_path / "core" / "sql" / "0001_things.up.sql").write_text("CREATE TABLE things ();\n")
    (tmp_path / "core" / "sql" / "0001_things.down.sql").write_text("DROP TABLE things;\n")
    (tmp_path / "core" / "sql" / "queries.sql").write_text("-- name: list_things\nSELECT\n")
    (tmp_path / "frozen.json").write_text("{}")
    return tmp_path


def freeze(checkout: Path) -> int:
    return frozen.main(["--update"], root=checkout, path=checkout / "frozen.json")


def test_freezing_takes_new_files_and_keeps_old_ones(checkout: Path) -> None:
    assert freeze(checkout) == 0
    (checkout / "core" / "sql" / "0002_more.up.sql").write_text("SELECT;\n")
    assert freeze(checkout) == 0
    assert sorted(json.loads((checkout / "frozen.json").read_text())) == [
        "core/sql/0001_things.down.sql",
        "core/sql/0001_things.up.sql",
        "core/sql/0002_more.up.sql",
    ]


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_a_frozen_file_that_changed_is_named(checkout: Path, change: str, capsys: pytest.CaptureFixture[str]) -> None:
    freeze(checkout)
    path = checkout / "core" / "sql" / "0001_things.up.sql"
    if change == "edited":
        path.write_text("CREATE TABLE things (id integer);\n")
    else:
        path.unlink()
    assert freeze(checkout) == 1
    assert capsys.readouterr().err == (
        f"core/sql/0001_things.up.sql: {change} after its release; write a new file that supersedes it\n"
    )
