"""Signed webhooks: one POST to an address that is looked up once, checked and pinned; no redirect is followed.

A name that resolves to a private, loopback, link-local or metadata address is refused, whatever it resolved to before:
the connection goes to the address that was checked, and to no other. Standard library alone.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""From host and port to the addresses of the host."""

SIGNATURE_HEADER = "NFCS-Signature"
TIMESTAMP_HEADER = "NFCS-Timestamp"
TIMEOUT_S = 10.0
"""From the first connection attempt to the end of the answer."""
MAX_ANSWER_BYTES = 4096
"""Of an answer's body no more is read."""
_EXCERPT = 200
_URL = re.compile(r"[!-\[\]-~]{1,500}")
"""Printable ASCII without backslash."""
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
_SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # metadata of a cloud, at a public address
        "192.0.0.0/24",  # protocol assignments, among them metadata of another
        "192.88.99.0/24",
        # Addresses that carry an IPv4 address, and documentation.
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
]


class WebhookError(Exception):
    """The message was not delivered.

    Attributes:
        http_status: what the other side answered; None without answer.
    """

    def __init__(self, detail: str, http_status: int | None = None) -> None:
        self.http_status = http_status
        super().__init__(detail)


class WebhookRefused(WebhookError):
    """The address is one that nothing is sent to."""


@dataclass(frozen=True)
class Target:
    """The parts of a webhook's address."""

    scheme: str
    host: str
    port: int
    path: str


def read_target(url: str) -> Target:
    """The parts of an address.

    Raises:
        WebhookRefused: it is not http or https, holds a password or a fragment, or is no address at all.
    """
    if not _URL.fullmatch(url):
        raise WebhookRefused("The address needs 1 to 500 printable ASCII characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise WebhookRefused(f"This is not an address: {error}.") from error
    if parts.scheme not in ("https", "http") or not host:
        raise WebhookRefused("The address begins with https:// and a host.")
    if "{" in parts.netloc or "}" in parts.netloc:
        raise WebhookRefused("A host holds no braces; a secret is filled in behind it.")
    if "@" in parts.netloc or "#" in url:
        raise WebhookRefused("The address holds neither user and password nor a fragment.")
    if port == 0:
        raise WebhookRefused("There is no port 0.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def check_target(url: str, *, allowed: Sequence[Network] = ()) -> None:
    """Refuse an address that nothing would be sent to, as far as that shows before its name is looked up.

    Raises:
        WebhookRefused: it is none (`read_target`), or it names a host of this machine or an address not public.
    """
    target = read_target(url)
    host = "127.0.0.1" if re.fullmatch(r"(?:.*\.)?localhost\.?", target.host, re.IGNORECASE) else target.host
    try:
        # As the system reads addresses, 0x7f.1 among them, and without a look-up.
        found = socket.getaddrinfo(host, target.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        return
    for entry in found:
        check_address(str(entry[4][0]), is_encrypted=target.scheme == "https", allowed=allowed)


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver orders them.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_address(text: str, *, is_encrypted: bool, allowed: Sequence[Network] = ()) -> None:
    """Refuse an address that is not public, and any without encryption, except in the networks `allowed`.

    Raises:
        WebhookRefused: it is refused.
    """
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in allowed):
        return
    is_public = address in _PUBLIC_IPV6 if address.version == 6 else not address.is_multicast
    if not is_public or not address.is_global or any(address in network for network in _SPECIAL):
        raise WebhookRefused(f"{address} is not public, nor in a network of NFCS_WEBHOOK_ALLOW_PRIVATE.")
    if not is_encrypted:
        raise WebhookRefused(f"{address} needs https; NFCS_WEBHOOK_ALLOW_PRIVATE does not name its network.")


def sign_body(key: bytes, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over `timestamp.body`, as the signature header carries it."""
    return "sha256=" + hmac.new(key, b"%d." % timestamp + body, hashlib.sha256).hexdigest()


def post_webhook(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[Network] = (),
    resolve: Resolve = resolve_host,
    timeout_s: float = TIMEOUT_S,
    context: ssl.SSLContext | None = None,
) -> int:
    """Send a body of JSON and return the status of the answer, 200 to 299.

    Args:
        allowed: networks that may be private, and may be reached without encryption.
        resolve: called once.
        context: the default one where it is None: the system's certificate authorities, host name checked.

    Raises:
        WebhookRefused: nothing is sent to such an address.
        WebhookError: there was no answer in time, or another one.
    """
    target = read_target(url)
    is_encrypted = target.scheme == "https"
    try:
        addresses = resolve(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise WebhookError(f"{target.host} has no address: {_say(error)}.") from error
    for address in addresses:
        check_address(address, is_encrypted=is_encrypted, allowed=allowed)
    deadline = time.monotonic() + timeout_s
    raw = _connect(addresses, target.port, deadline)
    try:
        if is_encrypted:
            context = context or ssl.create_default_context()
            raw = context.wrap_socket(raw, server_hostname=target.host, do_handshake_on_connect=False)
        with _cut_off(raw, deadline) as is_cut:
            try:
                return _exchange(raw, target, body, headers)
            except (OSError, http.client.HTTPException) as error:
                late = f"There was no answer within {timeout_s:g} s."
                raise WebhookError(late if is_cut() else f"The connection failed: {_say(error)}.") from error
    finally:
        raw.close()


def _connect(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=max(deadline - time.monotonic(), 0.001))
        except OSError as error:
            failure = error
    raise WebhookError(f"No connection: {_say(failure) if failure else 'no address'}.")


@contextmanager
def _cut_off(raw: socket.socket, deadline: float) -> Iterator[Callable[[], bool]]:
    """End the connection at the deadline, however slowly the other side dribbles."""
    cut = threading.Event()

    def end() -> None:
        cut.set()
        with suppress(OSError):
            # Not the method of an encrypted socket, which is not to be called beside a read.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline - time.monotonic(), 0.0), end)
    timer.daemon = True
    timer.start()
    try:
        yield cut.is_set
    finally:
        timer.cancel()


def _exchange(raw: socket.socket, target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    # The timer bounds the whole; a timeout of each read would only hide it.
    raw.settimeout(None)
    if isinstance(raw, ssl.SSLSocket):
        raw.do_handshake()
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.default_port = 443 if target.scheme == "https" else 80
    connection.sock = raw
    connection.request("POST", target.path, body=body, headers={**headers, "Connection": "close"})
    with connection.getresponse() as answer:
        if 200 <= answer.status < 300:
            return answer.status
        if 300 <= answer.status < 400:
            raise WebhookError(f"The answer {answer.status} is a redirect, which is not followed.", answer.status)
        excerpt = answer.read(MAX_ANSWER_BYTES)[:_EXCERPT].decode("utf-8", "replace")
    words = "".join(letter if letter.isprintable() else " " for letter in excerpt).strip()
    raise WebhookError(f"The answer was {answer.status}{': ' + words if words else ''}.", answer.status)


def _say(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
