"""Checksums of released SQL files: `python -m tests.schema.frozen --update` freezes those that are not frozen yet."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATH = Path(__file__).with_name("frozen.json")


def list_sql_files(root: Path = ROOT) -> dict[str, str]:
    """SHA-256, hex, of the SQL files of all migrations, by path within the checkout."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.glob("*/sql/[0-9]*.sql"))
    }


def find_changes(frozen: dict[str, str], files: dict[str, str]) -> list[str]:
    """Frozen files that were edited or removed."""
    return [
        f"{path}: {'edited' if path in files else 'removed'} after its release; write a new file that supersedes it"
        for path, checksum in sorted(frozen.items())
        if files.get(path) != checksum
    ]


def main(arguments: list[str] | None = None, *, root: Path = ROOT, path: Path = PATH) -> int:
    """Freeze what is not frozen yet; refuse when a frozen file has changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", required=True, help="freeze every SQL file there is")
    parser.parse_args(arguments)
    frozen, files = json.loads(path.read_text()), list_sql_files(root)
    changes = find_changes(frozen, files)
    if changes:
        print("\n".join(changes), file=sys.stderr)
        return 1
    path.write_text(json.dumps(files, indent=1) + "\n")
    print(f"{len(files)} files frozen, {len(files) - len(frozen)} of them new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
