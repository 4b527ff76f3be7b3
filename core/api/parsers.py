"""JSON in: UTF-8 only, finite numbers only, no duplicate keys, nothing PostgreSQL could not store."""

from __future__ import annotations

import json
import math
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

MAX_DIGITS = 100
"""Digits of the longest integer read; no column holds as many."""


class BodyTooLarge(APIException):
    """The body is larger than the server takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body is larger than the server takes."


class StrictJSONParser(BaseParser):
    """`application/json` as RFC 8259 has it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: dict[str, Any] | None = None
    ) -> Any:
        """The value in `stream`.

        Raises:
            ParseError: it is not strict JSON; the message says what and where.
            UnsupportedMediaType: the charset is not UTF-8.
            BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
        """
        charset = charset_of(media_type)
        if charset not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "", detail=f"JSON is UTF-8; the charset {charset!r} is not.")
        return parse_json(read_limited(stream))


def charset_of(media_type: str | None) -> str:
    """The charset parameter of a media type, in lower case; utf-8 where there is none."""
    for parameter in (media_type or "").split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return "utf-8"


def read_limited(stream: IO[bytes]) -> bytes:
    """The whole stream.

    Raises:
        BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge()
    return body


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`.

    Raises:
        ParseError: it is not strict JSON.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} is wrong.") from error
    if text.startswith("\ufeff"):
        raise ParseError("The body starts with a byte order mark; JSON has none.")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short,
        )
        _refuse_poison(value)
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ParseError(f"The key {twice[:100]!a} stands twice in one object.")
    return value


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ParseError(f"The number {text[:40]} is too large.")
    return value


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ParseError(f"An integer of {len(text)} digits is too long.")
    return int(text)


def _refuse_poison(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise ParseError("A text holds a NUL character, which PostgreSQL cannot store.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ParseError("A text holds half of a surrogate pair.") from error
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_poison(key)
            _refuse_poison(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_poison(item)
