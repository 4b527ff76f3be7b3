"""API keys: made, changed, rotated, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.db import transaction

from accounts.choices import PartnerStatus
from accounts.constants import MOST_PER_MINUTE
from accounts.models import ApiKey, PartnerConfig, User
from accounts.selectors import find_unknown_scopes
from accounts.services.key_use import hash_secret
from core.exceptions import Conflict, FieldError, InvalidInput

PREFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SECRET_BYTES = 32
MOST_GRACE_MINUTES = 24 * 60
CHANGEABLE = ("name", "allowed_networks", "rate_limit_per_min", "burst")


@transaction.atomic
def create_api_key(
    *,
    owner: User,
    name: str,
    scopes: Sequence[str],
    partner: PartnerConfig | None = None,
    expires_at: datetime | None = None,
    allowed_networks: Sequence[str] = (),
    rate_limit_per_min: int = 600,
    burst: int = 60,
    actor: User | None = None,
    now: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, `nfcs_<prefix>_<secret>`, which is never to be had again.

    Args:
        scopes: permissions that the owner holds, and the actor too.
        partner: whose system will use it; then the scopes lie in what is allowed to the partner.
        allowed_networks: CIDR, IPv4 or IPv6; none for any address.
        actor: who makes it; the owner, where nobody is named.
        now: where it is given, the key may not have expired by then.

    Raises:
        InvalidInput: a scope that the owner or the actor does not hold or the partner is not allowed, a network that
            is none, a limit out of range, an end that is past.
        Conflict: the partner is closed.
    """
    errors = [
        *_check_scopes(scopes, holders=[owner, *([actor] if actor else [])], partner=partner),
        *_check_networks(allowed_networks),
        *_check_limits(rate_limit_per_min, burst),
    ]
    if now is not None and expires_at is not None and expires_at <= now:
        errors.append(FieldError("expires_at", "The key would have ended already.", "past"))
    if errors:
        raise InvalidInput(errors=errors)
    if partner is not None and partner.status == PartnerStatus.CLOSED:
        raise Conflict(f"{partner} is closed; no key is made for it any more.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey(
        owner=owner,
        partner=partner,
        name=name,
        prefix="".join(secrets.choice(PREFIX_ALPHABET) for _ in range(8)),
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
        allowed_networks=normalise_networks(allowed_networks),
        rate_limit_per_min=rate_limit_per_min,
        burst=burst,
    )
    key.save(force_insert=True)
    return key, f"nfcs_{key.prefix}_{secret}"


@transaction.atomic
def change_api_key(*, key: ApiKey, **changes: Any) -> ApiKey:
    """Change the name, `allowed_networks`, `rate_limit_per_min` or `burst` of a key; it keeps its scopes and its end.

    Raises:
        Conflict: the key is revoked.
        InvalidInput: a network that is none, a limit out of range.
    """
    if unknown := set(changes) - set(CHANGEABLE):
        raise TypeError(f"{', '.join(sorted(unknown))} of a key does not change")
    locked = _lock(key)
    errors = [
        *_check_networks(changes.get("allowed_networks", ())),
        *_check_limits(
            changes.get("rate_limit_per_min", locked.rate_limit_per_min), changes.get("burst", locked.burst)
        ),
    ]
    if errors:
        raise InvalidInput(errors=errors)
    if "allowed_networks" in changes:
        changes["allowed_networks"] = normalise_networks(changes["allowed_networks"])
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changes))
    return locked


@transaction.atomic
def rotate_api_key(*, key: ApiKey, grace_minutes: int = 0, now: datetime) -> tuple[ApiKey, str]:
    """Give a key a new secret and return it with its new text, which is never to be had again.

    Args:
        grace_minutes: how long the secret before works too, 0 to 1440; one that was in grace already ends now.

    Raises:
        Conflict: the key is revoked.
        InvalidInput: the grace is out of range.
    """
    if not 0 <= grace_minutes <= MOST_GRACE_MINUTES:
        raise InvalidInput.of("grace_minutes", f"0 to {MOST_GRACE_MINUTES} minutes are possible.", "range")
    locked = _lock(key)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    locked.previous_secret_hash = locked.secret_hash
    locked.previous_until = now + timedelta(minutes=grace_minutes)
    locked.secret_hash, locked.rotated_at = hash_secret(secret), now
    locked.save(update_fields=["secret_hash", "previous_secret_hash", "previous_until", "rotated_at"])
    return locked, f"nfcs_{locked.prefix}_{secret}"


@transaction.atomic
def revoke_api_key(*, key: ApiKey, now: datetime) -> ApiKey:
    """End a key for good, from the next request on.

    Raises:
        Conflict: it is revoked already.
    """
    locked = _lock(key)
    locked.revoked_at = now
    locked.save(update_fields=["revoked_at"])
    return locked


def normalise_networks(networks: Sequence[str]) -> list[str]:
    """The networks in their canonical form, each once."""
    return list(dict.fromkeys(str(ip_network(network)) for network in networks))


def _lock(key: ApiKey) -> ApiKey:
    locked = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if locked.revoked_at is not None:
        raise Conflict(f"The key was revoked at {locked.revoked_at.isoformat()}.")
    return locked


def _check_scopes(scopes: Sequence[str], *, holders: Sequence[User], partner: PartnerConfig | None) -> list[FieldError]:
    errors = []
    unknown = find_unknown_scopes(scopes)
    for index, scope in enumerate(scopes):
        if scope in unknown:
            errors.append(FieldError(f"scopes.{index}", f"There is no permission {scope}.", "unknown"))
            continue
        lacking = next((user for user in holders if not user.has_perm(scope)), None)
        if lacking is not None:
            errors.append(FieldError(f"scopes.{index}", f"{lacking} does not hold {scope}.", "not_held"))
        elif partner is not None and scope not in partner.allowed_scopes:
            errors.append(FieldError(f"scopes.{index}", f"{partner} is not allowed {scope}.", "not_allowed"))
    return errors


def _check_networks(networks: Sequence[str]) -> list[FieldError]:
    errors = []
    for index, network in enumerate(networks):
        try:
            is_scoped = getattr(ip_network(network).network_address, "scope_id", None) is not None
        except ValueError as error:
            errors.append(FieldError(f"allowed_networks.{index}", f"{error}.", "network"))
        else:
            if is_scoped:
                errors.append(FieldError(f"allowed_networks.{index}", f"{network} names an interface.", "network"))
    return errors


def _check_limits(rate_limit_per_min: int, burst: int) -> list[FieldError]:
    limits = {"rate_limit_per_min": rate_limit_per_min, "burst": burst}
    return [
        FieldError(name, f"1 to {MOST_PER_MINUTE} are possible.", "range")
        for name, value in limits.items()
        if not 1 <= value <= MOST_PER_MINUTE
    ]
