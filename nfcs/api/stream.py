"""`stream/`: runs, violations and alerts as they change, as server-sent events (WHATWG HTML, "Server-sent events")."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from accounts.api.current_user import find_current_user
from constitutional.api.serializers import ViolationSerializer
from constitutional.models import Violation
from core.api.filters import refuse_unknown_parameters
from core.api.renderers import AnyAccept, dump_json
from core.api.runs import RunSerializer
from core.api.views import ActorMixin
from core.change_feed import Position, find_head, format_position, parse_position, read_changes
from core.db.backend.schema import schema_of
from core.models import Run
from validation.api.alert_serializers import AlertSerializer
from validation.models import MonitoringAlert

LOOK_EVERY_S = 0.5
BEAT_EVERY_S = 10.0
"""How long a stream is silent at most, so that either side finds out when the other is gone."""
RETRY_MS = 2000

logger = logging.getLogger(__name__)
_places = threading.BoundedSemaphore(settings.STREAMS)


@dataclass(frozen=True)
class Topic:
    """What can be followed: the rows of a model.

    Attributes:
        event: the name of its events.
        rows: the rows that are told of.
        serializer: how they are told, as in their lists.
    """

    event: str
    rows: QuerySet[Any]
    serializer: type[BaseSerializer[Any]]

    @property
    def table(self) -> str:
        """The table in the catalogue, as the audit names it."""
        options = self.rows.model._meta
        return f"{schema_of(options.app_label)}.{options.db_table}"

    @property
    def permission(self) -> str:
        """Who may follow it: who may see it."""
        options = self.rows.model._meta
        return f"{options.app_label}.view_{options.model_name}"


TOPICS = {
    "runs": Topic("run", Run.objects.all(), RunSerializer),
    "violations": Topic("violation", Violation.objects.with_names(), ViolationSerializer),
    "alerts": Topic("alert", MonitoringAlert.objects.shown().with_names(), AlertSerializer),
}


class TooManyStreams(APIException):
    """No stream can be added to this process now."""

    status_code = 503
    default_detail = "As many streams as this server holds are open; try again."
    default_code = "too_many_streams"
    wait = 5


class StreamView(ActorMixin):
    """Runs, violations and alerts as they change."""

    permission_classes = [IsAuthenticated]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "options"]

    @extend_schema(
        operation_id="stream",
        parameters=[
            OpenApiParameter("topics", description=f"Of {', '.join(TOPICS)}, with commas between; all where absent."),
            OpenApiParameter(
                "Last-Event-ID", location=OpenApiParameter.HEADER, description="Go on after this event; from now else."
            ),
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Follow what changes: `event` says what, `data` is the row as it is now, `id` where to go on."""
        refuse_unknown_parameters(request, {"topics"})
        topics = _choose_topics(request)
        last = request.headers.get("Last-Event-ID", "")
        position = parse_position(last, field="Last-Event-ID") if last else find_head()
        if not _places.acquire(blocking=False):
            raise TooManyStreams
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = Stream(request, topics, position)
        return StreamingHttpResponse(stream, content_type="text/event-stream", headers=headers)


class Stream:
    """The events after a position, for as long as the client, its rights and STREAM_S last.

    It holds one of the process's places until it ends or is closed. Between two looks it holds nothing of the database.
    """

    def __init__(self, request: Request, topics: Sequence[Topic], position: Position) -> None:
        self._events = _tell(request, topics, position)
        self._has_place = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._events)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the place back, once."""
        if self._has_place:
            self._has_place = False
            _places.release()


def _choose_topics(request: Request) -> list[Topic]:
    text = request.query_params.get("topics")
    names = list(TOPICS) if text is None else text.split(",")
    if unknown := sorted(set(names) - TOPICS.keys()):
        raise ValidationError({"topics": [f"Not among {', '.join(TOPICS)}: {', '.join(unknown)[:200]!r}."]})
    topics = [TOPICS[name] for name in dict.fromkeys(names)]
    allowed = [topic for topic in topics if request.user.has_perm(topic.permission)]
    if not allowed or (text is not None and len(allowed) < len(topics)):
        raise PermissionDenied
    return allowed


def _tell(request: Request, topics: Sequence[Topic], position: Position) -> Iterator[bytes]:
    begun = beaten = time.monotonic()
    yield b"retry: %d\nid: %s\n\n" % (RETRY_MS, format_position(position).encode())
    while time.monotonic() - begun < settings.STREAM_S:
        try:
            user = find_current_user(request)
            if user is None or not all(user.has_perm(topic.permission) for topic in topics):
                return
            with transaction.atomic():
                changes = read_changes(position, tables={topic.table for topic in topics})
                events = [event for topic in topics for event in _read_events(topic, changes.keys.get(topic.table, ()))]
        except DatabaseError:
            logger.warning("a stream ends: the database does not answer", exc_info=True)
            return
        position = changes.position
        now = time.monotonic()
        if events or now - beaten >= BEAT_EVERY_S:
            # The id follows the last event, so that who is cut off before sees all of them again.
            yield b"".join(events) + b"id: %s\n\n" % format_position(position).encode()
            beaten = now
        if changes.is_all:
            time.sleep(LOOK_EVERY_S)


def _read_events(topic: Topic, keys: Sequence[str]) -> Iterator[bytes]:
    """The rows as they are now; those that are gone, or not for this reader, are not there."""
    if not keys:
        return
    rows = {str(row.pk): row for row in topic.rows.filter(pk__in=keys)}
    for key in keys:
        if key in rows:
            yield b"event: %s\ndata: %s\n\n" % (topic.event.encode(), dump_json(topic.serializer(rows[key]).data))
