"""Addresses of the API."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from nfcs.api.ingest import VIEWS

v1 = [
    # Batches stand before the lists, whose routes would take `batch` for an id.
    *(path(f"{kind}/batch/", view.as_view(), name=f"{kind}-batch") for kind, view in VIEWS),
    path("", include("kuramoto.api.urls")),
    path("", include("validation.api.urls")),
]

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/", include(v1)),
]
