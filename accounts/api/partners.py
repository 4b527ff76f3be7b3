"""`partners/`: other organisations' systems, and what is agreed with them."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.choices import PartnerStatus
from accounts.data_classes import DATA_CLASSES
from accounts.models import PartnerConfig, User
from accounts.services import change_partner, change_partner_status, create_partner, delete_partner
from core.api.filters import IdFilter, TimeWindowFilterSet
from core.api.serializers import StrictModelSerializer, StrictSerializer, TextField
from core.api.views import EditableViewSet


class PartnerSerializer(StrictModelSerializer):
    """A partner; its status changes by `activate/`, `suspend/` and `close/`."""

    allowed_scopes = serializers.ListField(
        child=TextField(max_length=200), max_length=500, required=False, help_text="Permissions its keys may carry."
    )
    data_classes = serializers.ListField(
        child=TextField(max_length=50),
        max_length=100,
        required=False,
        help_text=f"Classes of data it may see, of {', '.join(sorted(DATA_CLASSES))}.",
    )
    licences = serializers.ListField(
        child=TextField(max_length=100), max_length=100, required=False, help_text="Licences of data it may see."
    )

    class Meta:
        model = PartnerConfig
        fields = (
            "id",
            "partner",
            "owner",
            "status",
            "endpoint",
            "auth_kind",
            "secret_ref",
            "webhook_key_ref",
            "allowed_scopes",
            "data_classes",
            "licences",
            "retention_days",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("status", "created_at", "updated_at")
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "owner": {"required": False, "help_text": "Who answers for it here; the caller, where it is absent."},
        }
        # The constraint of the database knows names that differ by case alone.
        validators: ClassVar[list[Any]] = []


class PartnerFilterSet(TimeWindowFilterSet):
    """Which partners."""

    time_field = "created_at"

    status = django_filters.ChoiceFilter(choices=PartnerStatus.choices)
    owner = IdFilter(field_name="owner_id", label="Partners this user answers for.")


class PartnerViewSet(EditableViewSet):
    """Partners: what is agreed binds their keys from the next request on."""

    queryset = PartnerConfig.objects.all()
    serializer_class = PartnerSerializer
    filterset_class = PartnerFilterSet
    time_field = "created_at"
    action_permissions: ClassVar[dict[str, str]] = dict.fromkeys(
        ("activate", "suspend", "close"), "accounts.change_partnerconfig"
    )

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        """Begin with a partner, as a draft."""
        values = {"owner": cast("User", self.request.user), **serializer.validated_data}
        serializer.instance = create_partner(**values)
        serializer.instance.refresh_from_db()

    def perform_update(self, serializer: serializers.BaseSerializer[Any]) -> None:
        """Change what is agreed."""
        partner: PartnerConfig = serializer.instance  # type: ignore[assignment]  # an update has one
        serializer.instance = change_partner(partner_id=partner.pk, **serializer.validated_data)

    def perform_destroy(self, instance: PartnerConfig) -> None:
        """Remove a draft."""
        delete_partner(partner=instance)

    @extend_schema(request=None, responses=PartnerSerializer)
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Let the partner's keys work, for the first time or again."""
        return self._move(request, PartnerStatus.ACTIVE)

    @extend_schema(request=None, responses=PartnerSerializer)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: str) -> Response:
        """Let the partner's keys rest, until it is activated again."""
        return self._move(request, PartnerStatus.SUSPENDED)

    @extend_schema(request=None, responses=PartnerSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """End with the partner for good."""
        return self._move(request, PartnerStatus.CLOSED)

    def _move(self, request: Request, status: PartnerStatus) -> Response:
        StrictSerializer(data=request.data or {}).is_valid(raise_exception=True)
        partner = change_partner_status(partner=self.get_object(), status=status)
        return Response(PartnerSerializer(partner).data)
