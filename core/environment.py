"""Secrets from the environment."""

from __future__ import annotations

import os
from pathlib import Path


def read_secret(variable: str, path: Path | None = None) -> str | None:
    """The content of the file, or of the one that `<variable>_FILE` names, or the value of the variable.

    Raises:
        OSError: the file cannot be read.
    """
    named = os.environ.get(f"{variable}_FILE")
    path = path or (Path(named) if named else None)
    return path.read_text().strip() if path else os.environ.get(variable)
