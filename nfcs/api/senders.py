"""Addresses to which other people's senders write: InfluxDB's line protocol, OpenTelemetry's metrics over HTTP."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.db.models import F, Q
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request

from core.api.bodies import Body
from core.api.parsers import LeftParser
from core.api.problems import CONTENT_TYPE, problem
from core.api.renderers import AnyAccept
from core.api.views import ActorMixin
from core.exceptions import InvalidInput
from core.models import Run
from nfcs.api.ingest import may_write_run
from nfcs.api.pressure import take_turn
from nfcs.ingest.batches import BatchResult, index_of, ingest_chunks
from nfcs.ingest.bodies import METRICS
from nfcs.ingest.chunks import read_lines
from nfcs.ingest.senders.influx import PRECISIONS, LineReader
from nfcs.ingest.senders.otlp import (
    OtlpError,
    decode_request,
    encode_response,
    encode_status,
    read_points,
    read_run_names,
)
from validation.models import MetricSeries

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
RUN_HEADER = "NFCS-Run"
OBJECT = {"type": "object"}
STATUS = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
_INVALID_ARGUMENT, _UNAVAILABLE, _INTERNAL = 3, 14, 13


class SenderView(ActorMixin):
    """A protocol of somebody else, whose rows are metric samples."""

    streams_body = True
    content_negotiation_class = AnyAccept
    parser_classes = [LeftParser]

    def get_queryset(self) -> Any:
        """Whose permissions count."""
        return MetricSeries.objects.none()

    def store(self, request: Request, chunks: Any) -> BatchResult:
        """Store what can be stored."""
        with take_turn():
            return ingest_chunks(
                chunks, METRICS.kind, may_write=lambda run: may_write_run(request.user, run), is_partial=True
            )


class InfluxWriteView(SenderView):
    """InfluxDB's line protocol, as `/write` of version 1 and `/api/v2/write` of version 2 take it."""

    query_parameters: ClassVar[dict[str | None, Sequence[str]]] = {
        None: ("db", "rp", "bucket", "org", "orgID", "run", "precision", "u", "p", "consistency")
    }

    @extend_schema(
        operation_id="influx_write",
        summary="Store lines of InfluxDB's protocol",
        request={"text/plain": str},
        responses={204: None},
    )
    def post(self, request: Request) -> HttpResponse:
        """Store the lines; what is wrong with a line does not keep the others from being stored."""
        query = request.query_params
        precision = query.get("precision", "ns")
        if precision not in PRECISIONS:
            raise ValidationError({"precision": [f"One of {', '.join(PRECISIONS)} is needed."]})
        run = find_run(request, query.get("bucket") or query.get("db") or query.get("run") or "", "bucket")
        reader = LineReader(run.pk, PRECISIONS[precision], time.time_ns())
        body = Body(request._request, limit=settings.INGEST_MAX_BYTES)
        result = self.store(request, read_lines(body, reader.read))
        if result.rejected:
            return _tell_rejected(result)
        headers = {"NFCS-Skipped-Fields": str(reader.skipped)} if reader.skipped else {}
        return HttpResponse(status=204, headers=headers)


@extend_schema_view(post=extend_schema(operation_id="influx_write_v2"))
class InfluxWriteV2View(InfluxWriteView):
    """The same at the address of version 2."""


class OtlpMetricsView(SenderView):
    """OpenTelemetry's metrics over HTTP, as JSON or protobuf."""

    query_parameters: ClassVar[dict[str | None, Sequence[str]]] = {None: ("run",)}

    @extend_schema(
        operation_id="otlp_metrics",
        summary="Store metrics of OpenTelemetry",
        request={PROTOBUF: bytes, JSON: OBJECT},
        responses={
            (200, JSON): OBJECT,
            (200, PROTOBUF): bytes,
            ("4XX", JSON): STATUS,
            ("4XX", PROTOBUF): bytes,
            ("4XX", CONTENT_TYPE): PROBLEM,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Store the data points; those that cannot be stored are counted in the answer."""
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        if media_type not in (JSON, PROTOBUF):
            raise UnsupportedMediaType(media_type[:100])
        is_json = media_type == JSON
        body = Body(request._request, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE).read_all()
        try:
            message = decode_request(body, is_json=is_json)
            asked = request.query_params.get("run") or request.headers.get(RUN_HEADER, "")
            runs = {name: find_run(request, name or asked, "nfcs.run").pk for name in sorted(read_run_names(message))}
            chunk = read_points(message, runs)
        except OtlpError as error:
            raise InvalidInput(str(error)) from error
        result = self.store(request, [chunk]) if chunk.count else BatchResult()
        rejected = len({index_of(error) for error in result.rejected})
        why = "; ".join(f"{error.field}: {error.detail}" for error in result.rejected[:10])
        return HttpResponse(encode_response(rejected, why, is_json=is_json), content_type=media_type)

    def handle_exception(self, exc: Exception) -> Any:
        """The problem, in the words and the encoding of the protocol."""
        response = super().handle_exception(exc)
        told = getattr(response, "data", None)
        if not isinstance(told, dict):
            return response
        is_json = (self.request.content_type or "").startswith(JSON)
        status = response.status_code
        code = _UNAVAILABLE if status in (429, 503) else _INTERNAL if status >= 500 else _INVALID_ARGUMENT
        details = [f"{error['field']}: {error['detail']}" for error in told.get("errors", [])[:10]]
        text = "; ".join([str(told.get("detail", "")), *details])
        headers = {name: response[name] for name in ("Retry-After", "WWW-Authenticate") if name in response}
        content = encode_status(code, text, is_json=is_json)
        return HttpResponse(content, status=status, content_type=JSON if is_json else PROTOBUF, headers=headers)


def _tell_rejected(result: BatchResult) -> HttpResponse:
    """What a partial write is answered by both versions; what is stored stays stored."""
    first = result.rejected[0]
    dropped = len({index_of(error) for error in result.rejected})
    text = f"partial write: {first.detail} dropped={dropped}"
    body = problem("partial_write", text, result.rejected[:100], status_code=400)
    return HttpResponse(orjson.dumps(body | {"error": text, "message": text}), status=400, content_type=CONTENT_TYPE)


def find_run(request: Request, name: str, field: str) -> Run:
    """The run of that id, UUID or name, to which the caller may write; of several of a name the newest that goes on.

    Raises:
        InvalidInput: there is none.
    """
    wanted = Q(name=name)
    if name.isascii() and name.isdigit() and len(name) <= 18:
        wanted |= Q(pk=int(name))
    with suppress(ValueError):
        wanted |= Q(run_uuid=uuid.UUID(name))
    runs = Run.objects.filter(wanted).order_by(F("ended_at").desc(nulls_first=True), "-started_at")
    for run in runs[:20] if name else []:
        if may_write_run(request.user, run):
            return run
    raise InvalidInput.of(field, f"There is no run {name[:100]!r} that you may write to.", "not_found")
