"""The pages of docs/tables say what models and catalogue say."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core.db.document import DOCUMENTS, describe_tables

pytestmark = pytest.mark.django_db


def test_committed_pages_are_up_to_date() -> None:
    committed = {path.name: path.read_text() for path in DOCUMENTS.glob("*.md")}
    assert committed == describe_tables(), "manage.py document_tables"


def test_every_column_has_a_meaning() -> None:
    bare = [
        f"{page}: {line}"
        for page, text in describe_tables().items()
        for line in _section(text, "Columns")
        if line.endswith("|  |")
    ]
    assert not bare


def test_every_check_has_words() -> None:
    bare = [
        f"{page}: {line}"
        for page, text in describe_tables().items()
        for line in _section(text, "Constraints")
        if "|  | `CHECK" in line
    ]
    assert not bare, "give it words with register_constraints"


def test_every_named_index_says_what_it_serves() -> None:
    """A comment above the index in its model; keys and Django's own indexes on foreign keys speak for themselves."""
    bare = [
        f"{page}: {line}"
        for page, text in describe_tables().items()
        for line in _section(text, "Indexes")
        if "| Finding rows by " in line and any(f"{ending}`" in line for ending in ("_idx", "_brin", "_gin", "_hnsw"))
    ]
    assert not bare


def test_command_writes_what_changed_and_removes_what_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    call_command("document_tables", tmp_path)
    capsys.readouterr()
    (tmp_path / "runs.md").write_text("stale")
    (tmp_path / "no_table.md").write_text("of nothing")

    with pytest.raises(CommandError) as refused:
        call_command("document_tables", tmp_path, "--check")
    assert refused.value.returncode == 3
    assert capsys.readouterr().out.splitlines() == ["runs.md is stale", "no_table.md is of no table"]
    assert (tmp_path / "runs.md").read_text() == "stale"

    call_command("document_tables", tmp_path)
    assert capsys.readouterr().out.splitlines() == ["runs.md written", "no_table.md removed"]
    assert (tmp_path / "runs.md").read_text() == describe_tables()["runs.md"]
    assert not (tmp_path / "no_table.md").exists()


def _section(text: str, heading: str) -> list[str]:
    """The rows of the table below a heading."""
    after = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in after.splitlines() if line.startswith("| `")]
