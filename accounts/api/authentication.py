"""Who a request of the API comes from: access tokens, HTTP Basic, and the session of the admin.

Credentials are checked before the request's transaction begins (`accounts.middleware`): what an attempt leaves, its
count and its audit entry, stays when the request is undone.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.api.refusals import Unauthenticated, refusal_of
from accounts.exceptions import CodeNeeded, FactorNeeded
from accounts.models import User, UserSession
from accounts.second_factor import lacks_factor
from accounts.services.sessions import use_session
from accounts.services.sign_in import check_credentials, needs_factor
from accounts.services.verified import remember, was_verified
from core.client_address import read_client_address
from core.exceptions import DomainError

API_KEY_PREFIX = "nfcs_"
REALM = 'Bearer realm="nfcs"'


@dataclass(frozen=True)
class Credentials:
    """What the `Authorization` header of a request came to: a user, a refusal, or neither where it is not for here."""

    scheme: str
    user: User | None = None
    session: UserSession | None = None
    refusal: APIException | None = None


def read_credentials(request: HttpRequest) -> Credentials:
    """Check the `Authorization` header of a request, once for each request."""
    known: Credentials | None = getattr(request, "nfcs_credentials", None)
    if known is None:
        known = request.nfcs_credentials = _check_header(request)  # type: ignore[attr-defined]
    return known


def _check_header(request: HttpRequest) -> Credentials:
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    scheme, text = scheme.lower(), text.strip()
    try:
        if scheme == "bearer" and not text.startswith(API_KEY_PREFIX):
            user, session = use_session(token=text, now=timezone.now())
            return Credentials(scheme, user, session)
        if scheme == "basic":
            return Credentials(scheme, _check_basic(request, text))
    except DomainError as error:
        return Credentials(scheme, refusal=refusal_of(error))
    except APIException as error:
        return Credentials(scheme, refusal=error)
    return Credentials(scheme)


def _check_basic(request: HttpRequest, text: str) -> User:
    if not settings.API_BASIC:
        raise Unauthenticated("HTTP Basic is switched off here: get a token from auth/token/.", "basic_off")
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError) as error:
        raise Unauthenticated("This is not HTTP Basic: base64 of name, colon and password is needed.") from error
    username, colon, password = decoded.partition(":")
    if not colon:
        raise Unauthenticated("This is not HTTP Basic: base64 of name, colon and password is needed.")
    try:
        known = User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        known = None
    if known is not None and known.is_active and was_verified(known, password) and not needs_factor(known):
        return known
    try:
        user = check_credentials(
            username=username,
            password=password,
            address=read_client_address(request),
            now=timezone.now(),
            use="basic",
        )
    except (CodeNeeded, FactorNeeded) as error:
        detail = "HTTP Basic cannot carry the one-time code that this user needs: get a token from auth/token/."
        raise Unauthenticated(detail, error.code) from error
    remember(user, password)
    return user


class _HeaderAuthentication(BaseAuthentication):
    """An authenticator of one scheme of the `Authorization` header."""

    scheme = ""

    def authenticate(self, request: Request) -> tuple[User, UserSession | None] | None:
        """The user and the session; None where the header is another scheme's.

        Raises:
            APIException: the credentials are refused.
        """
        found = read_credentials(request._request)
        if found.scheme != self.scheme:
            return None
        if found.refusal is not None:
            raise found.refusal
        return None if found.user is None else (found.user, found.session)

    def authenticate_header(self, request: Request) -> str:
        """How to sign in: with a token."""
        refused = read_credentials(request._request).refusal is not None
        return f'{REALM}, error="invalid_token"' if refused else REALM


class Bearer(_HeaderAuthentication):
    """The access token of a session."""

    scheme = "bearer"


class Basic(_HeaderAuthentication):
    """Name and password with every request, for users without a second factor."""

    scheme = "basic"


class AdminSession(SessionAuthentication):
    """The session of the admin; without the second factor that the role asks for it is not enough."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """The user."""
        found = super().authenticate(request)
        if found is not None and lacks_factor(request._request):
            raise refusal_of(FactorNeeded())
        return found


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Access tokens in the OpenAPI document."""

    target_class = Bearer
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        words = "The `access_token` of `POST /api/v1/auth/token/`; it lasts 5 minutes, and `auth/refresh/` renews it."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": words}


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """HTTP Basic in the OpenAPI document."""

    target_class = Basic
    name = "basic"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        words = "Name and password with every request; not for users with a second factor."
        return {"type": "http", "scheme": "basic", "description": words}


class AdminSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session of the admin in the OpenAPI document."""

    target_class = AdminSession
    name = "adminSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        words = "The session of the admin; what writes needs the CSRF token as well."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": words}
