"""Oscillators and synchronization events for programs."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.export import ExportMixin
from core.api.parsers import TypedJSONParser
from core.api.serializers import RowSerializer
from core.api.views import RecordViewSet
from kuramoto.api.filters import OscillatorStateFilterSet, SynchronizationEventFilterSet
from kuramoto.api.serializers import (
    OscillatorStateSerializer,
    OscillatorSummarySerializer,
    SynchronizationEventSerializer,
)
from kuramoto.api.similar import SimilarStatesQuerySerializer, SimilarStatesSerializer, answer_similar_states
from kuramoto.exports import EVENTS, OSCILLATORS
from kuramoto.models import OscillatorState, SynchronizationEvent


class OscillatorStateViewSet(ExportMixin, RecordViewSet):
    """Recorded oscillator states: lists without phases, one state with them."""

    queryset = OscillatorState.objects.all()
    time_field = "timestamp"
    collection = OSCILLATORS
    filterset_class = OscillatorStateFilterSet
    action_permissions: ClassVar[dict[str, str]] = {"similar": "kuramoto.view_oscillatorstate"}

    def get_queryset(self) -> Any:
        """States with the columns that are shown."""
        return super().get_queryset().values(*self.get_serializer_class().columns())

    @extend_schema(request=SimilarStatesQuerySerializer, responses=SimilarStatesSerializer)
    @action(detail=False, methods=["post"], parser_classes=[TypedJSONParser], filterset_class=None)
    def similar(self, request: Request) -> Response:
        """States whose embedding points in about the same direction, nearest first."""
        return Response(answer_similar_states(request.data))

    def get_serializer_class(self) -> type[RowSerializer]:
        """With phases for one state, without for a list."""
        return OscillatorSummarySerializer if self.action == "list" else OscillatorStateSerializer


class SynchronizationEventViewSet(ExportMixin, RecordViewSet):
    """Synchronization events as they were recorded."""

    queryset = SynchronizationEvent.objects.all()
    time_field = "occurred_at"
    collection = EVENTS
    filterset_class = SynchronizationEventFilterSet
    serializer_class = SynchronizationEventSerializer
