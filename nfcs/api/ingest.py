"""Batches of telemetry: `POST /api/v1/{oscillators,fields,metrics}/batch/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.bodies import Body
from core.api.idempotency import digest_prefix
from core.api.parsers import LeftParser, charset_of
from core.api.views import ActorMixin
from core.models import FieldState, Run
from kuramoto.models import OscillatorState
from nfcs.api.pressure import take_turn
from nfcs.ingest.batches import BatchResult, ingest_chunks
from nfcs.ingest.bodies import FIELDS, METRICS, OSCILLATORS, BodyKind, limit_bytes, read_chunks
from nfcs.ingest.chunks import ARROW, JSON, NDJSON
from nfcs.ingest.metric_rows import GroupedBody
from nfcs.ingest.rows import FieldRow, MetricRow, OscillatorRow
from validation.models import MetricSeries


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


class RejectedSerializer(serializers.Serializer[Any]):
    """What is wrong with a row that was not stored."""

    index = serializers.IntegerField(help_text="Position of the row in the body, from 0.")
    field = serializers.CharField(help_text="The field of the row; empty for the row itself.")
    code = serializers.CharField(help_text="What is wrong, for programs.")
    detail = serializers.CharField(help_text="What is wrong, for people.")


class BatchOutcomeSerializer(serializers.Serializer[Any]):
    """What a batch brought."""

    inserted = serializers.IntegerField()
    runs = RunOutcomeSerializer(many=True)
    rejected = RejectedSerializer(many=True, required=False, help_text="With partial=true: every row not stored.")


class BatchView(ActorMixin):
    """A batch of rows of one kind.

    Attributes:
        body_kind: how its bodies are read and stored.
        model: whose `add` permission is needed.
    """

    takes_keys = True
    streams_body = True
    parser_classes = [LeftParser]
    query_parameters: ClassVar[dict[str | None, Sequence[str]]] = {None: ("partial",)}
    body_kind: BodyKind
    model: type[Any]

    def get_queryset(self) -> Any:
        """Whose permissions count."""
        return self.model._default_manager.none()

    def post(self, request: Request) -> Response:
        """Store the batch, all rows or none."""
        is_partial = read_flag(request, "partial")
        media_type = read_media_type(request)
        body = self.open_body(request, limit_bytes(media_type))
        chunks = read_chunks(body, media_type, self.body_kind)
        with take_turn():
            result = ingest_chunks(
                chunks,
                self.body_kind.kind,
                may_write=lambda run: may_write_run(request.user, run),
                is_partial=is_partial,
            )
        return Response(describe_result(result, is_partial=is_partial), status=status.HTTP_201_CREATED)

    def open_body(self, request: Request, limit: int) -> Body:
        """The body, which nothing has read yet.

        Raises:
            Replay: the request was carried out before.
        """
        body = Body(request._request, limit=limit, prefix=digest_prefix(request) if self.is_claimed else None)
        self.settle_body(body)
        return body


def may_write_run(user: Any, run: Run) -> bool:
    """Whether a user may add telemetry to a run: its owner, or who may change any run."""
    return run.owner_id == user.pk or bool(user.has_perm("core.change_run"))


def read_media_type(request: Request) -> str:
    """The media type of the body, in lower case, without parameters.

    Raises:
        UnsupportedMediaType: its charset is not UTF-8.
    """
    content_type = request.content_type or ""
    if charset_of(content_type) not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(content_type, detail="JSON is UTF-8.")
    return content_type.partition(";")[0].strip().lower()


def read_flag(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; false where it is absent.

    Raises:
        ValidationError: it is neither.
    """
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise ValidationError({name: ["Either true or false is needed."]})
    return text == "true"


def describe_result(result: BatchResult, *, is_partial: bool) -> dict[str, Any]:
    """The answer to a batch."""
    answer: dict[str, Any] = {"inserted": result.inserted, "runs": [asdict(outcome) for outcome in result.outcomes]}
    for run in answer["runs"]:
        for summary in run["derived"].values():
            del summary["count"]
    if is_partial:
        answer["rejected"] = [
            {
                "index": int(error.field.partition(".")[0]),
                "field": error.field.partition(".")[2],
                "code": error.code,
                "detail": error.detail,
            }
            for error in result.rejected
        ]
    return answer


def _document(row_type: type[Any], what: str, *others: type[Any]) -> Callable[[type[Any]], type[Any]]:
    """Describe a batch endpoint from the type of its rows, and of other documents that it takes."""
    (row, *documents), components = msgspec.json.schema_components([row_type, *others], ref_template="#/$defs/{name}")
    row = _inline(row, components)
    array = {"type": "array", "items": row}
    operation = extend_schema(
        operation_id=f"{what.replace(' ', '_')}_batch",
        summary=f"Store {what}, all or none",
        parameters=[
            OpenApiParameter("partial", OpenApiTypes.BOOL, description="Store the good rows and name the others."),
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="A retry under the same key is answered as the first request was.",
            ),
        ],
        request={
            JSON: {"oneOf": [array, *(_inline(one, components) for one in documents)]} if documents else array,
            NDJSON: row,
            ARROW: OpenApiTypes.BINARY,
        },
        responses={
            201: BatchOutcomeSerializer,
            400: OpenApiResponse(description="A problem that names the index and field of every bad row."),
            413: OpenApiResponse(description="The body is too large; the problem names the limit."),
            429: OpenApiResponse(description="The database falls behind; `Retry-After` says when to send again."),
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

    body_kind = OSCILLATORS
    model = OscillatorState


@_document(FieldRow, "fields")
class FieldBatchView(BatchView):
    """Complex fields."""

    body_kind = FIELDS
    model = FieldState


@_document(MetricRow, "metrics", GroupedBody)
class MetricBatchView(BatchView):
    """Metric samples."""

    body_kind = METRICS
    model = MetricSeries


VIEWS: Sequence[tuple[str, type[BatchView]]] = (
    ("oscillators", OscillatorBatchView),
    ("fields", FieldBatchView),
    ("metrics", MetricBatchView),
)
