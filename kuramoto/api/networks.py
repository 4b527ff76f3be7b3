"""`networks/status/`: networks as they stand."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework import mixins, serializers, viewsets

from core.api.filters import FlagFilter
from core.api.pagination import IdCursorPagination
from core.api.views import ActorMixin
from core.choices import NetworkStatus
from kuramoto.models import RealityStatus
from kuramoto.selectors import get_cross_reality_coherence


class RealityStatusSerializer(serializers.ModelSerializer[RealityStatus]):
    """A network as it stands."""

    cross_reality_coherence = serializers.SerializerMethodField(
        help_text="|mean over layers of z_layer| of the newest state, 0 to 1; null without layers or state."
    )

    class Meta:
        model = RealityStatus
        fields = (
            "id",
            "name",
            "status",
            "directed",
            "n_nodes",
            "n_layers",
            "n_edges",
            "density",
            "ongoing_runs",
            "n_neurons",
            "latest_run",
            "last_telemetry_at",
            "cross_reality_coherence",
        )
        read_only_fields = fields

    def get_cross_reality_coherence(self, status: RealityStatus) -> float | None:
        """The coherence across layers."""
        return get_cross_reality_coherence(status)


class RealityStatusFilterSet(django_filters.FilterSet):
    """Which networks."""

    name = django_filters.CharFilter(label="The network of this name.")
    status = django_filters.ChoiceFilter(choices=NetworkStatus.choices)
    ongoing = FlagFilter(method="filter_ongoing", label="Whether a run goes on on it.")

    def filter_ongoing(self, queryset: Any, name: str, value: bool) -> Any:
        """Networks on which runs go on, or none does."""
        return queryset.filter(ongoing_runs__gt=0) if value else queryset.filter(ongoing_runs=0)


class RealityStatusViewSet(ActorMixin, mixins.ListModelMixin, viewsets.GenericViewSet[RealityStatus]):
    """Networks as they stand: their size, their neurons, and the runs that go on on them."""

    queryset = RealityStatus.objects.all()
    serializer_class = RealityStatusSerializer
    filterset_class = RealityStatusFilterSet
    pagination_class = IdCursorPagination
    action_permissions = {"list": "core.view_realitynetwork"}
