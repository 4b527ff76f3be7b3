"""What counting the requests of a key costs: requests of the API with and without, and the count by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import psycopg

from tests.bench.harness import Case, Installation, main

REQUESTS = 150
COUNTS = 1000
THREADS = 4
TAKE = "SELECT allowed FROM user_mgmt.take_request_v1(%s, 1000000, 1000000)"


def list_cases(installation: Installation) -> Sequence[Case]:
    """Requests with a key, and counts on connections of their own."""
    text = make_key()
    return [
        Case(
            "request with a key, counted or not",
            "requests/s",
            lambda: ask(text, nullcontext()),
            lambda: ask(text, uncounted()),
            at_least=0.8,
        ),
        Case(
            f"{THREADS} connections, one key or one each",
            "counts/s",
            lambda: count(installation.app_url, lambda _: "key:0"),
            lambda: count(installation.app_url, lambda number: f"key:{number}"),
        ),
        Case(
            "count, against the shortest statement",
            "statements/s",
            lambda: repeat(installation.app_url, TAKE, ["key:0"]),
            lambda: repeat(installation.app_url, "SELECT %s", ["key:0"]),
        ),
    ]


def make_key() -> str:
    """A key that may read runs, without a limit that would be reached."""
    from django.core.management import call_command

    from accounts.models import User
    from accounts.services import create_api_key
    from core.db.identity import SYSTEM, on_behalf_of

    with on_behalf_of(SYSTEM):
        call_command("loaddata", "roles", verbosity=0)
        owner = User.objects.create_user("rig", "rig@example.org")
        _, text = create_api_key(
            owner=owner, name="rig", scopes=["core.view_run"], rate_limit_per_min=1_000_000, burst=1_000_000
        )
    return text


def ask(text: str, counting: AbstractContextManager[Any]) -> float:
    """Requests a second of one client in this process."""
    from rest_framework.test import APIClient

    client = APIClient(SERVER_NAME="127.0.0.1")
    with counting:
        begin = time.perf_counter()
        for _ in range(REQUESTS):
            answer = client.get("/api/v1/runs/?limit=1", HTTP_AUTHORIZATION=f"Api-Key {text}")
            if answer.status_code != 200:
                raise RuntimeError(answer.content.decode())
        return REQUESTS / (time.perf_counter() - begin)


def uncounted() -> AbstractContextManager[Any]:
    """The same site with the count left out."""
    from accounts.services.limits import Allowance

    return patch("accounts.api.middleware.take_request", lambda limit: Allowance(limit, True, 1, 0, 0))


def count(url: str, subject_of: Callable[[int], str]) -> float:
    """Counts a second over several connections at once."""

    def work(number: int) -> None:
        with psycopg.connect(url, autocommit=True) as server:
            for _ in range(COUNTS):
                server.execute(TAKE, [subject_of(number)])

    begin = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    return THREADS * COUNTS / (time.perf_counter() - begin)


def repeat(url: str, statement: str, parameters: list[str]) -> float:
    """Statements a second over one connection."""
    with psycopg.connect(url, autocommit=True) as server:
        begin = time.perf_counter()
        for _ in range(COUNTS):
            server.execute(statement, parameters)
        return COUNTS / (time.perf_counter() - begin)


if __name__ == "__main__":
    main("rate limit", list_cases)
