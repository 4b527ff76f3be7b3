"""Sessions and memories for programs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from cognitive import services
from cognitive.api.filters import CognitiveSessionFilterSet, MemoryFilterSet
from cognitive.api.serializers import (
    CloseSerializer,
    CognitiveSessionSerializer,
    MemorySerializer,
    MemorySummarySerializer,
    PerformanceSerializer,
    RecallSerializer,
    RetrievalSerializer,
)
from cognitive.api.similar import (
    SimilarMemoriesQuerySerializer,
    SimilarMemoriesSerializer,
    answer_similar_memories,
)
from cognitive.models import CognitiveSession, MemoryExperience
from cognitive.selectors import get_memory, list_memories
from core.api.parsers import TypedJSONParser
from core.api.views import RecordViewSet


class CognitiveSessionViewSet(mixins.CreateModelMixin, RecordViewSet):
    """Sessions of cognitive modules: opened, measured, closed."""

    takes_keys = True
    queryset = CognitiveSession.objects.all()
    serializer_class = CognitiveSessionSerializer
    filterset_class = CognitiveSessionFilterSet
    time_field = "started_at"
    action_permissions: ClassVar[dict[str, str]] = {"close": "cognitive.change_cognitivesession"}

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Open the session."""
        values = {"started_at": timezone.now()} | serializer.validated_data
        serializer.instance = services.open_session(**values)

    @extend_schema(request=PerformanceSerializer, responses=CognitiveSessionSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Replace the metrics of an open session."""
        body = PerformanceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.record_performance(session_id=int(pk), **body.validated_data)
        return Response(self.get_serializer(session).data)

    @extend_schema(request=CloseSerializer, responses=CognitiveSessionSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """End an open session."""
        body = CloseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = services.close_session(session_id=int(pk), **({"ended_at": timezone.now()} | body.validated_data))
        return Response(self.get_serializer(session).data)


class MemoryViewSet(mixins.CreateModelMixin, RecordViewSet):
    """Memories: stored, recalled, and fading in between."""

    takes_keys = True
    queryset = MemoryExperience.objects.all()
    serializer_class = MemorySerializer
    filterset_class = MemoryFilterSet
    time_field = "stored_at"
    action_permissions: ClassVar[dict[str, str]] = {
        "recall": "cognitive.change_memoryexperience",
        "similar": "cognitive.view_memoryexperience",
    }

    def get_queryset(self) -> Any:
        """Memories with what can be recalled now; a list leaves the embeddings out."""
        memories = list_memories(now=timezone.now())
        return memories if self.action == "list" else memories.defer(None)

    def get_serializer_class(self) -> Any:
        """With the embedding for one memory, without for a list."""
        return MemorySummarySerializer if self.action == "list" else MemorySerializer

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Store the memory."""
        now = timezone.now()
        memory = services.store_experience(stored_at=now, **serializer.validated_data)
        serializer.instance = get_memory(memory.pk, now=now)

    @extend_schema(request=SimilarMemoriesQuerySerializer, responses=SimilarMemoriesSerializer)
    @action(detail=False, methods=["post"], parser_classes=[TypedJSONParser], filterset_class=None)
    def similar(self, request: Request) -> Response:
        """Memories whose embedding points in about the same direction, nearest first."""
        return Response(answer_similar_memories(request.data))

    @extend_schema(request=RecallSerializer, responses={201: RetrievalSerializer})
    @action(detail=True, methods=["post"])
    def recall(self, request: Request, pk: str) -> Response:
        """Recall a memory, which makes it firmer; the answer holds the memory afterwards."""
        body = RecallSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        now = timezone.now()
        retrieval = services.recall_experience(experience_id=int(pk), now=now, **body.validated_data)
        retrieval.experience = get_memory(retrieval.experience_id, now=now)
        return Response(RetrievalSerializer(retrieval).data, status=status.HTTP_201_CREATED)
