"""Signing in: one winner a refresh token and N attempts within a limit of N, over processes; cost of a token's look-up.

The first two are counts that have to come out exactly, round after round: `--rounds 100` makes a long run of them.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any

from tests.bench.harness import Case, Installation, main

PROCESSES, THREADS = 4, 8
TOKENS_A_ROUND = 10
LIMIT = 20
HEAD_START_S = 0.3
PASSWORD = "correct horse battery"
LOOKUPS = 300


def start_process() -> None:
    """Set Django up in a process of the pool."""
    import django

    django.setup()


def run_threads(work: Callable[[], str], begin_at: float) -> list[str]:
    """What each thread of this process answers, all of them beginning at one moment."""
    from django.db import connection

    def run() -> str:
        connection.ensure_connection()
        time.sleep(max(0.0, begin_at - time.time()))
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        return [future.result() for future in [threads.submit(run) for _ in range(THREADS)]]


def refresh(token: str) -> str:
    """Use a refresh token; how it went."""
    from django.utils import timezone

    from accounts.exceptions import TokenRefused
    from accounts.services.sessions import refresh_session

    try:
        refresh_session(token=token, address=None, now=timezone.now())
    except TokenRefused:
        return "refused"
    return "won"


def guess(username: str) -> str:
    """Try a wrong password; how it went."""
    from django.conf import settings
    from django.utils import timezone

    from accounts.exceptions import SignInRefused, TooManyAttempts
    from accounts.services.sign_in import check_credentials

    settings.LOGIN_ATTEMPTS = LIMIT
    try:
        check_credentials(username=username, password="wrong", address=None, now=timezone.now(), use="token")
    except TooManyAttempts:
        return "stopped"
    except SignInRefused:
        return "let through"
    return "signed in"


def spread(pool: ProcessPoolExecutor, work: Callable[[], str]) -> list[str]:
    """What all threads of all processes answer."""
    begin_at = time.time() + HEAD_START_S
    futures = [pool.submit(run_threads, work, begin_at) for _ in range(PROCESSES)]
    return [outcome for future in futures for outcome in future.result()]


def worst(counts: Sequence[int], wanted: int) -> float:
    """The count furthest from the one wanted."""
    return float(max(counts, key=lambda count: abs(count - wanted)))


def list_cases(installation: Installation) -> list[Case]:
    """The cases."""
    from django.utils import timezone

    from accounts.models import User
    from accounts.services.sessions import open_session, use_session
    from core.db.identity import SYSTEM, acting_as

    with acting_as(SYSTEM):
        user = User.objects.create_user("ada", "ada@example.org", PASSWORD)
    # Its processes hold connections, and not the server.
    os.environ["DATABASE_URL"] = installation.app_url
    pool = ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), start_process)
    names = iter(range(10**9))

    def make_session() -> Any:
        with acting_as(user.pk):
            return open_session(user=user, address=None, user_agent="bench", now=timezone.now())

    def count_winners() -> float:
        won = [spread(pool, partial(refresh, make_session().refresh)).count("won") for _ in range(TOKENS_A_ROUND)]
        return worst(won, 1)

    def count_let_through() -> float:
        return float(spread(pool, partial(guess, f"nobody{next(names)}")).count("let through"))

    token = make_session().access

    def time_lookups() -> float:
        begun = time.perf_counter()
        for _ in range(LOOKUPS):
            use_session(token=token, now=timezone.now())
        return (time.perf_counter() - begun) / LOOKUPS * 1e3

    return [
        Case(f"refresh token, {PROCESSES * THREADS} at once", "winners", count_winners, at_least=1, at_most=1),
        Case(
            f"limit of {LIMIT}, {PROCESSES * THREADS} at once",
            "attempts",
            count_let_through,
            at_least=LIMIT,
            at_most=LIMIT,
        ),
        Case("looking up an access token", "ms", time_lookups),
    ]


if __name__ == "__main__":
    main("sign in", list_cases)
