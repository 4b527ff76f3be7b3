"""`export/`: all rows of a list as a file, however many."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from core.api.renderers import AnyAccept
from core.export.columns import Collection
from core.export.formats import FORMATS
from core.services.exporting import record_export, stream_rows

PARAMETERS_OF_EXPORTS = [
    OpenApiParameter("format", enum=list(FORMATS), default="ndjson", description="What comes; `manifest`: no rows."),
    OpenApiParameter("blobs", bool, description="Whether large columns come along: frames, embeddings."),
]
RESPONSES = {(200, kind.content_type.split(";")[0]): OpenApiTypes.BINARY for kind in FORMATS.values()}


class ExportMixin:
    """A list that can be exported as a whole.

    Attributes:
        collection: what is exported.
    """

    collection: ClassVar[Collection]
    query_parameters: ClassVar[Mapping[str | None, Names[str]]] = {"export": {"blobs"}}

    def get_export_rows(self) -> QuerySet[Any]:
        """All rows that might be exported."""
        return self.collection.model._default_manager.all()

    @extend_schema(parameters=PARAMETERS_OF_EXPORTS, responses=RESPONSES)
    @action(detail=False, content_negotiation_class=AnyAccept, pagination_class=None)
    def export(self, request: Request) -> HttpResponseBase:
        """All rows of the list's filters, oldest first, never truncated, with their count and checksum at the end."""
        view: Any = self
        return answer_export(request, self.collection, view.filter_queryset(self.get_export_rows()))


def answer_export(request: Request, collection: Collection, rows: QuerySet[Any]) -> HttpResponseBase:
    """The rows as a streamed answer."""
    asked = request.query_params
    if cut := sorted({"limit", "cursor"} & asked.keys()):
        raise ValidationError({name: ["An export has no pages: it holds every row."] for name in cut})
    name, blobs = asked.get("format", "ndjson"), asked.get("blobs", "false")
    if name not in FORMATS:
        raise ValidationError({"format": [f"One of {', '.join(FORMATS)} is needed."]})
    if blobs not in ("true", "false"):
        raise ValidationError({"blobs": ["Either true or false is needed."]})
    if collection.needs_window and not {"run", "since"} & asked.keys():
        raise ValidationError({"since": ["An export needs `run` or `since`: it is never cut short by itself."]})
    stream = stream_rows(collection, rows, format_name=name, blobs=blobs == "true")
    kind = FORMATS[name]
    headers = {
        "Content-Disposition": f'attachment; filename="{collection.name}.{kind.suffix}"',
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    if request.method == "HEAD":
        return HttpResponse(content_type=kind.content_type, headers=headers)
    record_export(collection, format_name=name, parameters=asked.dict())
    return StreamingHttpResponse(stream(), content_type=kind.content_type, headers=headers)
