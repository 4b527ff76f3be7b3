"""A web server on the loopback address that receives webhooks as a test tells it to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DRIBBLE_S = 0.05
"""Between two bytes of a slow answer."""


@dataclass
class Receiver:
    """What the server was sent, and what it answers: one status a request, the last for all further ones.

    Attributes:
        statuses: `silent` never answers, `slow head` and `slow body` answer byte by byte, `endless` has no end.
    """

    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"
    statuses: Sequence[int | str] = (200,)
    location: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://{self.host}:{self.port}/hook?a=b"

    def next_status(self) -> int | str:
        """What the newest request is answered."""
        return self.statuses[min(len(self.requests), len(self.statuses)) - 1]


@contextmanager
def receive(
    *statuses: int | str, host: str = "127.0.0.1", context: ssl.SSLContext | None = None, location: str = ""
) -> Iterator[Receiver]:
    """A server that answers with `statuses`, over TLS where there is a context."""
    scheme = "https" if context else "http"
    receiver = Receiver(host=host, statuses=statuses or (200,), location=location, scheme=scheme)
    server = ThreadingHTTPServer((host, 0), _make_handler(receiver))
    server.daemon_threads = True
    # A client that does not trust the certificate, or cuts the connection, is what tests are about.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    receiver.port = server.server_address[1]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def _make_handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append((dict(self.headers), body))
            receiver.paths.append(self.path)
            status = receiver.next_status()
            with suppress(OSError):
                if isinstance(status, str):
                    self.dawdle(status)
                else:
                    self.answer(status)

        def do_GET(self) -> None:
            receiver.requests.append((dict(self.headers), b""))
            self.answer(200)

        def answer(self, status: int) -> None:
            text = b"no\x00thing <b>here</b>\n" if "?a=b" in self.path else f"no {self.path} here".encode()
            self.send_response(status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def dawdle(self, how: str) -> None:
            head = b"HTTP/1.0 500 Slow\r\n"
            if how == "slow body":
                self.wfile.write(head + b"\r\n")
            while not receiver.over.wait(0 if how == "endless" else DRIBBLE_S):
                if how == "endless":
                    self.wfile.write(head + b"\r\n" + b"x" * 65536)
                    head = b""
                elif how != "silent":
                    self.wfile.write(b"H" if how == "slow head" else b"x")

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    return Handler
