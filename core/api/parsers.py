"""JSON in: UTF-8 only, finite numbers only, no duplicate keys, nothing PostgreSQL could not store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Any, TypeVar

import msgspec
from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser

from core.api.bodies import BodyTooLarge
from core.exceptions import InvalidInput
from core.strict_json import InvalidJSON, read_json

Typed = TypeVar("Typed")


class StrictJSONParser(BaseParser):
    """`application/json` as RFC 8259 has it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value in `stream`.

        Raises:
            ParseError: it is not strict JSON; the message says what and where.
            ValidationError: a value in it cannot be stored; names its place.
            UnsupportedMediaType: the charset is not UTF-8, or the body is compressed.
            BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
        """
        return parse_json(self.read(stream, media_type, parser_context))

    def read(self, stream: IO[bytes], media_type: str | None, parser_context: Mapping[str, Any] | None) -> bytes:
        """The whole of `stream`, of whose media type the parser can read."""
        request = (parser_context or {}).get("request")
        encoding = request.headers.get("Content-Encoding", "identity") if request else "identity"
        if encoding.lower() != "identity":
            raise UnsupportedMediaType(media_type or "", detail=f"The Content-Encoding {encoding[:40]!a} is not taken.")
        charset = charset_of(media_type)
        if charset not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "", detail=f"JSON is UTF-8; the charset {charset[:40]!a} is not.")
        return read_limited(stream)


class TypedJSONParser(StrictJSONParser):
    """`application/json` for views that decode it into a type of their own, with `read_typed`."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The bytes of the body."""
        return self.read(stream, media_type, parser_context)


def read_typed(body: Any, decoder: msgspec.json.Decoder[Typed]) -> Typed:
    """The value of a body that TypedJSONParser read.

    Raises:
        ParseError: it is not strict JSON.
        InvalidInput: names the field that is not of the type.
    """
    data = body if isinstance(body, bytes) else b""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        named = re.search(r"field `(\w+)`", detail)
        parts = [*re.findall(r"\w+", path), *([named.group(1)] if named else [])]
        raise InvalidInput.of(".".join(parts) or "body", detail) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parse_json(data)  # says where, in the words of all other bodies
        raise ParseError(f"The body is not JSON: {error}") from error


class LeftParser(BaseParser):
    """Leaves the body to the view, which reads it piece by piece."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Nothing: not a byte is read."""
        return {}


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
        raise BodyTooLarge.beyond(limit, "bytes")
    return body


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`.

    Raises:
        ParseError: it is not strict JSON.
        ValidationError: a value in it cannot be stored; names its place.
    """
    try:
        return read_json(body)
    except InvalidJSON as error:
        if error.path:
            raise ValidationError({error.path: [error.detail]}) from error
        raise ParseError(error.detail) from error
