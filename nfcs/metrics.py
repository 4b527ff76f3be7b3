"""`/metrics`: the server's own figures as Prometheus reads them.

Every label has few values: views, methods, status codes, tables, connection states.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from constitutional.selectors import count_open_violations
from core.api.renderers import AnyAccept
from core.api.views import ActorMixin
from core.db.identity import SYSTEM, acting_as
from core.db.partitions import list_partitioned_tables
from core.db.sql import fetch_all
from core.metrics import LATENCY, REQUESTS

METHODS = {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"}
logger = logging.getLogger(__name__)


class MetricsMiddleware:
    """Count every answer by view, method and status, and time it by view and method."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and count the answer."""
        begun = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = (match.view_name if match else "") or "unnamed"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(view, method, response.status_code).inc()
        LATENCY.labels(view, method).observe(time.perf_counter() - begun)
        return response


class DatabaseCollector:
    """Gauges read from the database at each scrape; without an answer only `nfcs_database_up`, as 0."""

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        up = GaugeMetricFamily("nfcs_database_up", "Whether the database answered.")
        try:
            # The server's figures are of all runs, whoever asks.
            with acting_as(SYSTEM):
                gauges = [*self._measure_database(), *self._measure_partitions(), *self._count_violations()]
        except Error as error:
            logger.error("the database did not answer a scrape", exc_info=error)
            gauges = []
        up.add_metric([], 1 if gauges else 0)
        yield up
        yield from gauges

    def _measure_database(self) -> Iterator[Metric]:
        row = fetch_all("core", "get_database_size", file="health")[0]
        yield GaugeMetricFamily("nfcs_database_bytes", "Size of the database.", value=row["bytes"])
        connections = GaugeMetricFamily(
            "nfcs_database_connections", "Connections of the runtime role.", labels=["state"]
        )
        for row in fetch_all("core", "count_connections", file="health"):
            connections.add_metric([row["state"]], row["connections"])
        yield connections

    def _measure_partitions(self) -> Iterator[Metric]:
        stored = GaugeMetricFamily(
            "nfcs_table_bytes", "Size of a partitioned table with its indexes.", labels=["table"]
        )
        strays = GaugeMetricFamily(
            "nfcs_default_partition_rows",
            "Rows outside every proper partition, counted to 10000; 0 is healthy.",
            labels=["table"],
        )
        covered = GaugeMetricFamily(
            "nfcs_partitions_covered_seconds", "For how long from now on there are partitions.", labels=["table"]
        )
        parameters = {"tables": list_partitioned_tables(), "at": timezone.now()}
        for row in fetch_all("core", "measure_partitions", parameters, file="health"):
            covered.add_metric([row["table_name"]], row["covered_s"])
            stored.add_metric([row["table_name"]], row["bytes"])
            strays.add_metric([row["table_name"]], row["stray_rows"])
        yield from (stored, strays, covered)

    def _count_violations(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily("nfcs_open_violations", "Violations nobody has resolved.", labels=["type"])
        for violation_type, violations in count_open_violations().by_type.items():
            gauge.add_metric([violation_type], violations)
        yield gauge


class MayReadMetrics(BasePermission):
    """A caller on this machine, or a user with the permission `core.read_server_metrics`.

    Behind a proxy (`NFCS_BEHIND_PROXY`) every caller seems to be on this machine; then only the permission counts.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may read the figures."""
        address = request.META.get("REMOTE_ADDR", "")
        local = _is_loopback(address) and not settings.SECURE_PROXY_SSL_HEADER
        return local or bool(request.user and request.user.has_perm("core.read_server_metrics"))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class MetricsView(ActorMixin):
    """The server's own figures."""

    permission_classes = [MayReadMetrics]
    content_negotiation_class = AnyAccept

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Text in Prometheus' exposition format."""
        figures = generate_latest(process_registry()) + generate_latest(database_registry)
        return HttpResponse(figures, content_type=CONTENT_TYPE_LATEST)


def process_registry() -> CollectorRegistry:
    """What this process counted; or all processes, where they share the directory `PROMETHEUS_MULTIPROC_DIR`."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


database_registry = CollectorRegistry(auto_describe=False)
database_registry.register(DatabaseCollector())
