"""The admin site."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.pages.password import OwnPasswordForm
from accounts.pages.second_factor import show_second_factor
from accounts.pages.sign_in import SignInForm
from accounts.second_factor import lacks_factor, mark_session
from accounts.services.sign_in import record_sign_in
from core.client_address import read_client_address
from nfcs.dashboard import views
from nfcs.validating import start_validation

YEARS = {"year", "iso_year"}
"""Lookups of Django."""


def refuse_bad_choice(model_admin: Any, request: HttpRequest) -> None:
    """Refuse rows chosen for an action that no box of the list could have named.

    Raises:
        BadRequest: one is no key of the model.
    """
    if request.method != "POST" or not isinstance(model_admin, admin.ModelAdmin):
        return
    for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
        try:
            model_admin.model._meta.pk.to_python(text)
        except ValidationError as error:
            raise BadRequest("A chosen row has no such key.") from error
        if "\x00" in text:
            raise BadRequest("A chosen row has no such key.")


def refuse_bad_year(request: HttpRequest) -> None:
    """Refuse a year to filter by that no time can have: Django makes the year's two ends of it.

    Raises:
        BadRequest: names the parameter.
    """
    for name, text in request.GET.dict().items():
        if YEARS & set(name.split("__")[1:]) and not re.fullmatch(r"0*[1-9][0-9]{0,3}", text, re.ASCII):
            raise BadRequest(f"{name[:100]}: a year from 1 to 9999 is needed.")


class NfcsAdminSite(admin.AdminSite):
    """Django's admin, drawn in the request's transaction."""

    site_header = "NFCS"
    site_title = "NFCS"
    index_title = "System"
    site_url = None
    login_form = SignInForm

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap `view` as Django does; what the database cannot read in an address or a box is 400."""

        def rendered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if lacks_factor(request) and not _is_open_without_factor(request):
                return HttpResponseRedirect(reverse("admin:nfcs_second_factor"))
            refuse_bad_year(request)
            refuse_bad_choice(getattr(view, "__self__", None), request)
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
            path("second-factor/", self.admin_view(self.show_second_factor), name="nfcs_second_factor"),
            path("core/run/<int:run_id>/overview/", self.admin_view(views.show_overview), name="nfcs_run_overview"),
            *super().get_urls(),
        ]

    @method_decorator(never_cache)
    @login_not_required
    @transaction.non_atomic_requests
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's page with a box for the one-time code, outside a transaction: attempts count whatever follows."""
        response = super().login(request, extra_context)
        user = request.user
        if request.method == "POST" and isinstance(user, User) and isinstance(response, HttpResponseRedirect):
            mark_session(request, shown=user.factor_shown)
            record_sign_in(user=user, use="admin", address=read_client_address(request))
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Django's page; a wrong password counts as an attempt to sign in."""
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=partial(OwnPasswordForm, address=read_client_address(request)),
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return cast(TemplateResponse, view(request))

    def show_second_factor(self, request: HttpRequest) -> HttpResponse:
        """One's own second factor."""
        return show_second_factor(request, self.each_context(request))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first page: the system in pictures above the list of apps."""
        return super().index(request, views.build_index_context(request) | (extra_context or {}))


def _is_open_without_factor(request: HttpRequest) -> bool:
    """Whether a page is open to who still has to set up a second factor."""
    match = request.resolver_match
    return match is not None and match.url_name in ("nfcs_second_factor", "logout", "jsi18n")
