"""Coupling graphs: networks, their vertices and edges."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core.choices import NetworkStatus
from core.models.base import TimestampedModel


class NetworkManager(models.Manager["RealityNetwork"]):
    """Networks by name, for fixtures."""

    def get_by_natural_key(self, name: str) -> RealityNetwork:
        """The network called `name`."""
        return self.get(name=name)


class RealityNetwork(TimestampedModel):
    """A coupling graph, such as a connectome or an electrode neighbourhood.

    Imported as a whole, by `import_network` or as a fixture; later only what is said about it changes.
    """

    name = models.CharField(max_length=200, unique=True, help_text="What people call the graph.")
    description = models.TextField(blank=True, help_text="What its vertices and edges are.")
    n_nodes = models.IntegerField(help_text="Number of vertices.")
    n_layers = models.IntegerField(default=1, help_text="Number of layers; 1 for an ordinary graph.")
    directed = models.BooleanField(default=False, help_text="Whether an edge couples one way only.")
    weight_unit = models.CharField(max_length=20, default="1", help_text="Unit of the edge weights, UCUM.")
    source = models.CharField(max_length=500, blank=True, help_text="Where the graph comes from.")
    licence = models.CharField(max_length=200, blank=True, help_text="Terms under which it may be used.")
    graph_sha256 = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the canonical edge list, hex.")
    lambda_max = models.FloatField(null=True, blank=True, help_text="Largest eigenvalue of the weight matrix.")
    status = models.CharField(
        max_length=20,
        choices=NetworkStatus,
        default=NetworkStatus.ACTIVE,
        help_text="active, dormant, collapsed or merged.",
    )
    target = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, help_text="The graph it was merged into."
    )

    objects = NetworkManager()

    class Meta:
        db_table = "reality_networks"
        verbose_name = "network"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(n_nodes__gte=1), name="reality_networks_n_nodes_ck"),
            models.CheckConstraint(condition=Q(n_layers__gte=1), name="reality_networks_n_layers_ck"),
            models.CheckConstraint(condition=Q(status__in=NetworkStatus.values), name="reality_networks_status_ck"),
            models.CheckConstraint(
                condition=Q(status=NetworkStatus.MERGED, target__isnull=False)
                | (~Q(status=NetworkStatus.MERGED) & Q(target=None)),
                name="reality_networks_target_ck",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """The name."""
        return (self.name,)


class RealityNodeManager(models.Manager["RealityNode"]):
    """Vertices by network and place, for fixtures."""

    def get_by_natural_key(self, network: str, layer: int, node_index: int) -> RealityNode:
        """The vertex at `node_index` of `layer` in the network of that name."""
        return self.get(network__name=network, layer=layer, node_index=node_index)


class RealityNode(TimestampedModel):
    """A vertex of a coupling graph: one oscillator, electrode or brain region.

    Imported with its network.
    """

    network = models.ForeignKey(
        RealityNetwork, on_delete=models.CASCADE, related_name="nodes", help_text="The graph it belongs to."
    )
    layer = models.IntegerField(default=0, help_text="Layer, from 0 (NeuralBlitz: reality index).")
    node_index = models.IntegerField(help_text="Position in the layer, from 0: the index of its oscillator.")
    label = models.CharField(max_length=100, blank=True, help_text="Name of the electrode or region.")
    x = models.FloatField(null=True, blank=True, help_text="Position, mm.")
    y = models.FloatField(null=True, blank=True, help_text="Position, mm.")
    z = models.FloatField(null=True, blank=True, help_text="Position, mm.")
    omega = models.FloatField(null=True, blank=True, help_text="Natural frequency, rad/s.")

    objects = RealityNodeManager()

    class Meta:
        db_table = "reality_nodes"
        verbose_name = "network node"
        ordering = ["network", "layer", "node_index"]
        constraints = [
            # One vertex per place; also the index for reading a graph in order.
            models.UniqueConstraint(fields=["network", "layer", "node_index"], name="reality_nodes_place_uq"),
            models.CheckConstraint(condition=Q(layer__gte=0, node_index__gte=0), name="reality_nodes_index_ck"),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.layer}/{self.node_index}"

    def natural_key(self) -> tuple[str, int, int]:
        """Network, layer and index."""
        return (*self.network.natural_key(), self.layer, self.node_index)

    natural_key.dependencies = ["core.realitynetwork"]  # type: ignore[attr-defined]


class RealityEdgeManager(models.Manager["RealityEdge"]):
    """Edges by their ends, for fixtures."""

    def get_by_natural_key(self, src: tuple[str, int, int], dst: tuple[str, int, int]) -> RealityEdge:
        """The edge from the vertex `src` to the vertex `dst`, each by its natural key."""
        nodes = RealityNode.objects.db_manager(self.db)
        return self.get(src=nodes.get_by_natural_key(*src), dst=nodes.get_by_natural_key(*dst))


class RealityEdge(TimestampedModel):
    """A coupling from one vertex to another of the same graph; an undirected edge is stored once.

    Imported with its network.
    """

    network = models.ForeignKey(
        RealityNetwork, on_delete=models.CASCADE, related_name="edges", help_text="The graph it belongs to."
    )
    src = models.ForeignKey(RealityNode, on_delete=models.CASCADE, related_name="+", help_text="Where it starts.")
    dst = models.ForeignKey(RealityNode, on_delete=models.CASCADE, related_name="+", help_text="Where it ends.")
    weight = models.FloatField(default=1.0, help_text="Strength, in the network's weight_unit.")
    delay_s = models.FloatField(default=0.0, help_text="Conduction delay, s.")
    lag_rad = models.FloatField(default=0.0, help_text="Phase lag alpha, rad, -pi to pi.")

    objects = RealityEdgeManager()

    class Meta:
        db_table = "reality_edges"
        verbose_name = "network edge"
        ordering = ["network", "id"]
        constraints = [
            models.UniqueConstraint(fields=["src", "dst"], name="reality_edges_ends_uq"),
            models.CheckConstraint(condition=~Q(src=F("dst")), name="reality_edges_no_loop_ck"),
            models.CheckConstraint(condition=Q(weight__gte=0, weight__lt=float("inf")), name="reality_edges_weight_ck"),
            models.CheckConstraint(
                condition=Q(delay_s__gte=0, delay_s__lt=float("inf")), name="reality_edges_delay_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.src_id} - {self.dst_id}"

    def natural_key(self) -> tuple[tuple[str, int, int], tuple[str, int, int]]:
        """The natural keys of both ends."""
        return self.src.natural_key(), self.dst.natural_key()

    natural_key.dependencies = ["core.realitynode"]  # type: ignore[attr-defined]
