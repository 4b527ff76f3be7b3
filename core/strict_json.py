"""JSON as RFC 8259 has it, and nothing in it that PostgreSQL could not store or a later reader could not read."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DIGITS = 100
"""Digits of the longest integer read; no column holds as many."""
MAX_DEPTH = 64
"""Nesting of the deepest value read; what is stored is read again by encoders that stop at 254."""


class InvalidJSON(ValueError):
    """The text is not strict JSON.

    Attributes:
        path: dotted path of the value at fault; '' for the document.
        detail: what is wrong.
    """

    def __init__(self, detail: str, path: str = "") -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"{path}: {detail}" if path else detail)


def read_json(body: bytes) -> Any:
    """The JSON value in `body`.

    Raises:
        InvalidJSON: it is not UTF-8, is not JSON, repeats a key, or holds what `refuse_poison` refuses.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJSON(f"The text is not UTF-8: byte {error.start} is wrong.") from error
    if text.startswith("\ufeff"):
        raise InvalidJSON("The text starts with a byte order mark; JSON has none.")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_read_integer)
    except RecursionError as error:
        raise InvalidJSON("The JSON is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise InvalidJSON(f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    refuse_poison(value)
    return value


def refuse_poison(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what JSON can say and a column cannot hold.

    Raises:
        InvalidJSON: names the place of a NUL character, half a surrogate pair, a number that is not finite, or a
            nesting deeper than 64.
    """
    if isinstance(value, str):
        _refuse_text(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidJSON("The number is too large.", path)
    elif isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise InvalidJSON(f"The JSON is nested more than {MAX_DEPTH} deep.")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str):
                _refuse_text(key, f"{path}.{_printable(key)}".lstrip("."))
            refuse_poison(item, f"{path}.{key}" if path else str(key), depth + 1)


def _refuse_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise InvalidJSON("A text holds a NUL character, which PostgreSQL cannot store.", path)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidJSON("A text holds half of a surrogate pair.", path) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidJSON("The key stands twice in one object.", _printable(twice))
    return value


def _refuse_constant(name: str) -> Any:
    raise InvalidJSON(f"{name} is not a JSON number.")


def _read_integer(text: str) -> int | float:
    # Infinity is refused later, where its place is known.
    return int(text) if len(text) <= MAX_DIGITS else math.inf


def _printable(key: str) -> str:
    """A key for an error message, whatever it holds."""
    return key[:100].encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")
