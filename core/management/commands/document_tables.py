"""`manage.py document_tables`: the pages of docs/tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from core.db.document import DOCUMENTS, describe_tables
from core.management.base import FindingsError, NfcsCommand


class Command(NfcsCommand):
    """Write a page a table, or see whether the pages are up to date."""

    help = "Write one page of documentation a table, from models and catalogue."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, and whether to write."""
        super().add_arguments(parser)
        parser.add_argument("directory", nargs="?", type=Path, default=DOCUMENTS, help="where (default: docs/tables)")
        parser.add_argument("--check", action="store_true", help="write nothing; exit code 3 where a page is stale")

    def run(self, **options: Any) -> None:
        """Write the pages that changed and remove those of tables that are gone."""
        directory, check = options["directory"], options["check"]
        pages = describe_tables()
        there = {path.name: path.read_text() for path in directory.glob("*.md")}
        changed = sorted(name for name, text in pages.items() if there.get(name) != text)
        gone = sorted(there.keys() - pages.keys())
        if not check:
            directory.mkdir(parents=True, exist_ok=True)
            for name in changed:
                (directory / name).write_text(pages[name])
            for name in gone:
                (directory / name).unlink()
        lines = [f"{name} {'is stale' if check else 'written'}" for name in changed]
        lines += [f"{name} {'is of no table' if check else 'removed'}" for name in gone]
        self.answer({"changed": changed, "gone": gone}, lines or ["every page is up to date"])
        if check and lines:
            raise FindingsError("the pages are out of date: manage.py document_tables")
