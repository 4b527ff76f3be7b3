"""Oscillators and synchronization events for programs."""

from __future__ import annotations

from typing import Any

from core.api.views import RecordViewSet
from kuramoto.api.filters import OscillatorStateFilterSet, SynchronizationEventFilterSet
from kuramoto.api.serializers import (
    OscillatorStateSerializer,
    OscillatorSummarySerializer,
    SynchronizationEventSerializer,
)
from kuramoto.models import OscillatorState, SynchronizationEvent


class OscillatorStateViewSet(RecordViewSet):
    """Recorded oscillator states: lists without phases, one state with them."""

    queryset = OscillatorState.objects.defer("semantic_embedding")
    time_field = "timestamp"
    filterset_class = OscillatorStateFilterSet

    def get_queryset(self) -> Any:
        """States; a list leaves the phases out."""
        states = super().get_queryset()
        return states.defer("phases", "semantic_embedding") if self.action == "list" else states

    def get_serializer_class(self) -> Any:
        """With phases for one state, without for a list."""
        return OscillatorSummarySerializer if self.action == "list" else OscillatorStateSerializer


class SynchronizationEventViewSet(RecordViewSet):
    """Synchronization events as they were recorded."""

    queryset = SynchronizationEvent.objects.all()
    time_field = "occurred_at"
    filterset_class = SynchronizationEventFilterSet
    serializer_class = SynchronizationEventSerializer
