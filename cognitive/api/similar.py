"""`memories/similar/`: memories like one, or like an embedding."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from django.utils import timezone
from rest_framework import serializers

from cognitive.choices import ExperienceType
from cognitive.similar import get_embedding, list_similar_memories
from core.api.filters import MAX_ID
from core.api.parsers import read_typed
from core.api.similar import Moment, Neighbours, read_target, read_window
from kuramoto.constants import EMBEDDING_DIMENSIONS


class SimilarMemoriesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What to look for, and where."""

    vector: list[float] | None = None
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)] | None = None
    k: Neighbours = 10
    since: Moment | None = None
    until: Moment | None = None
    experience_type: Literal["working", "episodic", "semantic", "procedural"] | None = None


_DECODER = msgspec.json.Decoder(SimilarMemoriesQuery)


class SimilarMemoriesQuerySerializer(serializers.Serializer[Any]):
    """What to look for: either `vector` or `id`."""

    vector = serializers.ListField(
        child=serializers.FloatField(),
        min_length=EMBEDDING_DIMENSIONS,
        max_length=EMBEDDING_DIMENSIONS,
        required=False,
        help_text="An embedding; it has a direction.",
    )
    id = serializers.IntegerField(required=False, help_text="A memory that has an embedding; it is not in the answer.")
    k = serializers.IntegerField(default=10, min_value=1, max_value=1000, help_text="How many memories.")
    since = serializers.DateTimeField(required=False, help_text="Memories stored at or after this time.")
    until = serializers.DateTimeField(required=False, help_text="Memories stored before this time.")
    experience_type = serializers.ChoiceField(ExperienceType.choices, required=False, help_text="Of this type.")


class SimilarMemorySerializer(serializers.Serializer[Any]):
    """A memory like the one asked about."""

    id = serializers.IntegerField()
    experience_type = serializers.ChoiceField(ExperienceType.choices)
    stored_at = serializers.DateTimeField()
    distance = serializers.FloatField(help_text="Cosine distance, 0 (same direction) to 2 (opposite).")


class SimilarMemoriesSerializer(serializers.Serializer[Any]):
    """The memories, nearest first."""

    results = SimilarMemorySerializer(many=True)


def answer_similar_memories(body: Any) -> dict[str, Any]:
    """The memories that the body of a request asks for.

    Raises:
        InvalidInput: names the field at fault.
    """
    query = read_typed(body, _DECODER)
    vector = read_target(query.vector, query.id, get_embedding, EMBEDDING_DIMENSIONS)
    if query.since is not None or query.until is not None:
        read_window(query.since, query.until, now=timezone.now(), usual=timedelta(days=1))
    found = list_similar_memories(
        vector=vector,
        k=query.k,
        start=query.since,
        end=query.until,
        experience_type=query.experience_type,
        leave_out=query.id,
    )
    return {"results": [asdict(memory) for memory in found]}
