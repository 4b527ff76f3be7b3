"""Refusals of signing in as answers: 401 with a challenge, 403, 429 with the time to wait."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied

from accounts.exceptions import FactorNeeded, TooManyAttempts
from core.exceptions import DomainError


class Unauthenticated(AuthenticationFailed):
    """401: who calls is not known."""

    def __init__(self, detail: str, code: str = "authentication_failed") -> None:
        super().__init__(detail, code)
        self.default_code = code


class Forbidden(PermissionDenied):
    """403: who calls is known, and may not."""

    def __init__(self, detail: str, code: str) -> None:
        super().__init__(detail, code)
        self.default_code = code


class LimitReached(APIException):
    """429: too many attempts have failed."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = TooManyAttempts.code

    def __init__(self, error: TooManyAttempts) -> None:
        super().__init__(error.detail)
        self.wait = error.retry_after_s


def refusal_of(error: DomainError) -> APIException:
    """The answer to an error of signing in."""
    if isinstance(error, TooManyAttempts):
        return LimitReached(error)
    if isinstance(error, FactorNeeded):
        return Forbidden(error.detail, error.code)
    return Unauthenticated(error.detail, error.code)
