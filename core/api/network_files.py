"""Networks as files over HTTP: what a request to import one holds, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.api.bodies import BodyTooLarge
from core.api.parsers import read_limited
from core.api.serializers import StrictSerializer
from core.graph_formats import MEDIA_TYPES, READERS, WRITERS

DIRECTIONS = {"directed": True, "undirected": False}
FILE_TYPES = ("text/csv", *MEDIA_TYPES.values(), "application/xml", "application/octet-stream")


class FileParser(BaseParser):
    """A body that is a file, whatever is in it; its parameters stand in the query."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The parameters, and the body as `file`.

        Raises:
            UnsupportedMediaType: the media type is none that a graph comes as, or the body is compressed.
            BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
        """
        request = (parser_context or {})["request"]
        if (media_type or "").split(";")[0].strip().lower() not in FILE_TYPES:
            raise UnsupportedMediaType(media_type or "")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType(media_type or "", detail="A compressed body is not taken.")
        return {**request.query_params.dict(), "file": read_limited(stream)}


@extend_schema_field(OpenApiTypes.BINARY)
class BodyField(serializers.Field[bytes, Any, bytes, Any]):
    """A file: uploaded as a part, or the body itself."""

    def to_internal_value(self, data: Any) -> bytes:
        """Its bytes.

        Raises:
            BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
        """
        if isinstance(data, bytes):
            return data
        if not hasattr(data, "chunks"):
            raise serializers.ValidationError("A file is needed.", "invalid")
        if data.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge()
        return bytes(data.read())


class GraphFileSerializer(StrictSerializer):
    """A graph to import; what is empty or absent, the file says."""

    file = BodyField(help_text="The file; the body itself where the request is not multipart.")
    format = serializers.ChoiceField(choices=tuple(READERS), help_text="What the file is.")
    name = serializers.CharField(max_length=200, required=False, help_text="What the network is called.")
    directed = serializers.ChoiceField(
        choices=tuple(DIRECTIONS), required=False, help_text="Whether an edge couples one way only."
    )
    description = serializers.CharField(required=False, help_text="What its vertices and edges are.")
    weight_unit = serializers.CharField(max_length=20, required=False, help_text="Unit of the edge weights, UCUM.")
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=500, required=False, help_text="Where the graph comes from."
    )
    licence = serializers.CharField(max_length=200, required=False, help_text="Terms under which it may be used.")

    def validate_directed(self, value: str) -> bool:
        """Whether it is directed."""
        return DIRECTIONS[value]


PARAMETERS = {
    name: str(field.help_text) for name, field in GraphFileSerializer._declared_fields.items() if name != "file"
}
"""What may stand in the query where the body is the file, and what it means."""


class AnswerIsJSON(DefaultContentNegotiation):
    """The parameter `format` names what the request holds, not what the answer should be."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The renderer that stands first."""
        return renderers[0], renderers[0].media_type


class GraphFormatSerializer(serializers.Serializer[Any]):
    """Which file of a graph."""

    vars()["as"] = serializers.ChoiceField(
        choices=tuple(WRITERS), default="json", help_text="What the graph is written as."
    )


def read_graph_request(request: Request) -> dict[str, Any]:
    """The arguments of the import that a request asks for.

    Raises:
        ValidationError: names every parameter at fault.
    """
    data = request.data
    serializer = GraphFileSerializer(data=data.dict() if hasattr(data, "dict") else data)
    serializer.is_valid(raise_exception=True)
    given = dict(serializer.validated_data)
    return {"body": given.pop("file"), **given}
