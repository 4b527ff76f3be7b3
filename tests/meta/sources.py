"""The project's own files, as text, for tests that read them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.apps import AppConfig, apps
from django.db.models import Model

ROOT = Path(__file__).resolve().parents[2]


def list_apps() -> list[AppConfig]:
    """The apps of the project."""
    return [config for config in apps.get_app_configs() if Path(config.path).parent == ROOT]


def list_models() -> list[type[Model]]:
    """The models of the project, without the tables that Django makes for many-to-many fields."""
    return [model for config in list_apps() for model in config.get_models()]


def list_files(*suffixes: str) -> list[Path]:
    """The files of the apps and the tests that end so."""
    folders = [Path(config.path) for config in list_apps()] + [ROOT / "tests"]
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in suffixes]


@cache
def read_tests() -> str:
    """What the tests say; not their helpers, nor these tests about tests."""
    files = sorted(path for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "meta")
    return "\n".join(path.read_text() for path in files)
