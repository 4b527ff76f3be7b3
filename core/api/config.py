"""`config/`: configuration values and their history."""

from __future__ import annotations

from typing import Any

import django_filters
from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import FlagFilter
from core.api.serializers import RowSerializer, StrictModelSerializer
from core.api.views import RecordViewSet
from core.choices import ConfigType
from core.models import SystemConfig, SystemConfigChange
from core.selectors import list_config_changes
from core.services.configuration import change_config, create_config


class ConfigSerializer(StrictModelSerializer):
    """A configuration value; `config_value` is of the JSON type that `config_type` names."""

    environment = serializers.CharField(
        max_length=50, required=False, help_text="Which installation reads it; this one, where it is absent."
    )

    class Meta:
        model = SystemConfig
        fields = ("id", "config_key", "config_value", "config_type", "environment", "is_active", "updated_at")
        # The constraint of the database names the key; REST framework's own check would name no field.
        validators: list[Any] = []


class ConfigChangeSerializer(StrictModelSerializer):
    """What can be changed about a configuration value; key and environment stay."""

    class Meta:
        model = SystemConfig
        fields = ("config_value", "config_type", "is_active")


class ConfigHistorySerializer(RowSerializer):
    """One change; `old_value` is null where the value was made, `new_value` where it was deleted."""

    class Meta:
        model = SystemConfigChange
        fields = (
            "id",
            "config_key",
            "environment",
            "old_value",
            "new_value",
            "changed_at",
            "actor_id",
            "database_role",
        )


class ConfigFilterSet(django_filters.FilterSet):
    """Which configuration values."""

    config_key = django_filters.CharFilter(label="The values of this key.")
    config_type = django_filters.ChoiceFilter(choices=ConfigType.choices)
    environment = django_filters.CharFilter(label="The values of this environment.")
    is_active = FlagFilter(label="Whether the value is in force.")


class ConfigViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, RecordViewSet):
    """Configuration, one value per key and environment; every change is kept."""

    queryset = SystemConfig.objects.all()
    serializer_class = ConfigSerializer
    filterset_class = ConfigFilterSet
    http_method_names = ["get", "post", "patch", "head", "options"]
    action_permissions = {"history": "core.view_systemconfigchange"}

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        """The serializer of the action."""
        if self.action == "partial_update":
            return ConfigChangeSerializer
        return super().get_serializer_class()

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        """Make a configuration value."""
        values = {"environment": settings.ENVIRONMENT, **serializer.validated_data}
        serializer.instance = create_config(**values)

    @extend_schema(request=ConfigChangeSerializer, responses=ConfigSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a configuration value."""
        config = self.get_object()
        serializer = self.get_serializer(config, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return Response(ConfigSerializer(change_config(config=config, **serializer.validated_data)).data)

    @extend_schema(responses=ConfigHistorySerializer(many=True))
    @action(detail=True, time_field="changed_at", filterset_class=None, serializer_class=ConfigHistorySerializer)
    def history(self, request: Request, pk: str) -> Response:
        """The changes of a configuration value, newest first."""
        changes: QuerySet[Any, dict[str, Any]] = list_config_changes(self.get_object()).values(
            *ConfigHistorySerializer.columns()
        )
        page = self.paginate_queryset(changes)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
