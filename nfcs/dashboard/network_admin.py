"""Networks in the admin as they stand: coloured by phase, with their degrees and where they would synchronise."""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar

import numpy as np
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin.networks import RealityNetworkAdmin
from core.admin_base import ReadOnlyAdmin, number_column
from core.charts import Markup, bar_chart, histogram
from core.drawing import draw_network, get_laid_out_graph
from core.models import RealityNetwork, Run
from kuramoto.models import RealityStatus
from kuramoto.selectors import get_cross_reality_coherence, get_latest_phases
from kuramoto.theory import critical_coupling_gaussian

admin.site.unregister(RealityNetwork)
WIDTH_PX, HEIGHT_PX = 640.0, 560.0
MOST_BARS = 24


@admin.register(RealityNetwork)
class CoupledNetworkAdmin(RealityNetworkAdmin):
    """Networks, drawn with the phases of what runs on them."""

    fields: ClassVar[Any] = (
        *RealityNetworkAdmin.fields[:2],
        "telemetry",
        "degrees",
        "onset",
        *RealityNetworkAdmin.fields[2:],
    )

    @admin.display(description="graph")
    def graph(self, network: RealityNetwork) -> SafeString:
        """The graph, coloured by the newest phases of a run that goes on on it, where there are any."""
        phases = get_latest_phases(RealityStatus.objects.get(pk=network.pk))
        coloured = draw_network(network, phases, WIDTH_PX, HEIGHT_PX) if phases else None
        return super().graph(network) if coloured is None else format_html("{}", coloured)

    @admin.display(description="runs on it")
    def telemetry(self, network: RealityNetwork) -> SafeString | str:
        """Which run gave the colours, and how coherent the layers are."""
        status = RealityStatus.objects.select_related("latest_run").get(pk=network.pk)
        if status.latest_run is None or status.last_telemetry_at is None:
            return "no recent oscillator state of an ongoing run"
        coherence = get_cross_reality_coherence(status)
        return format_html(
            '{} ongoing; phases of <a href="{}">{}</a> at {} UTC{}',
            status.ongoing_runs,
            reverse("admin:nfcs_run_overview", args=[status.latest_run.pk]),
            status.latest_run,
            f"{status.last_telemetry_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            "" if coherence is None else f"; coherence across layers {coherence:.3f}",
        )

    @admin.display(description="vertices by degree")
    def degrees(self, network: RealityNetwork) -> Markup:
        """How many edges the vertices have; of a directed network how many end there."""
        counts = count_degrees(network)
        words = "In-degree" if network.directed else "Degree"
        title = f"{words} distribution"
        low, high = int(counts.min()), int(counts.max())
        if high - low < MOST_BARS:
            bars = {f"{degree}": float((counts == degree).sum()) for degree in range(low, high + 1)}
            return bar_chart(bars, width=WIDTH_PX, title=title)
        return histogram(counts, width=WIDTH_PX, height=200, x_label=words, title=title)

    @admin.display(description="critical coupling, estimated")
    def onset(self, network: RealityNetwork) -> str:
        """Where a dense graph would begin to synchronise."""
        if not network.lambda_max:
            return "none: the graph has no cycle and never synchronises as a whole"
        sigma, whose = find_frequency_spread(network)
        raw = critical_coupling_gaussian(sigma) / network.lambda_max
        return (
            f"K = {raw:.4g} rad/s as it stands, {raw * network.n_nodes:.4g} rad/s where it is divided by N; normal "
            f"frequencies of standard deviation {sigma:.4g} rad/s ({whose}), dense graphs only"
        )


@admin.register(RealityStatus)
class RealityStatusAdmin(ReadOnlyAdmin):
    """Networks as they stand."""

    list_display = (
        "network",
        "status",
        "n_nodes",
        "n_edges",
        "n_layers",
        "share",
        "ongoing_runs",
        "n_neurons",
        "latest_run",
        "last_telemetry_at",
        "coherence",
    )
    list_display_links = None
    list_select_related: ClassVar[Any] = ("latest_run",)
    share = number_column("density", digits=3)

    def has_view_permission(self, request: HttpRequest, obj: RealityStatus | None = None) -> bool:
        """Who may see networks."""
        return request.user.has_perm("core.view_realitynetwork")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who may see networks."""
        return self.has_view_permission(request)

    @admin.display(description="network", ordering="name")
    def network(self, status: RealityStatus) -> SafeString:
        """The network, with the way to its page."""
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:core_realitynetwork_change", args=[status.pk]), status.name
        )

    @admin.display(description="coherence across layers")
    def coherence(self, status: RealityStatus) -> str:
        """The coherence, where there are layers and a state."""
        coherence = get_cross_reality_coherence(status)
        return "-" if coherence is None else f"{coherence:.3f}"


def count_degrees(network: RealityNetwork) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Edges of each vertex, int64 (n,); of a directed network those that end there."""
    ends = get_laid_out_graph(network).edges[:, 1 if network.directed else 0 : 2].astype(np.int64)
    return np.bincount(ends.ravel(), minlength=network.n_nodes)


def find_frequency_spread(network: RealityNetwork) -> tuple[float, str]:
    """Standard deviation of the natural frequencies, rad/s, and whose they are; 1 where none are known."""
    omegas = [omega for omega in network.nodes.values_list("omega", flat=True) if omega is not None]
    if len(omegas) == network.n_nodes and np.std(omegas) > 0:
        return float(np.std(omegas)), "its vertices'"
    runs = Run.objects.ongoing().filter(network=network).exclude(natural_frequencies=None)
    run = runs.order_by("-started_at", "-id").first()
    if run is not None and np.std(run.natural_frequencies) > 0:
        return float(np.std(run.natural_frequencies)), f"run {run.pk}'s"
    return 1.0, "assumed"
