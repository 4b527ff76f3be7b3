"""Tokens of a session: a short access token that is a JWT, and an opaque refresh token that works once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import jwt
from django.conf import settings

ACCESS_LIFETIME = timedelta(minutes=5)
ALGORITHM = "HS256"
AUDIENCE = "nfcs-api"
SECRET_BYTES = 32
MAC_BYTES = 16
REFRESH_BYTES = 16 + 4 + SECRET_BYTES + MAC_BYTES
REFRESH_PREFIX = "nfcsr_"


class BadToken(Exception):
    """The text is no token of this system, or its time is over."""


@dataclass(frozen=True)
class RefreshToken:
    """What a refresh token says: its session, and how many refreshes came before it."""

    session_uuid: uuid.UUID
    generation: int


def make_access_token(*, user_id: int, session_uuid: uuid.UUID, now: datetime) -> str:
    """A JWT for `ACCESS_LIFETIME`."""
    claims = {
        "sub": str(user_id),
        "sid": str(session_uuid),
        "jti": uuid.uuid4().hex,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + ACCESS_LIFETIME,
    }
    return jwt.encode(claims, _derive_key("access"), ALGORITHM)


def read_access_token(token: str) -> uuid.UUID:
    """The session of an access token.

    Raises:
        BadToken: its signature, algorithm, audience or claims are not those of this system, or it is too old.
    """
    try:
        claims = jwt.decode(
            token,
            _derive_key("access"),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["sub", "sid", "jti", "aud", "iat", "exp"]},
        )
        return uuid.UUID(claims["sid"])
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
        raise BadToken(str(error)) from error


def make_refresh_token(*, session_uuid: uuid.UUID, generation: int) -> str:
    """An opaque token: session, generation and 256 random bits, with a code that proves it was given out here."""
    body = session_uuid.bytes + generation.to_bytes(4, "big") + secrets.token_bytes(SECRET_BYTES)
    return REFRESH_PREFIX + base64.urlsafe_b64encode(body + _authenticate(body)).decode()


def read_refresh_token(token: str) -> RefreshToken:
    """What a refresh token says. That it was given out here does not mean that it still works.

    Raises:
        BadToken: it was not given out here.
    """
    try:
        data = base64.b64decode(token.removeprefix(REFRESH_PREFIX).encode("ascii"), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadToken("not a refresh token") from error
    body, code = data[:-MAC_BYTES], data[-MAC_BYTES:]
    if (
        not token.startswith(REFRESH_PREFIX)
        or len(data) != REFRESH_BYTES
        or not hmac.compare_digest(code, _authenticate(body))
    ):
        raise BadToken("not a refresh token")
    return RefreshToken(uuid.UUID(bytes=body[:16]), int.from_bytes(body[16:20], "big"))


def hash_token(token: str) -> str:
    """SHA-256 of a token, hex: its random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _authenticate(body: bytes) -> bytes:
    return hmac.digest(_derive_key("refresh"), body, "sha256")[:MAC_BYTES]


def _derive_key(use: str) -> bytes:
    return _derive_key_from(settings.SECRET_KEY, use)


@cache
def _derive_key_from(secret: str, use: str) -> bytes:
    """A key of 256 bits for one use alone, from the secret key of the installation."""
    return hmac.digest(secret.encode(), f"nfcs {use} token, version 1".encode(), "sha256")
