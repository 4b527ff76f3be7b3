"""docs/operations.md knows every variable of the environment, docs/api.md every collection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("nfcs", "core", "accounts", "kuramoto", "constitutional", "cognitive", "validation")
VARIABLE = re.compile(r"\bNFCS_[A-Z_]+[A-Z]\b")


def test_every_variable_is_documented() -> None:
    code = "\n".join(path.read_text() for app in APPS for path in (ROOT / app).rglob("*.py"))
    page = (ROOT / "docs" / "operations.md").read_text()
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))

    used = {name.removesuffix("_FILE") for name in VARIABLE.findall(code)}
    assert used == set(VARIABLE.findall(table))


@pytest.mark.django_db
def test_every_collection_is_documented(admin_api) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    collections = admin_api.get("/api/v1/").json()

    assert {name for name in collections if f"`{name}/`" not in page} == set()
