"""Addresses of the API: every app's own under `v1/`, the document that describes them, and its pages."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from nfcs.api.control import RecoverView, StopView
from nfcs.api.ingest import VIEWS
from nfcs.api.root import RootView
from nfcs.api.senders import InfluxWriteV2View, InfluxWriteView, OtlpMetricsView
from nfcs.api.stream import StreamView

v1: list[Any] = [
    # Batches stand before the lists, whose routes would take `batch` for an id.
    *(path(f"{kind}/batch/", view.as_view(), name=f"{kind}-batch") for kind, view in VIEWS),
    # Addresses of other protocols end as these have them, without a slash.
    path("ingest/influx/write", InfluxWriteView.as_view(), name="influx-write"),
    path("ingest/influx/api/v2/write", InfluxWriteV2View.as_view(), name="influx-write-v2"),
    path("ingest/otlp/v1/metrics", OtlpMetricsView.as_view(), name="otlp-metrics"),
    path("stream/", StreamView.as_view(), name="stream"),
    path("sync-events/stop/", StopView.as_view(), name="sync-events-stop"),
    path("sync-events/recover/", RecoverView.as_view(), name="sync-events-recover"),
    path("", include("accounts.api.urls")),
    path("", include("core.api.urls")),
    path("", include("kuramoto.api.urls")),
    path("", include("constitutional.api.urls")),
    path("", include("cognitive.api.urls")),
    path("", include("validation.api.urls")),
]

urlpatterns = [
    path("v1/", include([path("", RootView.as_view(patterns=v1), name="api-root"), *v1])),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(template_name="nfcs/api_docs.html"), name="api-docs"),
]
