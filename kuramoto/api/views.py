"""Oscillators and synchronization events for programs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import RecordViewSet
from core.models import Run
from kuramoto import services
from kuramoto.api.filters import OscillatorStateFilterSet, SynchronizationEventFilterSet
from kuramoto.api.serializers import (
    ControlSerializer,
    OscillatorStateSerializer,
    OscillatorSummarySerializer,
    SynchronizationEventSerializer,
)
from kuramoto.choices import EventCause
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
    """Synchronization events; an operator adds emergency stops and recoveries."""

    queryset = SynchronizationEvent.objects.all()
    time_field = "occurred_at"
    filterset_class = SynchronizationEventFilterSet
    serializer_class = SynchronizationEventSerializer
    action_permissions = {
        "stop": "kuramoto.add_synchronizationevent",
        "recover": "kuramoto.add_synchronizationevent",
    }

    @extend_schema(request=ControlSerializer, responses={201: SynchronizationEventSerializer})
    @action(detail=False, methods=["post"])
    def stop(self, request: Request) -> Response:
        """Record an emergency stop of a run, by hand."""
        run, reason = self._read_control(request)
        event = services.stop_run(
            run=run, cause=EventCause.MANUAL, reason=reason, now=timezone.now(), actor_id=request.user.pk
        )
        return Response(self.get_serializer(event).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ControlSerializer, responses={201: SynchronizationEventSerializer})
    @action(detail=False, methods=["post"])
    def recover(self, request: Request) -> Response:
        """Record that a stopped run may go on."""
        run, reason = self._read_control(request)
        event = services.recover_run(run=run, reason=reason, now=timezone.now(), actor_id=request.user.pk)
        return Response(self.get_serializer(event).data, status=status.HTTP_201_CREATED)

    def _read_control(self, request: Request) -> tuple[Run, str]:
        body = ControlSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Run.objects.get(pk=body.validated_data["run"]), body.validated_data["reason"]
