"""Addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from nfcs.health import answer_ready
from nfcs.metrics import MetricsView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/", include("nfcs.api.urls")),
    path("favicon.ico", RedirectView.as_view(url=static("nfcs/favicon.svg"))),
    path("readyz", answer_ready, name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
]

handler400 = "nfcs.errors.bad_request"
handler403 = "nfcs.errors.permission_denied"
handler404 = "nfcs.errors.page_not_found"
handler500 = "nfcs.errors.server_error"
