"""Rate limits: allowances of requests that every process of the site shares, counted in the database."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network

from django.conf import settings
from django.db import connection

from core.client_address import Address


@dataclass(frozen=True)
class Limit:
    """What one subject may ask for.

    Attributes:
        name: key, user or anonymous; names the policy in the headers.
        subject: whose allowance it is, such as `key:12`.
        per_minute: requests that come back a minute, evenly.
        burst: requests that may come at once, the whole allowance.
    """

    name: str
    subject: str
    per_minute: int
    burst: int


@dataclass(frozen=True)
class Allowance:
    """What is left after a request.

    Attributes:
        allowed: whether the request was within the limit.
        remaining: requests that may follow at once.
        full_in_us: microseconds until the whole allowance is there.
        retry_in_us: microseconds until one request is; 0 where this one was allowed.
    """

    limit: Limit
    allowed: bool
    remaining: int
    full_in_us: int
    retry_in_us: int


def take_request(limit: Limit) -> Allowance:
    """Count one request against its limit.

    Call it outside of a transaction: what it counted then stays counted whatever becomes of the request, and requests
    of one subject wait for each other no longer than the count takes.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT allowed, remaining, full_in_us, retry_in_us FROM user_mgmt.take_request_v1(%s, %s, %s)",
            [limit.subject, limit.per_minute, limit.burst],
        )
        return Allowance(limit, *cursor.fetchone())


def forget_rate_limits() -> int:
    """Remove what was spent and is whole again, and uses of keys from before 90 days; the number of allowances."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_mgmt.forget_rate_limits_v1()")
        return int(cursor.fetchone()[0])


def name_address(address: Address | None) -> str:
    """The subject of requests from an address, without the address itself; of IPv6 from its /64."""
    if isinstance(address, IPv6Address):
        address = ip_network((address, 64), strict=False).network_address
    digest = hmac.new(settings.SECRET_KEY.encode(), f"rate limit {address}".encode(), hashlib.sha256)
    return f"address:{digest.hexdigest()}"
