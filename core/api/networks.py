"""`networks/`: coupling graphs, their vertices and edges."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import F, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pagination import IdCursorPagination
from core.api.serializers import RowSerializer
from core.api.views import RecordViewSet
from core.choices import NetworkStatus
from core.models import RealityEdge, RealityNetwork, RealityNode
from core.selectors import list_networks


class NetworkSerializer(serializers.ModelSerializer[RealityNetwork]):
    """A coupling graph."""

    n_edges = serializers.IntegerField(read_only=True, help_text="Number of edges; an undirected one counts once.")

    class Meta:
        model = RealityNetwork
        fields = (
            "id",
            "name",
            "description",
            "n_nodes",
            "n_layers",
            "n_edges",
            "directed",
            "weight_unit",
            "source",
            "licence",
            "graph_sha256",
            "lambda_max",
            "status",
            "target",
            "created_at",
            "updated_at",
        )


class NodeSerializer(RowSerializer):
    """A vertex; positions in mm, omega in rad/s."""

    class Meta:
        model = RealityNode
        fields = ("id", "layer", "node_index", "label", "x", "y", "z", "omega")


class EdgeSerializer(RowSerializer):
    """An edge between two vertices, each given by its id and its index in its layer."""

    src_index = serializers.IntegerField(help_text="Index of the vertex where it starts.")
    dst_index = serializers.IntegerField(help_text="Index of the vertex where it ends.")

    class Meta:
        model = RealityEdge
        fields = ("id", "src", "dst", "src_index", "dst_index", "weight", "delay_s", "lag_rad")


class NetworkFilterSet(django_filters.FilterSet):
    """Which networks."""

    name = django_filters.CharFilter(label="The network of this name.")
    status = django_filters.ChoiceFilter(choices=NetworkStatus.choices)


class NetworkViewSet(RecordViewSet):
    """Coupling graphs, such as electrode neighbourhoods and connectomes."""

    queryset = RealityNetwork.objects.all()
    serializer_class = NetworkSerializer
    filterset_class = NetworkFilterSet
    action_permissions = {"nodes": "core.view_realitynode", "edges": "core.view_realityedge"}

    def get_queryset(self) -> QuerySet[RealityNetwork]:
        """Networks with the number of their edges."""
        return list_networks()

    @extend_schema(responses=NodeSerializer(many=True))
    @action(detail=True, pagination_class=IdCursorPagination, filterset_class=None, serializer_class=NodeSerializer)
    def nodes(self, request: Request, pk: str) -> Response:
        """The vertices of a network."""
        rows = self.get_object().nodes.values(*NodeSerializer.columns())
        return self._respond_with_page(rows)

    @extend_schema(responses=EdgeSerializer(many=True))
    @action(detail=True, pagination_class=IdCursorPagination, filterset_class=None, serializer_class=EdgeSerializer)
    def edges(self, request: Request, pk: str) -> Response:
        """The edges of a network."""
        rows = self.get_object().edges.annotate(src_index=F("src__node_index"), dst_index=F("dst__node_index"))
        return self._respond_with_page(rows.values(*EdgeSerializer.columns()))

    def _respond_with_page(self, rows: QuerySet[Any, dict[str, Any]]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
