"""The configuration of gunicorn, `--config python:nfcs.web`: bounds on what a client may send, and on how slowly."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

IDLE_S = 15.0
"""How long a client that sends a request may say nothing."""
GRACE_S = 20.0
MIN_BYTES_PER_S = 4096
"""A request has to arrive, and an answer to be read, within GRACE_S and as many seconds as it has this many octets."""


class PacedSocket:
    """A client's socket that ends what arrives or is read too slowly; everything else is the socket's own."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._began: float | None = None
        self._received = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def begin(self) -> None:
        """A request begins with the next octet."""
        self._began, self._received = None, 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What arrived.

        Raises:
            OSError: nothing did in time, or too little.
        """
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        left = self._began + GRACE_S + self._received / MIN_BYTES_PER_S - now
        if left <= 0:
            raise OSError(errno.ECONNRESET, "the client sends too slowly")
        self._sock.settimeout(min(IDLE_S, left))
        try:
            data = self._sock.recv(size, flags)
        except TimeoutError:
            raise OSError(errno.ECONNRESET, "the client stopped sending") from None
        finally:
            self._sock.settimeout(None)
        self._received += len(data)
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send it all.

        Raises:
            OSError: the client took too little of it in time.
        """
        self._sock.settimeout(GRACE_S + len(data) / MIN_BYTES_PER_S)
        try:
            self._sock.sendall(data, flags)
        except TimeoutError:
            raise OSError(errno.ECONNRESET, "the client reads too slowly") from None
        finally:
            self._sock.settimeout(None)


class PacedWorker(ThreadWorker):
    """gunicorn's threads, none of which a client can hold by sending or reading slowly."""

    def handle(self, conn: Any) -> Any:
        """Answer the next request of a connection."""
        if not isinstance(conn.sock, PacedSocket):
            conn.sock = PacedSocket(conn.sock)
        conn.sock.begin()
        return super().handle(conn)


worker_class = "nfcs.web.PacedWorker"
workers = 2
threads = 12
timeout = 60
graceful_timeout = 10
keepalive = 5
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
