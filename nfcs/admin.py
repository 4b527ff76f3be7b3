"""The admin site."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, path

from nfcs.dashboard import views
from nfcs.validating import start_validation


class NfcsAdminSite(admin.AdminSite):
    """Django's admin, drawn in the request's transaction."""

    site_header = "NFCS"
    site_title = "NFCS"
    index_title = "System"
    site_url = None

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap `view` as Django does; what the database cannot read in an address or a box is 400."""

        def rendered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                response = view(request, *args, **kwargs)
                # Within the transaction: a list is read when its page is rendered.
                return response.render() if isinstance(response, SimpleTemplateResponse) else response
            except DataError as error:
                raise BadRequest("A value is outside what its column holds.") from error

        return super().admin_view(rendered, cacheable)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The apps in the order of the settings, what operators work with first."""
        order = [config.label for config in apps.get_app_configs() if hasattr(config, "db_schema")]
        listed = super().get_app_list(request, app_label)
        return sorted(
            listed, key=lambda app: order.index(app["app_label"]) if app["app_label"] in order else len(order)
        )

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's addresses, and before them those of the dashboard."""
        return [
            path("panels/<slug:name>/", self.admin_view(views.show_panel), name="nfcs_panel"),
            path(
                "panels/frame/<int:run_id>/<int:at_us>/<int:field_id>.png",
                self.admin_view(views.show_frame, cacheable=True),
                name="nfcs_frame",
            ),
            path(
                "validation/validationrun/start/<slug:validation_type>/",
                self.admin_view(start_validation),
                name="nfcs_validate",
            ),
            path("core/run/<int:run_id>/overview/", self.admin_view(views.show_overview), name="nfcs_run_overview"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first page: the system in pictures above the list of apps."""
        return super().index(request, views.build_index_context(request) | (extra_context or {}))
