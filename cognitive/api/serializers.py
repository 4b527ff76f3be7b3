"""How sessions and memories look to programs."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from cognitive.models import CognitiveSession, MemoryExperience, MemoryRetrieval
from core.api.serializers import FiniteFloatField, StrictModelSerializer, StrictSerializer
from kuramoto.constants import EMBEDDING_DIMENSIONS


class CognitiveSessionSerializer(StrictModelSerializer):
    """One session."""

    session_data = serializers.DictField(help_text="What the session works on.")
    performance_metrics = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="Any of calls, errors (counts), p50_ms, p95_ms (latency) and phase_source, and more.",
    )

    class Meta:
        model = CognitiveSession
        fields: ClassVar[list[str]] = [
            "id",
            "session_uuid",
            "module_type",
            "worker",
            "run",
            "session_data",
            "performance_metrics",
            "started_at",
            "ended_at",
        ]
        read_only_fields: ClassVar[list[str]] = ["session_uuid", "ended_at"]
        extra_kwargs: ClassVar[dict[str, dict[str, Any]]] = {"started_at": {"required": False}}
        validators: ClassVar[list[Any]] = []


class PerformanceSerializer(StrictSerializer):
    """New metrics of an open session."""

    performance_metrics = serializers.DictField(
        allow_null=True, help_text="Any of calls, errors, p50_ms, p95_ms and phase_source, and more."
    )


class CloseSerializer(StrictSerializer):
    """The end of a session."""

    ended_at = serializers.DateTimeField(required=False, help_text="When it ended; now when not given.")
    performance_metrics = serializers.DictField(
        required=False, help_text="The last metrics; those it has stay when not given."
    )


class MemorySummarySerializer(StrictModelSerializer):
    """One memory as lists show it: without its embedding."""

    context_data = serializers.DictField(help_text="What is remembered.")
    retrievability = serializers.FloatField(
        read_only=True, help_text="Probability that it can be recalled now, 0 to 1."
    )

    class Meta:
        model = MemoryExperience
        fields: ClassVar[list[str]] = [
            "id",
            "experience_uuid",
            "experience_type",
            "context_data",
            "arousal",
            "valence",
            "emotional_weight",
            "difficulty",
            "stability_s",
            "consolidation_level",
            "retrievability",
            "retrieval_count",
            "stored_at",
            "last_accessed",
            "last_recalled_at",
        ]
        read_only_fields: ClassVar[list[str]] = [
            "experience_uuid",
            "emotional_weight",
            "consolidation_level",
            "retrieval_count",
            "stored_at",
            "last_accessed",
            "last_recalled_at",
        ]
        extra_kwargs: ClassVar[dict[str, dict[str, Any]]] = {
            "stability_s": {"required": False, "help_text": "Stability S, s; by type when not given."}
        }


class MemorySerializer(MemorySummarySerializer):
    """One memory."""

    embedding = serializers.ListField(
        child=FiniteFloatField(),
        min_length=EMBEDDING_DIMENSIONS,
        max_length=EMBEDDING_DIMENSIONS,
        required=False,
        allow_null=True,
        help_text="Semantic embedding, never the zero vector.",
    )

    class Meta(MemorySummarySerializer.Meta):
        fields: ClassVar[list[str]] = [*MemorySummarySerializer.Meta.fields, "embedding"]


class RecallSerializer(StrictModelSerializer):
    """One attempt to recall a memory."""

    success = serializers.BooleanField(default=True, help_text="Whether it was recalled.")

    class Meta:
        model = MemoryRetrieval
        fields: ClassVar[list[str]] = ["success", "latency_ms"]


class RetrievalSerializer(serializers.ModelSerializer[MemoryRetrieval]):
    """A recorded recall, and the memory after it."""

    memory = MemorySummarySerializer(source="experience", help_text="The memory after the recall.")

    class Meta:
        model = MemoryRetrieval
        fields: ClassVar[list[str]] = ["id", "retrieved_at", "success", "latency_ms", "retrievability_before", "memory"]
        read_only_fields = fields
