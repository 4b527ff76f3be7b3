"""The routes of the API, and the addresses that tests call, read from their source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver

MOST = 64
HOLE = "{}"
"""Stands for what is known only when the test runs."""


@dataclass
class Addresses:
    """What one test file calls: addresses as segments below /api/, and every word it quotes."""

    paths: set[tuple[str, ...]] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def mention(self, route: tuple[str, ...], name: str | None) -> bool:
        """Whether the file calls a route, by its path or by its name."""
        return name in self.words or any(self._match(path, route) for path in self.paths)

    def _match(self, path: tuple[str, ...], route: tuple[str, ...]) -> bool:
        return len(path) == len(route) and all(
            asked.startswith("{") or said == asked or (HOLE in said and asked in self.words)
            for said, asked in zip(path, route, strict=True)
        )


def read_addresses(source: str) -> Addresses:
    """The addresses in a test's source; names that stand for strings are followed."""
    tree = ast.parse(source)
    constants = _read_assignments(tree)
    found = Addresses()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.words.add(node.value)
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Name):
            texts = _render(node, constants, depth=3)
            found.paths |= {_split(text.split("/api/", 1)[1]) for text in texts if "/api/" in text}
    return found


def _read_assignments(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """By name: everything that is assigned to it, wherever in the file."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else []:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                if isinstance(name, ast.Name):
                    assigned.setdefault(name.id, []).append(value)
    return assigned


def list_routes() -> dict[str, tuple[tuple[str, ...], str | None]]:
    """By path below /api/: its segments, with parameters in braces, and its name."""
    paths = dict(_walk(get_resolver().url_patterns, ""))
    return {path: (_split(path.removeprefix("api/")), name) for path, name in paths.items() if path.startswith("api/")}


def list_test_files(root: Path) -> list[Path]:
    """The files with tests, without those about tests."""
    return [path for path in sorted((root / "tests").rglob("*.py")) if path.parent.name != "meta"]


def _split(path: str) -> tuple[str, ...]:
    return tuple(re.split(r"[?#\s]", path, maxsplit=1)[0].split("/"))


def _render(node: ast.AST, constants: dict[str, list[ast.expr]], depth: int) -> set[str]:
    """What an expression may be, as far as the source tells."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr(values=values):
            parts = [_render(value, constants, depth) for value in values]
            return {"".join(chosen) for chosen in islice(product(*parts), MOST)}
        case ast.FormattedValue(value=value):
            return _render(value, constants, depth) or {HOLE}
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            rights = _render(right, constants, depth) or {HOLE}
            return {one + other for one in _render(left, constants, depth) for other in rights}
        case ast.Name(id=name) if depth:
            return {text for value in constants.get(name, []) for text in _render(value, constants, depth - 1)}
    return set()


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, str | None]]:
    for pattern in patterns:
        route = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<(?:\w+:)?(\w+)>", r"{\1\2}", str(pattern.pattern))
        path = prefix + route.removeprefix("^").replace(r"\Z", "").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield path, pattern.name
