"""HTTP with patience: kept connections, retries that are safe, servers left in peace when they ask."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from nfcs.client.errors import NotAnswered, Refused

AGAIN = {408, 425, 429, 500, 502, 503, 504}
"""Statuses after which the same request may go through."""
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Credentials:
    """Who the program is: an API key, a token of a sign-in, or name and password."""

    api_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def header(self) -> dict[str, str]:
        """The header that says so."""
        if self.api_key is not None:
            return {"Authorization": f"Api-Key {self.api_key}"}
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.username is not None:
            pair = f"{self.username}:{self.password or ''}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        return {}


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body) if self.body else None


class Transport:
    """Requests to one server; may be used by several threads at once.

    Args:
        url: where the server is, such as `https://nfcs.example.org`.
        patience_s: how long a request is tried again.
        timeout_s: how long one attempt waits for an answer.
        compress: whether batches are sent as gzip.
        sleep: how the time between two attempts passes.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        patience_s: float = 300.0,
        timeout_s: float = 60.0,
        compress: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url: http:// or https:// with a host is needed, not {url!r}")
        self._host, self._port, self._is_secure = parts.hostname, parts.port, parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "nfcs-client", **credentials.header()}
        self._patience_s, self._timeout_s, self._compress, self._sleep = patience_s, timeout_s, compress, sleep
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._closed = threading.Event()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        is_batch: bool = False,
    ) -> Answer:
        """The answer to a request, tried again as long as that is safe and may help.

        Args:
            is_batch: whether the address takes compressed bodies.
            key: Idempotency-Key; a POST without one is not tried again once it was sent.

        Raises:
            Refused: the server says that it is wrong.
            NotAnswered: patience ran out.
        """
        sent = {**self._headers, **(headers or {}), **({"Idempotency-Key": key} if key else {})}
        if body is not None and is_batch and self._compress:
            body, sent["Content-Encoding"] = gzip.compress(body, 3, mtime=0), "gzip"
        deadline = time.monotonic() + self._patience_s
        attempt = 0
        while True:
            cause: Exception | None = None
            pause = min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311
            try:
                answer = self._send(method, path, body, sent)
            except (OSError, http.client.HTTPException) as error:
                if method == "POST" and key is None:
                    raise NotAnswered(f"{method} {path}: {error!r}") from error
                cause, detail = error, repr(error)
            else:
                if answer.status < 400:
                    return answer
                problem = _read_problem(answer)
                is_running = answer.status == 409 and problem.get("code") == "in_flight"
                if not is_running and (answer.status not in AGAIN or (method == "POST" and key is None)):
                    raise Refused(answer.status, problem)
                detail = f"{answer.status} {problem.get('detail', '')}"
                pause = max(pause, _read_pause(answer))
            if self._closed.is_set() or time.monotonic() + pause > deadline:
                raise NotAnswered(f"{method} {path}: {detail}", key) from cause
            self._sleep(pause)
            attempt += 1

    def close(self) -> None:
        """Give up what waits for another attempt, and close the connections."""
        self._closed.set()
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
            connection = kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, self._prefix + path, body, dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close or self._closed.is_set():
            connection.close()
        else:
            self._idle.put(connection)
        return answer


def _read_problem(answer: Answer) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": answer.body[:200].decode(errors="replace")}


def _read_pause(answer: Answer) -> float:
    """Seconds that the server asks to wait; 0 where it does not say."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0
