"""Batches of telemetry: `POST /api/v1/{oscillators,fields,metrics}/batch/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import IO, Any

import msgspec
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import refuse_unknown_parameters
from core.api.parsers import charset_of, read_limited
from core.api.permissions import may_change
from core.api.views import ActorMixin
from core.models import FieldState, Run
from kuramoto.models import OscillatorState
from nfcs.ingest.pipeline import Outcome, ingest_fields, ingest_metrics, ingest_oscillators
from nfcs.ingest.rows import NDJSON, FieldRow, MetricRow, OscillatorRow, decode_rows
from validation.models import MetricSeries


class BatchParser(BaseParser):
    """The bytes of a batch, left as they are: rows are decoded by their type."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """The body.

        Raises:
            UnsupportedMediaType: it is not UTF-8 or is compressed.
            BodyTooLarge: it is longer than DATA_UPLOAD_MAX_MEMORY_SIZE.
        """
        request = (parser_context or {}).get("request")
        encoding = request.headers.get("Content-Encoding", "identity") if request else "identity"
        if encoding.lower() != "identity":
            raise UnsupportedMediaType(media_type or "", detail=f"Content-Encoding {encoding[:40]!r} is not taken.")
        if charset_of(media_type) not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "", detail="JSON is UTF-8.")
        return read_limited(stream)


class LinesParser(BatchParser):
    """The bytes of NDJSON."""

    media_type = NDJSON


class SummarySerializer(serializers.Serializer[Any]):
    """Smallest, mean, largest and last value of what was computed."""

    min = serializers.FloatField()
    mean = serializers.FloatField()
    max = serializers.FloatField()
    last = serializers.FloatField()


class RunOutcomeSerializer(serializers.Serializer[Any]):
    """What the batch brought to one run."""

    run = serializers.IntegerField()
    rows = serializers.IntegerField()
    derived = serializers.DictField(child=SummarySerializer())
    events = serializers.ListField(child=serializers.CharField())
    late = serializers.IntegerField(help_text="Rows older than the run's newest: stored, not fed to event detection.")
    opened = serializers.IntegerField(help_text="Violations that began.")
    cleared = serializers.IntegerField(help_text="Violations whose episode ended.")


class BatchOutcomeSerializer(serializers.Serializer[Any]):
    """What a batch brought."""

    inserted = serializers.IntegerField()
    runs = RunOutcomeSerializer(many=True)


class BatchView(ActorMixin):
    """A batch of rows of one kind.

    Attributes:
        row_type: the rows.
        ingest: the service that stores them.
        model: whose `add` permission is needed.
    """

    parser_classes = [BatchParser, LinesParser]
    row_type: type[Any]
    ingest: Callable[..., list[Outcome]]
    model: type[Any]

    def get_queryset(self) -> Any:
        """Whose permissions count."""
        return self.model._default_manager.none()

    def may_write(self, run: Run) -> bool:
        """Whether the caller may add telemetry to a run: its owner, or who may change any run."""
        own = f"{self.model._meta.app_label}.add_{self.model._meta.model_name}"
        return may_change(self.request.user, owner_id=run.owner_id, anybodys="core.change_run", own=own)

    def post(self, request: Request) -> Response:
        """Store the batch, all rows or none."""
        refuse_unknown_parameters(request, set())
        body = request.data
        rows = decode_rows(body if isinstance(body, bytes) else b"", request.content_type or "", self.row_type)
        outcomes = type(self).ingest(rows, may_write=self.may_write)
        return Response(
            {"inserted": len(rows), "runs": [asdict(outcome) for outcome in outcomes]}, status=status.HTTP_201_CREATED
        )


def _document(row_type: type[Any], what: str) -> Callable[[type[Any]], type[Any]]:
    """Describe a batch endpoint from the type of its rows."""
    schemas, components = msgspec.json.schema_components([row_type], ref_template="#/$defs/{name}")
    row = _inline(schemas[0], components)
    operation = extend_schema(
        operation_id=f"{what.replace(' ', '_')}_batch",
        summary=f"Store {what}, all or none",
        request={"application/json": {"type": "array", "items": row}, NDJSON: row},
        responses={
            201: BatchOutcomeSerializer,
            400: OpenApiResponse(description="A problem that names the index and field of every bad row."),
            413: OpenApiResponse(description="The body is too large."),
        },
    )

    return extend_schema_view(post=operation)


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    """A JSON schema with its references replaced by what they point to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inline(components[schema["$ref"].rsplit("/", 1)[1]], components)
        return {key: _inline(value, components) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inline(item, components) for item in schema]
    return schema


@_document(OscillatorRow, "oscillators")
class OscillatorBatchView(BatchView):
    """Oscillator states."""

    row_type = OscillatorRow
    ingest = staticmethod(ingest_oscillators)
    model = OscillatorState


@_document(FieldRow, "fields")
class FieldBatchView(BatchView):
    """Complex fields."""

    row_type = FieldRow
    ingest = staticmethod(ingest_fields)
    model = FieldState


@_document(MetricRow, "metrics")
class MetricBatchView(BatchView):
    """Metric samples."""

    row_type = MetricRow
    ingest = staticmethod(ingest_metrics)
    model = MetricSeries


VIEWS: Sequence[tuple[str, type[BatchView]]] = (
    ("oscillators", OscillatorBatchView),
    ("fields", FieldBatchView),
    ("metrics", MetricBatchView),
)
