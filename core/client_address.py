"""Where a request came from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def find_client_address(request: HttpRequest) -> Address | None:
    """The address of the client, IPv4 also where it is mapped into IPv6; None where it is not known.

    It is the peer's; behind a proxy (`NFCS_BEHIND_PROXY`) the last one of `X-Forwarded-For`, which the proxy itself
    wrote, and never one that the client wrote before it.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def read_client_address(request: HttpRequest) -> str | None:
    """The same as text."""
    address = find_client_address(request)
    return None if address is None else str(address)
