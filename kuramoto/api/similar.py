"""`oscillators/similar/`: states like one, or like an embedding."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from django.utils import timezone
from rest_framework import serializers

from core.api.filters import DEFAULT_WINDOW, MAX_ID
from core.api.parsers import read_typed
from core.api.similar import Moment, Neighbours, read_target, read_window
from core.models import Run
from kuramoto.constants import EMBEDDING_DIMENSIONS
from kuramoto.similar import get_embedding, list_similar_states


class SimilarStatesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What to look for, and where."""

    vector: list[float] | None = None
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)] | None = None
    k: Neighbours = 10
    since: Moment | None = None
    until: Moment | None = None
    run: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)] | None = None


_DECODER = msgspec.json.Decoder(SimilarStatesQuery)


class SimilarStatesQuerySerializer(serializers.Serializer[Any]):
    """What to look for: either `vector` or `id`."""

    vector = serializers.ListField(
        child=serializers.FloatField(),
        min_length=EMBEDDING_DIMENSIONS,
        max_length=EMBEDDING_DIMENSIONS,
        required=False,
        help_text="An embedding; it has a direction.",
    )
    id = serializers.IntegerField(required=False, help_text="A state that has an embedding; it is not in the answer.")
    k = serializers.IntegerField(default=10, min_value=1, max_value=1000, help_text="How many states.")
    since = serializers.DateTimeField(
        required=False, help_text="States at or after this time; the run's start, else 31 days before `until`."
    )
    until = serializers.DateTimeField(required=False, help_text="States before this time; now where absent.")
    run = serializers.IntegerField(required=False, help_text="States of this run.")


class SimilarStateSerializer(serializers.Serializer[Any]):
    """A state like the one asked about."""

    id = serializers.IntegerField()
    run = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    sync_parameter = serializers.FloatField()
    distance = serializers.FloatField(help_text="Cosine distance, 0 (same direction) to 2 (opposite).")


class SimilarStatesSerializer(serializers.Serializer[Any]):
    """The states, nearest first."""

    results = SimilarStateSerializer(many=True)


def answer_similar_states(body: Any) -> dict[str, Any]:
    """The states that the body of a request asks for.

    Raises:
        InvalidInput: names the field at fault.
    """
    query = read_typed(body, _DECODER)
    vector = read_target(query.vector, query.id, get_embedding, EMBEDDING_DIMENSIONS)
    start = None
    if query.run is not None and query.since is None:
        start = Run.objects.filter(pk=query.run).values_list("started_at", flat=True).first()
    start, end = read_window(query.since or start, query.until, now=timezone.now(), usual=DEFAULT_WINDOW)
    found = list_similar_states(vector=vector, k=query.k, start=start, end=end, run_id=query.run, leave_out=query.id)
    return {"results": [asdict(state) for state in found]}
