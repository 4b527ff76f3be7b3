"""Stopping runs by hand and letting them go on: `POST /api/v1/sync-events/{stop,recover}/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import refuse_unknown_parameters
from core.api.views import ActorMixin
from core.exceptions import InvalidInput
from core.models import Run
from kuramoto.api.serializers import SynchronizationEventSerializer
from kuramoto.models import SynchronizationEvent
from nfcs.control import recover_run_by_hand, stop_run_by_hand


class ControlSerializer(serializers.Serializer[Any]):
    """Why a run is stopped or goes on."""

    run = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="The run.")
    reason = serializers.CharField(max_length=2000, help_text="Why.")


class ControlView(ActorMixin):
    """One act of control over a run, for those who may record synchronization events."""

    takes_keys = True
    act: Callable[..., None]
    http_method_names = ["post", "options"]

    def get_queryset(self) -> Any:
        """Whose permissions count."""
        return SynchronizationEvent.objects.none()

    def post(self, request: Request) -> Response:
        """Act, and answer the event that records it."""
        refuse_unknown_parameters(request, set())
        body = ControlSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        run = Run.objects.filter(pk=body.validated_data["run"]).first()
        if run is None:
            raise InvalidInput.of("run", "There is no such run.", "not_found")
        reason = body.validated_data["reason"]
        type(self).act(run=run, actor=request.user, reason=reason, now=timezone.now())
        event = SynchronizationEvent.objects.for_run(run.pk).emergencies().order_by("-id").first()
        return Response(SynchronizationEventSerializer(event).data, status=status.HTTP_201_CREATED)


def _document(operation_id: str) -> Callable[..., Any]:
    return extend_schema(
        operation_id=operation_id, request=ControlSerializer, responses={201: SynchronizationEventSerializer}
    )


@extend_schema_view(post=_document("stop_run"))
class StopView(ControlView):
    """Stop a run; it stays stopped until somebody recovers it."""

    act = staticmethod(stop_run_by_hand)


@extend_schema_view(post=_document("recover_run"))
class RecoverView(ControlView):
    """Let a stopped run go on."""

    act = staticmethod(recover_run_by_hand)
