"""What every request passes: a strict content policy out, and no poison in."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.api.problems import problem_response

View = Callable[[HttpRequest], HttpResponse]


class ContentSecurityPolicyMiddleware:
    """Put the Content-Security-Policy on every answer."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


class RequestSanityMiddleware:
    """Refuse a path or query that PostgreSQL could not store: NUL characters and text that is not UTF-8."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = [text for name, values in request.GET.lists() for text in (name, *values)]
        if any("\x00" in text or "\ufffd" in text for text in (request.path, *query)):
            return problem_response(400, "malformed_text", "The path or query holds a NUL character or is not UTF-8.")
        return self.get_response(request)
