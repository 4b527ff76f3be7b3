"""JSON out, and views whose address says what comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

# Times of numpy have no zone: they are UTC.
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


class JSONRenderer(BaseRenderer):
    """JSON by orjson: numpy arrays and timestamps included, NaN as null."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body; empty for no data."""
        return b"" if data is None else dump_json(data)


class AnyAccept(BaseContentNegotiation):
    """Whatever the client accepts: the address says what comes."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser:
        """The first parser."""
        parser: BaseParser = parsers[0]
        return parser

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The first renderer, for errors."""
        renderer: BaseRenderer = renderers[0]
        return renderer, renderer.media_type


def dump_json(data: Any) -> bytes:
    """`data` as JSON; integers beyond 64 bits, which jsonb holds and orjson refuses, included."""
    try:
        return orjson.dumps(data, default=_plain, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return json.dumps(data, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, memoryview | bytes):
        return bytes(value).hex()
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)
