"""Alert rules, channels, alerts and the delivery log for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from core.api.serializers import StrictSerializer
from core.api.views import EditableViewSet, RecordViewSet
from validation import services
from validation.api.alert_serializers import (
    AlertChannelSerializer,
    AlertDeliverySerializer,
    AlertRuleSerializer,
    AlertSerializer,
    SilenceSerializer,
)
from validation.api.filters import (
    AlertChannelFilterSet,
    AlertDeliveryFilterSet,
    AlertFilterSet,
    AlertRuleFilterSet,
)
from validation.models import AlertChannel, AlertDelivery, AlertRule, MonitoringAlert

if TYPE_CHECKING:
    from accounts.models import User


class AlertRuleViewSet(EditableViewSet):
    """Alert rules: a condition on the series of a metric, and who is told. One that alerts tell of is not deleted."""

    queryset = AlertRule.objects.prefetch_related("channels")
    serializer_class = AlertRuleSerializer
    filterset_class = AlertRuleFilterSet

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Make the rule."""
        serializer.instance = services.create_alert_rule(**serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Change the rule."""
        serializer.instance = services.change_alert_rule(rule_id=int(self.kwargs["pk"]), **serializer.validated_data)

    def perform_destroy(self, instance: AlertRule) -> None:
        """Delete the rule."""
        services.delete_alert_rule(rule_id=instance.pk)


class AlertChannelViewSet(EditableViewSet):
    """Channels: e-mail addresses and signed webhooks. One that messages went to is not deleted."""

    queryset = AlertChannel.objects.all()
    serializer_class = AlertChannelSerializer
    filterset_class = AlertChannelFilterSet
    action_permissions: ClassVar[dict[str, str]] = {"test": "validation.change_alertchannel"}

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Make the channel."""
        serializer.instance = services.create_channel(**serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Change the channel."""
        serializer.instance = services.change_channel(channel_id=int(self.kwargs["pk"]), **serializer.validated_data)

    def perform_destroy(self, instance: AlertChannel) -> None:
        """Delete the channel."""
        services.delete_channel(channel_id=instance.pk)

    @extend_schema(request=None, responses=AlertDeliverySerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a test message now and say what happened: `status` delivered or given_up, with `error`."""
        _refuse_body(request)
        delivery = services.send_test(channel_id=int(pk), now=timezone.now())
        return Response(AlertDeliverySerializer(delivery).data)


class AlertViewSet(RecordViewSet):
    """Alerts: each an episode in which a rule's condition held for a series. Written by evaluation."""

    queryset = MonitoringAlert.objects.shown().with_names()
    serializer_class = AlertSerializer
    filterset_class = AlertFilterSet
    time_field = "pending_at"
    action_permissions: ClassVar[dict[str, str]] = {
        "acknowledge": "validation.acknowledge_alert",
        "silence": "validation.silence_alert",
    }

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that somebody has seen to an alert that fires or did."""
        _refuse_body(request)
        actor = cast("User", request.user)  # nobody comes here unauthenticated
        alert = services.acknowledge_alert(alert_id=int(pk), actor=actor, now=timezone.now())
        return Response(AlertSerializer(alert).data)

    @extend_schema(request=SilenceSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def silence(self, request: Request, pk: str) -> Response:
        """Keep the firing of an open alert, and of the series' next, from being announced for a while."""
        body = SilenceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        alert = services.silence_alert(alert_id=int(pk), now=timezone.now(), **body.validated_data)
        return Response(AlertSerializer(alert).data)


class AlertDeliveryViewSet(RecordViewSet):
    """The delivery log: every attempt to deliver a message, and how it ended."""

    queryset = AlertDelivery.objects.select_related("channel")
    serializer_class = AlertDeliverySerializer
    filterset_class = AlertDeliveryFilterSet
    time_field = "at"


def _refuse_body(request: Request) -> None:
    """Refuse fields where none is taken."""
    StrictSerializer(data=request.data).is_valid(raise_exception=True)
