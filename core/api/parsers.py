"""JSON in: UTF-8 only, finite numbers only, no duplicate keys, nothing PostgreSQL could not store."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser

MAX_DIGITS = 100
"""Digits of the longest integer read; no column holds as many."""
MAX_DEPTH = 64
"""Nesting of the deepest value read; what is stored is read again by encoders that stop at 254."""


class BodyTooLarge(APIException):
    """The body is larger than the server takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body is larger than the server takes."


class StrictJSONParser(BaseParser):
    """`application/json` as RFC 8259 has it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value in `stream`.

        Raises:
            ParseError: it is not strict JSON; the message says what and where.
            ValidationError: it holds what PostgreSQL could not store; names the place.
            UnsupportedMediaType: the charset is not UTF-8, or the body is compressed.
            BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
        """
        request = (parser_context or {}).get("request")
        encoding = request.headers.get("Content-Encoding", "identity") if request else "identity"
        if encoding.lower() != "identity":
            raise UnsupportedMediaType(media_type or "", detail=f"The Content-Encoding {encoding[:40]!a} is not taken.")
        charset = charset_of(media_type)
        if charset not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "", detail=f"JSON is UTF-8; the charset {charset[:40]!a} is not.")
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
        ValidationError: it holds what PostgreSQL could not store; names the place.
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
            parse_int=_read_integer,
        )
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    refuse_poison(value)
    return value


def refuse_poison(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what JSON can say and a column cannot hold.

    Raises:
        ValidationError: names the place of a NUL character, half a surrogate pair, a number that is not finite, or a
            nesting deeper than 64.
    """
    if isinstance(value, str):
        if problem := _find_poison(value):
            raise ValidationError({path: [problem]})
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationError({path: ["The number is too large."]})
    elif isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise ParseError(f"The JSON is nested more than {MAX_DEPTH} deep.")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and (problem := _find_poison(key)):
                raise ValidationError({path: [f"The key {key[:100]!a}: {problem}"]})
            refuse_poison(item, f"{path}.{key}" if path else str(key), depth + 1)


def _find_poison(text: str) -> str | None:
    if "\x00" in text:
        return "A text holds a NUL character, which PostgreSQL cannot store."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "A text holds half of a surrogate pair."
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValidationError({_printable(twice): ["The key stands twice in one object."]})
    return value


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not a JSON number.")


def _read_integer(text: str) -> int | float:
    # Infinity is refused later, where its place is known.
    return int(text) if len(text) <= MAX_DIGITS else math.inf


def _printable(text: str) -> str:
    return text[:100].encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")
