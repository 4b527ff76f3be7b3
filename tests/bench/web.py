"""A real web server over an installation, and clients that send to it as fast as it answers."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


@dataclass
class WebServer:
    """gunicorn on the loopback address.

    Attributes:
        headers: who the clients are.
    """

    port: int
    process: subprocess.Popen[bytes]
    headers: dict[str, str] = field(default_factory=dict)

    def workers(self) -> list[int]:
        """The ids of the worker processes."""
        import psutil

        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def kill(self) -> None:
        """End the whole server at once, as a power cut would end its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def environment_of(installation: Any) -> dict[str, str]:
    """The settings of processes that serve an installation; the embedded server is not theirs to stop."""
    return {
        "NFCS_DATA_DIR": str(installation.directory),
        "DATABASE_URL": installation.app_url,
        "NFCS_OWNER_DATABASE_URL": installation.owner_url,
        "NFCS_HTTPS": "false",
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(
    environment: dict[str, str], *, port: int | None = None, workers: int = 2, threads: int = 4
) -> Iterator[WebServer]:
    """Serve the site until the block ends."""
    server = start_web(environment, port=port, workers=workers, threads=threads)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def start_web(environment: dict[str, str], *, port: int | None = None, workers: int = 2, threads: int = 4) -> WebServer:
    """gunicorn, once it answers."""
    port = port or free_port()
    command = [sys.executable, "-m", "gunicorn", "nfcs.wsgi", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    command += ["--config", "python:nfcs.web", "--workers", str(workers), "--threads", str(threads)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return WebServer(port, process)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    raise RuntimeError("the web server did not answer")


def post_all(server: WebServer, path: str, bodies: Sequence[bytes], media_type: str, clients: int = 4) -> float:
    """Seconds until every body was stored, sent by so many clients at once.

    Raises:
        RuntimeError: a body was not taken.
    """
    left = iter(bodies)
    lock = threading.Lock()
    failures: list[str] = []

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
        headers = {"Content-Type": media_type, **server.headers}
        while not failures:
            with lock:
                body = next(left, None)
            if body is None:
                break
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201, 204):
                failures.append(f"{answer.status}: {text[:500]!r}")
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    return time.perf_counter() - begun


def sign_in(server: WebServer) -> Any:
    """An administrator with a session, whose cookie the clients send; returns the user."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from accounts.models import User
    from core.db.identity import SYSTEM, acting_as

    with acting_as(SYSTEM):
        user = User.objects.create_superuser(f"sender{server.port}", f"sender{server.port}@example.org", None)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
    token = "x" * 32
    server.headers |= {"Cookie": f"sessionid={session.session_key}; csrftoken={token}", "X-CSRFToken": token}
    return user
