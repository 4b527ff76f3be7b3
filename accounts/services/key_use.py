"""Signing in by API key: who it is, what the key carries, and the record of its use."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from django.db import connection

from accounts.choices import KeyOutcome, PartnerStatus
from accounts.data_classes import bound_scopes
from accounts.models import User
from core.client_address import Address
from core.db.identity import acting_as
from core.services.audit import record_event

KEY = re.compile(r"nfcs_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
"""The text of a key: prefix and secret."""
INVALID = "The API key is not valid."
_REASONS = {
    KeyOutcome.WRONG_SECRET: INVALID,
    KeyOutcome.REVOKED: "The API key was revoked.",
    KeyOutcome.EXPIRED: "The API key has expired.",
    KeyOutcome.OWNER: "The owner of the API key is not active.",
    KeyOutcome.NETWORK: "The API key does not work from this address.",
    KeyOutcome.PARTNER: "The partner of the API key is not active.",
}
_NO_HASH = bytes(32)
_USER_FIELDS = ("username", "email", "role", "is_active", "is_superuser")
_MOST_SEEN = 10_000
_seen: dict[tuple[int, str, str, str], bool] = {}
"""Uses that this process has noted already: of key, day, address and outcome."""


@dataclass(frozen=True)
class KnownKey:
    """A key that was presented and works.

    Attributes:
        user: its owner, bounded by its scopes.
        last_used_at: as far as the database knows.
        asked_at: the time of the database.
    """

    id: int
    user: User
    rate_limit_per_min: int
    burst: int
    last_used_at: datetime | None
    asked_at: datetime


class KeyRefused(Exception):
    """The API key is not valid.

    Attributes:
        key_id: the key, where there is one of that prefix.
        owner_id: its owner.
        outcome: why; None for a text that is no key or has an unknown prefix.
    """

    def __init__(
        self, outcome: KeyOutcome | None = None, key_id: int | None = None, owner_id: int | None = None
    ) -> None:
        super().__init__(_REASONS[outcome] if outcome else INVALID)
        self.outcome, self.key_id, self.owner_id = outcome, key_id, owner_id


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a secret, 32 bytes: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def identify_key(text: str, address: Address | None) -> KnownKey:
    """The key of that text and its owner, whoever acts.

    A prefix that nobody has costs what a wrong secret costs: one look-up and the same comparisons. Only who knows the
    secret is told why the key does not work.

    Raises:
        KeyRefused: it is no key, or one that does not work, or not from this address.
    """
    match = KEY.fullmatch(text)
    if match is None:
        raise KeyRefused
    found = _find(match[1])
    given = hash_secret(match[2])
    is_present = hmac.compare_digest(given, bytes(found["secret_hash"] if found else _NO_HASH))
    is_previous = hmac.compare_digest(given, bytes((found and found["previous_secret_hash"]) or _NO_HASH))
    if found is None:
        raise KeyRefused
    in_grace = is_previous and found["previous_until"] is not None and found["asked_at"] < found["previous_until"]
    outcome = _judge(found, address) if is_present or in_grace else KeyOutcome.WRONG_SECRET
    if outcome is not KeyOutcome.USED:
        raise KeyRefused(outcome, found["id"], found["owner_id"])
    return KnownKey(
        id=found["id"],
        user=_make_user(found),
        rate_limit_per_min=found["rate_limit_per_min"],
        burst=found["burst"],
        last_used_at=found["last_used_at"],
        asked_at=found["asked_at"],
    )


def note_use(key: KnownKey, address: Address | None) -> None:
    """Keep when a key was last used, to the minute, and audit its first use of the day from an address."""
    is_stale = key.last_used_at is None or (key.asked_at - key.last_used_at).total_seconds() >= 60
    _note(key.id, key.user.pk, address, KeyOutcome.USED, key.asked_at, always=is_stale)


def note_refusal(refused: KeyRefused, address: Address | None) -> None:
    """Audit that a known key was refused: once a day for each address and reason, at most 200 times a day."""
    if refused.key_id is not None and refused.outcome is not None:
        _note(refused.key_id, refused.owner_id, address, refused.outcome, datetime.now(UTC))


def _find(prefix: str) -> dict[str, Any] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM user_mgmt.find_api_key_v1(%s)", [prefix])
        row = cursor.fetchone()
        return None if row is None else dict(zip((column[0] for column in cursor.description), row, strict=True))


def _judge(found: dict[str, Any], address: Address | None) -> KeyOutcome:
    """Whether a key whose secret was presented works, or why not."""
    if found["revoked_at"] is not None:
        return KeyOutcome.REVOKED
    if found["expires_at"] is not None and found["expires_at"] <= found["asked_at"]:
        return KeyOutcome.EXPIRED
    if not found["is_active"]:
        return KeyOutcome.OWNER
    networks = found["allowed_networks"]
    if networks and (address is None or not any(address in ip_network(network) for network in networks)):
        return KeyOutcome.NETWORK
    if found["partner_status"] not in (None, PartnerStatus.ACTIVE):
        return KeyOutcome.PARTNER
    return KeyOutcome.USED


def _make_user(found: dict[str, Any]) -> User:
    """The owner, bounded by what the key carries now; what was not read of the row is read when it is asked for."""
    values = {name: found[name] for name in _USER_FIELDS} | {"id": found["owner_id"]}
    names = [field.attname for field in User._meta.concrete_fields if field.attname in values]
    user: User = User.from_db("default", names, [values[name] for name in names])
    user.scopes = frozenset(found["scopes"])
    if found["partner_status"] is not None:
        user.scopes = bound_scopes(
            found["scopes"], allowed=found["partner_scopes"], data_classes=found["partner_classes"]
        )
    return user


def _note(
    key_id: int,
    owner_id: int | None,
    address: Address | None,
    outcome: KeyOutcome,
    now: datetime,
    *,
    always: bool = False,
) -> None:
    seen = (key_id, now.date().isoformat(), str(address), outcome.value)
    if seen in _seen and not always:
        return
    with acting_as(owner_id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_mgmt.note_key_use_v1(%s, %s::inet, %s)",
            [key_id, None if address is None else str(address), outcome.value],
        )
        if cursor.fetchone()[0]:
            record_event(
                event="api_key.used" if outcome is KeyOutcome.USED else "api_key.refused",
                action="execute",
                table_name="user_mgmt.api_keys",
                row_key=key_id,
                details={"address": None if address is None else str(address), "outcome": outcome.value},
            )
    if len(_seen) >= _MOST_SEEN:
        _seen.clear()
    _seen[seen] = True
