"""Every command, route of the API, model and fixture has a test that mentions it.

What has none stands in an exemption with its reason, and an exemption that is no longer needed fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.meta.routes import list_routes, list_test_files, read_addresses
from tests.meta.sources import ROOT, list_apps, list_models, read_tests

COMMANDS: dict[str, str] = {}
ROUTES: dict[str, str] = {}
MODELS: dict[str, str] = {}
FIXTURES: dict[str, str] = {}
"""By name: why no test mentions it."""


def find_silence(patterns: Mapping[str, str], exempt: Mapping[str, str], text: str) -> list[str]:
    """Names that no test mentions, and exemptions that are stale; a pattern is a regular expression."""
    silent = {name for name, pattern in patterns.items() if not re.search(pattern, text)}
    return [f"{name}: no test mentions it" for name in sorted(silent - exempt.keys())] + [
        f"{name}: its exemption is stale" for name in sorted(exempt.keys() - silent)
    ]


def commands() -> dict[str, str]:
    names = [
        path.stem
        for config in list_apps()
        for path in sorted((Path(config.path) / "management" / "commands").glob("*.py"))
        if path.stem != "__init__"
    ]
    return {name: rf"""["']{name}["']|manage\.py {name}\b""" for name in names}


def models() -> dict[str, str]:
    return {model._meta.label: rf"\b{model.__name__}(Factory)?\b|\b{model._meta.db_table}\b" for model in list_models()}


def fixtures() -> dict[str, str]:
    paths = [path for config in list_apps() for path in sorted((Path(config.path) / "fixtures").glob("*.*"))]
    return {path.stem: rf"""["'/]{path.stem}(\.json)?["']""" for path in paths}


@pytest.mark.parametrize(
    ("patterns", "exempt"),
    [(commands, COMMANDS), (models, MODELS), (fixtures, FIXTURES)],
    ids=["commands", "models", "fixtures"],
)
def test_everything_is_mentioned(patterns: Callable[[], dict[str, str]], exempt: Mapping[str, str]) -> None:
    found = patterns()
    assert found
    assert find_silence(found, exempt, read_tests()) == []


def test_silence_and_stale_exemptions_are_found() -> None:
    patterns = {"spoken": r"\bspoken\b", "silent": r"\bsilent\b", "excused": r"\bexcused\b"}
    exempt = {"excused": "it says nothing", "spoken": "it was silent once", "gone": "it was there once"}
    assert find_silence(patterns, exempt, "a spoken word") == [
        "silent: no test mentions it",
        "gone: its exemption is stale",
        "spoken: its exemption is stale",
    ]


def test_every_route_of_the_api_is_called() -> None:
    files = [read_addresses(path.read_text()) for path in list_test_files(ROOT)]
    silent = {
        path for path, route in list_routes().items() if not any(addresses.mention(*route) for addresses in files)
    }
    assert sorted(silent - ROUTES.keys()) == []
    assert sorted(ROUTES.keys() - silent) == [], "stale"


@pytest.mark.parametrize(
    ("source", "path", "heard"),
    [
        ('get("/api/v1/runs/")', "v1/runs/", True),
        ('get(f"/api/v1/runs/?kind={kind}")', "v1/runs/", True),
        ('get("/api/v1/runs/5/")', "v1/runs/", False),
        ('get(f"/api/v1/runs/{run.pk}/")', "v1/runs/{pk}/", True),
        ('URL = "/api/v1/runs/"\nget(f"{URL}{run.pk}/close/")', "v1/runs/{pk}/close/", True),
        ('URL = "/api/v1/runs/"\nget(URL + str(run.pk) + "/close/")', "v1/runs/{pk}/close/", True),
        ('def act(verb):\n    post(f"/api/v1/runs/5/{verb}/")\nact("close")', "v1/runs/{pk}/close/", True),
        ('def act(verb):\n    post(f"/api/v1/runs/5/{verb}/")\nact("open")', "v1/runs/{pk}/close/", False),
        ('post(reverse("run-close", args=[5]))', "v1/runs/{pk}/close/", True),
        ('post("/api/v1/runs/5/open/")', "v1/runs/{pk}/close/", False),
    ],
)
def test_a_call_is_heard(source: str, path: str, heard: bool) -> None:
    assert read_addresses(source).mention(tuple(path.split("/")), "run-close" if "close" in path else None) is heard
