"""Coupling graphs in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin_base import EditableAdmin, ReadOnlyAdmin, number_column
from core.charts import graph_chart
from core.drawing import get_laid_out_graph
from core.models import RealityEdge, RealityNetwork, RealityNode
from core.selectors import list_networks
from core.services.networks import describe_network


@admin.register(RealityNetwork)
class RealityNetworkAdmin(EditableAdmin):
    """Coupling graphs, drawn; they are imported as a whole and described here."""

    list_display = ("name", "n_nodes", "n_edges", "directed", "eigenvalue", "status", "licence")
    list_filter = ("status", "directed")
    search_fields = ("name", "description")
    fields = (
        "name",
        "graph",
        "description",
        "source",
        "licence",
        "status",
        "target",
        ("n_nodes", "n_layers", "n_edges"),
        ("directed", "weight_unit", "lambda_max"),
        "graph_sha256",
        "parts",
    )
    eigenvalue = number_column("lambda_max", "largest eigenvalue")
    described = ("description", "source", "licence", "status", "target")

    class Media:
        css = {"all": ("core/charts.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a graph comes with its vertices and edges, by fixture or service."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RealityNetwork | None = None) -> bool:
        """Nobody: a graph that is not used any more is dormant."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RealityNetwork]:
        """Networks with the number of their edges."""
        return list_networks()

    def get_readonly_fields(self, request: HttpRequest, obj: RealityNetwork | None = None) -> tuple[str, ...]:
        """Everything but what describes the graph."""
        names = [name for entry in self.fields for name in ([entry] if isinstance(entry, str) else entry)]
        return tuple(name for name in names if name not in self.described)

    def save_model(self, request: HttpRequest, obj: RealityNetwork, form: Any, change: bool) -> None:
        """Describe the graph anew."""
        describe_network(network=obj, **{name: getattr(obj, name) for name in self.described})

    @admin.display(description="edges", ordering="n_edges")
    def n_edges(self, network: Any) -> int:
        """Number of edges."""
        return int(network.n_edges)

    @admin.display(description="graph")
    def graph(self, network: RealityNetwork) -> SafeString:
        """The graph as a picture: electrodes from above, other vertices where the drawing finds room."""
        graph = get_laid_out_graph(network)
        chart = graph_chart(graph.nodes, graph.edges, labels=graph.labels, title=network.name, width=640, height=560)
        return format_html("{}", chart)

    @admin.display(description="parts")
    def parts(self, network: RealityNetwork) -> SafeString:
        """Where vertices and edges are listed."""
        return format_html(
            '<a href="{}?network__id__exact={}">vertices</a>, <a href="{}?network__id__exact={}">edges</a>',
            reverse("admin:core_realitynode_changelist"),
            network.pk,
            reverse("admin:core_realityedge_changelist"),
            network.pk,
        )


@admin.register(RealityNode)
class RealityNodeAdmin(ReadOnlyAdmin):
    """Vertices."""

    list_display = ("label", "network", "layer", "node_index", "x", "y", "z", "omega")
    list_filter = ("network",)
    list_select_related = ("network",)
    search_fields = ("label",)


@admin.register(RealityEdge)
class RealityEdgeAdmin(ReadOnlyAdmin):
    """Edges."""

    list_display = ("id", "network", "src", "dst", "weight", "delay_s", "lag_rad")
    list_filter = ("network",)
    list_select_related = ("network", "src", "dst")
