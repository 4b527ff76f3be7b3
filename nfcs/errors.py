"""What stands where no view could answer: problems for programs, Django's pages for people."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from core.api.problems import UNAVAILABLE, is_unavailable, problem_response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    if is_for_programs(request):
        return problem_response(400, "bad_request", "The request is malformed.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    if is_for_programs(request):
        return problem_response(403, "permission_denied", "You may not do this.")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    if is_for_programs(request):
        return problem_response(404, "not_found", "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 where the database does not answer, else 500."""
    if is_unavailable(sys.exc_info()[1]):
        return problem_response(503, "unavailable", UNAVAILABLE)
    if is_for_programs(request):
        return problem_response(500, "internal", "The server made a mistake; it is in its log.")
    return defaults.server_error(request)


def is_for_programs(request: HttpRequest) -> bool:
    """Whether the address is the API's."""
    return request.path.startswith("/api/")
