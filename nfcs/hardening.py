"""What every answer carries and what no request gets past, whatever view it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import is_same_domain

from core.api.problems import problem_response

View = Callable[[HttpRequest], HttpResponse]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": settings.CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer: pages, API, static files, errors, signs of life."""


class HeadersMiddleware:
    """Put the headers of security on every answer, and keep what a signed-in user sees out of caches."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the headers."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if is_for_one_user(request):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def is_for_one_user(request: HttpRequest) -> bool:
    """Whether an answer may be somebody's own: the request says who asks, or asks the API."""
    return (
        settings.SESSION_COOKIE_NAME in request.COOKIES
        or "Authorization" in request.headers
        or request.path.startswith("/api/v")
    ) and not request.path.startswith(str(settings.STATIC_URL))


class CrossOriginMiddleware:
    """Refuse writes to the API that a page of another origin makes a browser send, with whatever credentials it keeps.

    Programs send no `Origin`. The admin's forms carry a token of their own.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse, or pass on."""
        if request.method not in SAFE_METHODS and request.path.startswith("/api/") and comes_from_elsewhere(request):
            return problem_response(403, "cross_origin", "A page of another origin may not do this.")
        return self.get_response(request)


def comes_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a browser says that another site's page made the request."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if origin == f"{request.scheme}://{request.get_host()}":
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True
    return not any(
        known.scheme == parts.scheme and is_same_domain(parts.netloc.lower(), known.netloc.lower().lstrip("*"))
        for known in map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)
    )


class BodyMiddleware:
    """Refuse bodies by what their headers say: too long (413), of no stated length (411), compressed forms (415).

    A view whose `streams_body` is true counts its body while it reads it: that may be longer and need state no length.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; what is refused depends on the view."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Refuse, or let the view be called."""
        is_api = request.path.startswith("/api/")
        is_streamed = getattr(getattr(view, "cls", None), "streams_body", False)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return problem_response(400, "bad_length", "The Content-Length is no number.")
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if is_api else settings.FORM_MAX_BYTES
        if int(length[:20]) > (settings.INGEST_MAX_BYTES if is_streamed else most):
            return problem_response(413, "too_large", "The body is larger than the server takes.")
        if "Transfer-Encoding" in request.headers and not is_streamed:
            return problem_response(411, "length_required", "A body states its Content-Length.")
        if not is_api and request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return problem_response(415, "encoding", "A compressed form is not taken.")
        return None
