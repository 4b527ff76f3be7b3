"""Errors as RFC 9457 problems: `type`, `title`, `status`, `detail`, and `errors` that name each field."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from core.db.errors import translate_database_error
from core.exceptions import Conflict, DomainError, FieldError, NotFound, Unprocessable

CONTENT_TYPE = "application/problem+json"
UNAVAILABLE = "The database does not answer; try again."
logger = logging.getLogger(__name__)

_UNAVAILABLE = {"", "08", "53", "57"}
"""No answer at all, connection exception, insufficient resources, operator intervention (shutdown, timeout)."""

_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Unprocessable",
    429: "Too many requests",
    503: "Not available",
}


def problem(code: str, detail: str, errors: Sequence[FieldError] = (), *, status_code: int) -> dict[str, Any]:
    """The body of a problem."""
    body: dict[str, Any] = {
        "type": f"urn:nfcs:problem:{code}",
        "title": _TITLES.get(status_code, "Error"),
        "status": status_code,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = [asdict(error) for error in errors]
    return body


def problem_response(status_code: int, code: str, detail: str) -> HttpResponse:
    """A problem outside REST framework, for middleware and error handlers."""
    body = orjson.dumps(problem(code, detail, status_code=status_code))
    return HttpResponse(body, status=status_code, content_type=CONTENT_TYPE)


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler: every error a caller can make becomes a problem that names the field."""
    if is_unavailable(error):
        logger.error("the database did not answer", exc_info=error)
        return _respond(503, "unavailable", UNAVAILABLE, headers={"Retry-After": "1"})
    if isinstance(error, DatabaseError):
        translated = translate_database_error(error)
        if translated is None:
            return None
        error = translated
    if isinstance(error, DomainError):
        return _domain_response(error)
    if isinstance(error, DjangoValidationError):
        errors = list(flatten(getattr(error, "message_dict", None) or {"": error.messages}))
        return _respond(400, "invalid", "The request holds values that are not allowed.", errors)
    if isinstance(error, exceptions.ValidationError):
        return _respond(400, "invalid", "The request holds values that are not allowed.", list(flatten(error.detail)))
    if isinstance(error, UnreadablePostError):
        return _respond(400, "unreadable", "The body ended before its end.")
    if isinstance(error, RequestDataTooBig):
        return _respond(413, "too_large", "The body is larger than the server takes.")
    if isinstance(error, ObjectDoesNotExist):
        return _respond(404, "not_found", "There is no such thing.")
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, Http404 | exceptions.NotFound):
        detail = str(error) if isinstance(error, exceptions.NotFound) else "There is no such thing."
        code = "not_found"
    elif isinstance(error, PermissionDenied):
        code, detail = "permission_denied", "You may not do this."
    else:
        code, detail = str(getattr(error, "default_code", "error")), str(getattr(error, "detail", error))
    return _respond(response.status_code, code, detail, headers=dict(response.items()))


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database did not answer, or gave up: the same request may go through later."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return state[:2] in _UNAVAILABLE


def flatten(detail: Any, path: str = "") -> Iterator[FieldError]:
    """Nested REST framework or Django error details, one error a field."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key in ("non_field_errors", "__all__") else str(key)
            yield from flatten(value, ".".join(part for part in (path, name) if part))
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from flatten(value, f"{path}.{index}".lstrip(".") if nested else path)
    else:
        yield FieldError(path or "non_field_errors", str(detail), str(getattr(detail, "code", None) or "invalid"))


def _domain_response(error: DomainError) -> Response:
    statuses = {NotFound: 404, Conflict: 409, Unprocessable: 422}
    status_code = next((status for kind, status in statuses.items() if isinstance(error, kind)), 400)
    return _respond(status_code, error.code, error.detail, error.errors)


def _respond(
    status_code: int,
    code: str,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    set_rollback()
    kept = {
        name: value for name, value in (headers or {}).items() if name in ("WWW-Authenticate", "Retry-After", "Allow")
    }
    body = problem(code, detail, errors, status_code=status_code)
    return Response(body, status=status_code, headers=kept, content_type=CONTENT_TYPE)
