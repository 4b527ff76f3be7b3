"""API keys and partners: made, ended, moved along."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.choices import PartnerStatus
from accounts.models import ApiKey, PartnerConfig, User
from core.exceptions import Conflict

PREFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SECRET_BYTES = 32


@transaction.atomic
def create_api_key(
    *,
    owner: User,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    allowed_networks: Sequence[str] = (),
    rate_limit_per_min: int = 600,
    burst: int = 60,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, `nfcs_<prefix>_<secret>`, which is never to be had again.

    Raises:
        IntegrityError: an `api_keys_*` constraint; `api_keys_scopes_known` for a scope that is no permission.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey(
        owner=owner,
        name=name,
        prefix="".join(secrets.choice(PREFIX_ALPHABET) for _ in range(8)),
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
        allowed_networks=list(allowed_networks),
        rate_limit_per_min=rate_limit_per_min,
        burst=burst,
    )
    key.save(force_insert=True)
    return key, f"nfcs_{key.prefix}_{secret}"


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a secret, 32 bytes: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def revoke_api_key(*, key: ApiKey, now: datetime) -> ApiKey:
    """End a key for good.

    Raises:
        Conflict: it is revoked already.
    """
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if locked.revoked_at is not None:
        raise Conflict(f"The key was revoked at {locked.revoked_at.isoformat()}.")
    locked.revoked_at = now
    locked.save(update_fields=["revoked_at"])
    return locked


@transaction.atomic
def change_partner_status(*, partner: PartnerConfig, status: PartnerStatus) -> PartnerConfig:
    """Move a partner along draft, active, suspended, closed.

    Raises:
        IntegrityError: `partner_configs_status_order`, the step is not among them.
    """
    locked = PartnerConfig.objects.select_for_update().get(pk=partner.pk)
    locked.status = status
    locked.save(update_fields=["status"])
    return locked
