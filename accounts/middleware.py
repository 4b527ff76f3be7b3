"""What is asked of credentials before a request's transaction begins."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from accounts.api.authentication import read_credentials
from accounts.second_factor import is_over, touch

POLLED = "/admin/panels/"
"""What open pages ask for by themselves: it does not keep a session alive."""


class CredentialsMiddleware:
    """Check the `Authorization` header; end sessions of the admin that were left alone.

    It stands after the one that knows the session's user, and outside the transaction of the view.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check, and pass on; what is refused the API answers by itself."""
        if "Authorization" in request.headers and request.path.startswith(("/api/", "/metrics")):
            read_credentials(request)
        if request.user.is_authenticated:
            now_s = time.time()
            if is_over(request.session, now_s=now_s):
                logout(request)
            elif not request.path.startswith(POLLED):
                touch(request.session, now_s=now_s)
        return self.get_response(request)
