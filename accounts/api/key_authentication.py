"""API keys as credentials of REST framework."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from accounts.services.key_use import KeyRefused, KnownKey

SCHEME = "Api-Key"
START = "nfcs_"


def read_key(request: HttpRequest) -> str | None:
    """The text of the API key in the `Authorization` header; None where there is none.

    Its scheme is `Api-Key`, or `Bearer` or InfluxDB's `Token` for clients that know no other.
    """
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    scheme, text = scheme.lower(), text.strip()
    return text if scheme == SCHEME.lower() or (scheme in ("bearer", "token") and text.startswith(START)) else None


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key nfcs_<prefix>_<secret>`; KeyMiddleware looked at it before the view's transaction."""

    def authenticate(self, request: Request) -> tuple[User, KnownKey] | None:
        """The key's owner, bounded by its scopes; None where no key was presented.

        Raises:
            AuthenticationFailed: the key does not work.
        """
        key = getattr(request, "api_key", None)
        if isinstance(key, KeyRefused):
            raise AuthenticationFailed(str(key))
        return (key.user, key) if isinstance(key, KnownKey) else None

    def authenticate_header(self, request: Request) -> str:
        """How to sign in."""
        return f'Basic realm="api", {SCHEME} realm="api"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """What the OpenAPI document says of it."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{SCHEME} nfcs_<prefix>_<secret>`: a key made at `api-keys/`, bounded by its scopes. "
            "`Bearer` and `Token` stand for `Api-Key` too.",
        }
