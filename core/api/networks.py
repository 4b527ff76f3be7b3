"""`networks/`: coupling graphs, their vertices and edges."""

from __future__ import annotations

import re
from typing import Any

import django_filters
from django.db.models import F, QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.network_files import (
    FILE_TYPES,
    PARAMETERS,
    AnswerIsJSON,
    FileParser,
    GraphFileSerializer,
    GraphFormatSerializer,
    read_graph_request,
)
from core.api.pagination import IdCursorPagination
from core.api.serializers import RowSerializer
from core.api.views import RecordViewSet
from core.choices import NetworkStatus
from core.graph_formats import MEDIA_TYPES, write_graph
from core.models import RealityEdge, RealityNetwork, RealityNode
from core.selectors import get_graph, list_networks
from core.services.networks import import_graph_file


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
    action_permissions = {
        "nodes": "core.view_realitynode",
        "edges": "core.view_realityedge",
        "graph": "core.view_realityedge",
        "import_graph": "core.add_realitynetwork",
    }
    query_parameters = {
        "graph": ("as",),
        "import_graph": tuple(PARAMETERS),
    }

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

    @extend_schema(
        parameters=[GraphFormatSerializer],
        responses={
            (200, media_type): OpenApiTypes.OBJECT if media_type.endswith("json") else OpenApiTypes.BINARY
            for media_type in MEDIA_TYPES.values()
        },
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def graph(self, request: Request, pk: str) -> HttpResponse:
        """The whole graph as a file, GraphML or JSON; imported again it is the same graph."""
        wanted = GraphFormatSerializer(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        format = wanted.validated_data["as"]
        network = self.get_object()
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", network.name).strip("-.") or f"network-{network.pk}"
        return HttpResponse(
            write_graph(get_graph(network), format),
            content_type=f"{MEDIA_TYPES[format]}; charset=utf-8" if format == "graphml" else MEDIA_TYPES[format],
            headers={"Content-Disposition": f'attachment; filename="{name}.{format}"'},
        )

    @extend_schema(
        parameters=[
            OpenApiParameter(name, str, description=f"{words} For a body that is the file itself.")
            for name, words in PARAMETERS.items()
        ],
        request={"multipart/form-data": GraphFileSerializer} | dict.fromkeys(FILE_TYPES, OpenApiTypes.BINARY),
        responses={201: NetworkSerializer},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        parser_classes=[MultiPartParser, FileParser],
        content_negotiation_class=AnswerIsJSON,
        filterset_class=None,
    )
    def import_graph(self, request: Request) -> Response:
        """Store the graph of a file: an edge list or a matrix as CSV, GraphML or JSON; all of it or nothing.

        A file at fault is answered with each problem and its place, such as `lines.7.weight` or `edges.3.dst`.
        """
        network = import_graph_file(**read_graph_request(request))
        stored = self.get_queryset().get(pk=network.pk)
        return Response(NetworkSerializer(stored).data, status=status.HTTP_201_CREATED)

    def _respond_with_page(self, rows: QuerySet[Any, dict[str, Any]]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
