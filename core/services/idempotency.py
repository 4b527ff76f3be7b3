"""Requests that may be sent twice and are carried out once."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from core.exceptions import Conflict, Unprocessable
from core.models import IdempotencyKey


class RequestInFlight(Conflict):
    """A request with this Idempotency-Key is being carried out; ask again for its answer."""

    code = "in_flight"


class KeyReused(Unprocessable):
    """This Idempotency-Key belongs to a request with another body."""

    code = "key_reused"


class RequestName(NamedTuple):
    """What tells requests apart: caller, route and key."""

    user_id: int
    route: str
    key: str


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    media_type: str
    body: bytes


def claim_request(name: RequestName) -> IdempotencyKey | None:
    """What is stored of an earlier request; None for a new one, which nobody else carries out until this one ends.

    The claim ends with the transaction.

    Raises:
        RequestInFlight: the first one is not over yet.
    """
    digest = hashlib.sha256("\0".join(("idempotency", str(name.user_id), name.route, name.key)).encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)])
        if not cursor.fetchone()[0]:
            raise RequestInFlight
    # After the lock, so that it sees what the one before has committed.
    return IdempotencyKey.objects.filter(user_id=name.user_id, route=name.route, key=name.key).first()


def read_answer(stored: IdempotencyKey, body_sha256: bytes) -> Answer:
    """The answer to a request that was carried out, for the same body.

    Raises:
        KeyReused: the body is another one.
    """
    if not hmac.compare_digest(bytes(stored.body_sha256), body_sha256):
        raise KeyReused
    return Answer(stored.status, stored.media_type, bytes(stored.answer))


def store_answer(name: RequestName, body_sha256: bytes, answer: Answer) -> None:
    """Remember a request, in the transaction that carries it out.

    Raises:
        IntegrityError: `idempotency_keys_uq`, it was carried out meanwhile.
    """
    IdempotencyKey.objects.create(
        user_id=name.user_id,
        route=name.route,
        key=name.key,
        body_sha256=body_sha256,
        status=answer.status,
        media_type=answer.media_type,
        answer=answer.body,
    )


def remove_expired_keys(*, now: datetime) -> int:
    """Forget requests older than the setting IDEMPOTENCY_HOURS, and count them."""
    count, _ = IdempotencyKey.objects.filter(created_at__lt=now - timedelta(hours=settings.IDEMPOTENCY_HOURS)).delete()
    return count
