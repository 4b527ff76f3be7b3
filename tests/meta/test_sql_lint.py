"""The .sql files of migrations pass squawk with the rules of `.squawk.toml`, and the rules are not empty."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.sources import ROOT

SQUAWK = Path(sys.executable).with_name("squawk")


def lint(*paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SQUAWK, "--config", ROOT / ".squawk.toml", "--reporter", "gcc", *paths], capture_output=True, text=True
    )


def test_files_that_go_up_pass() -> None:
    done = lint(*sorted(ROOT.glob("*/sql/*.up.sql")))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("SELEC 1;", "syntax-error"),
        ("CREATE TABLE x (at timestamp);", "prefer-timestamp-tz"),
        ("ALTER TABLE x ALTER COLUMN a TYPE text;", "changing-column-type"),
        ("ALTER TABLE x RENAME COLUMN a TO b;", "renaming-column"),
        ("ALTER TABLE x DROP COLUMN a;", "ban-drop-column"),
        ("BEGIN; SELECT 1; COMMIT;", "transaction-nesting"),
    ],
)
def test_what_a_rule_forbids_is_named(text: str, rule: str, tmp_path: Path) -> None:
    file = tmp_path / "0001_x.up.sql"
    file.write_text(text + "\n")
    done = lint(file)
    assert done.returncode == 1
    assert rule in done.stdout
