"""Coupling graphs in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import network_pages
from core.admin_base import EditableAdmin, ReadOnlyAdmin, number_column
from core.charts import graph_chart
from core.choices import NetworkStatus
from core.db.errors import translate_database_error
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
    actions = ("activate", "put_to_rest", "collapse", "merge")
    eigenvalue = number_column("lambda_max", "largest eigenvalue")
    described = ("description", "source", "licence", "status", "target")

    class Media:
        css = {"all": ("core/charts.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and before them those of files and of ends."""
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(network_pages.import_network_file), name="core_realitynetwork_import"),
            path("collapse/", wrap(network_pages.collapse_networks), name="core_realitynetwork_collapse"),
            path("merge/", wrap(network_pages.merge_networks), name="core_realitynetwork_merge"),
            path(
                "<int:network_id>/export/<slug:format>/",
                wrap(network_pages.export_network_file),
                name="core_realitynetwork_export",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with the way to import."""
        context = {"may_import": request.user.has_perm("core.add_realitynetwork"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a graph comes with its vertices and edges, from a file or as a fixture."""
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

    @admin.action(description="Mark the selected networks as active", permissions=["change"])
    def activate(self, request: HttpRequest, networks: QuerySet[RealityNetwork]) -> None:
        """Bring networks back into use."""
        self._change_status(request, networks, NetworkStatus.ACTIVE)

    @admin.action(description="Mark the selected networks as dormant", permissions=["change"])
    def put_to_rest(self, request: HttpRequest, networks: QuerySet[RealityNetwork]) -> None:
        """Take networks out of use for a while."""
        self._change_status(request, networks, NetworkStatus.DORMANT)

    @admin.action(description="Collapse the selected networks, for good", permissions=["change"])
    def collapse(self, request: HttpRequest, networks: QuerySet[RealityNetwork]) -> HttpResponse:
        """Ask, then end networks."""
        return self._ask("admin:core_realitynetwork_collapse", networks)

    @admin.action(description="Merge the selected networks into another, for good", permissions=["change"])
    def merge(self, request: HttpRequest, networks: QuerySet[RealityNetwork]) -> HttpResponse:
        """Ask into which, then end networks."""
        return self._ask("admin:core_realitynetwork_merge", networks)

    def _change_status(self, request: HttpRequest, networks: QuerySet[RealityNetwork], status: NetworkStatus) -> None:
        chosen = list(networks)
        try:
            network_pages.change_status(chosen, status)
        except IntegrityError as error:
            refusal = translate_database_error(error)
            if refusal is None:
                raise
            words = "; ".join(wrong.detail for wrong in refusal.errors) or refusal.detail
            self.message_user(request, f"No status was changed. {words}", messages.ERROR)
        else:
            self.message_user(request, f"{len(chosen)} networks are {status}.", messages.SUCCESS)

    def _ask(self, address: str, networks: QuerySet[RealityNetwork]) -> HttpResponse:
        ids = networks.order_by("pk").values_list("pk", flat=True)[: network_pages.MOST_NETWORKS]
        return HttpResponseRedirect(f"{reverse(address)}?networks={','.join(map(str, ids))}")

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
