"""What the house asks of every source file, model, field and index."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models import Field, Model

from tests.meta.sources import ROOT, list_apps, list_files, list_models

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bNotImplementedError\b|^\s*\.\.\.\s*$", flags=re.MULTILINE)
ABSTRACT = {"constitutional/admin/steps.py": "abstract methods; the metaclass of Django's admin leaves no room for ABC"}
"""By path: why it may raise NotImplementedError."""
LONGEST_FILE = 400
LONG_FILES: dict[str, str] = {"core/audit_verifier.py": "shipped as the one file that verifies an export"}
"""By path: why it is longer."""


def find_unfinished(text: str) -> list[str]:
    return [match[0].strip() for match in UNFINISHED.finditer(text)]


def test_nothing_is_left_to_do() -> None:
    files = [path for path in list_files(".py", ".sql", ".js", ".css", ".html") if path != Path(__file__)]
    found = {str(path.relative_to(ROOT)): find_unfinished(path.read_text()) for path in files}
    left = {path: words for path, words in found.items() if words}
    assert {path: words for path, words in left.items() if path not in ABSTRACT} == {}
    assert {path for path in ABSTRACT if set(left.get(path, [])) != {"NotImplementedError"}} == set(), "stale"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# TODO: later", ["TODO"]),
        ("raise NotImplementedError", ["NotImplementedError"]),
        ("def f() -> None:\n    ...\n", ["..."]),
        ("TODOS = tuple[int, ...]", []),
    ],
)
def test_what_is_left_to_do_is_found(text: str, found: list[str]) -> None:
    assert find_unfinished(text) == found


def test_files_have_one_subject() -> None:
    files = [path for path in list_files(".py") if "migrations" not in path.parts]
    long = {str(path.relative_to(ROOT)) for path in files if path.read_text().count("\n") > LONGEST_FILE}
    assert sorted(long - LONG_FILES.keys()) == []
    assert sorted(LONG_FILES.keys() - long) == [], "stale"


def test_apps_know_only_what_lies_below_them() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert program, "import-linter is not installed"
    done = subprocess.run(
        [program, "--no-cache", "--config", "pyproject.toml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model._meta.label)
def test_every_model_says_what_a_row_is(model: type[Model]) -> None:
    words = inspect.cleandoc(model.__doc__ or "")
    assert words
    assert not words.startswith(f"{model.__name__}("), "Django's own docstring"


def own_fields() -> Iterator[Field]:
    for model in list_models():
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            if not field.auto_created and not field.primary_key:
                yield field


def test_every_field_says_what_it_holds() -> None:
    silent = [str(field) for field in own_fields() if not field.help_text]
    assert silent == []


def find_bare_indexes(source: str) -> list[str]:
    """Indexes in `indexes = [...]` of a class Meta that no comment stands above."""
    lines = source.splitlines()
    bare = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["indexes"]:
            assert isinstance(node.value, ast.List), ast.unparse(node)
            bare += [
                ast.unparse(index) for index in node.value.elts if not lines[index.lineno - 2].strip().startswith("#")
            ]
    return bare


def test_every_index_names_the_query_it_serves() -> None:
    files = {Path(inspect.getfile(model)) for model in list_models()}
    assert {path.name: bare for path in sorted(files) if (bare := find_bare_indexes(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("class Meta:\n    indexes = [\n        # Why.\n        Index(1),\n    ]", 0),
        ("class Meta:\n    indexes = [\n        # Why.\n        Index(1),\n        Index(2),\n    ]", 1),
        ("class Meta:\n    indexes = [Index(1)]", 1),
    ],
)
def test_an_index_without_a_comment_is_found(source: str, count: int) -> None:
    assert len(find_bare_indexes(source)) == count


def test_every_app_says_what_its_domain_is() -> None:
    assert [config.label for config in list_apps() if not inspect.getdoc(config.module)] == []
