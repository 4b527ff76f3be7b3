"""The admin site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.db.identity import set_actor


class NfcsAdminSite(admin.AdminSite):
    """Django's admin, whose views name their user to the database."""

    site_header = "NFCS"
    site_title = "NFCS"
    index_title = "System"

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Wrap `view` as Django does; inside, the transaction knows on whose behalf it runs."""

        def as_actor(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            set_actor(request.user.pk)
            return view(request, *args, **kwargs)

        return super().admin_view(as_actor, cacheable)
