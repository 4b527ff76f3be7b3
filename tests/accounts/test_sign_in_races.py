"""Many at once: one winner a refresh token, N attempts within a limit of N, one use a code."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.exceptions import CodeRefused, SignInRefused, TokenRefused, TooManyAttempts
from accounts.models import LoginAttempts, SecondFactor, UserSession
from accounts.services.attempts import name_account, name_address
from accounts.services.factors import verify_code
from accounts.services.sessions import Tokens, refresh_session, sign_in
from core.db.identity import SYSTEM, acting_as
from core.models import AuditEntry
from tests.accounts.signing import code_at, enrol
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE, ROUNDS, PATIENCE_S = 32, 8, 120.0


def all_at_once(work: Callable[[], Any], number: int = AT_ONCE) -> list[Any]:
    """What each of many threads answers or raises, each with a connection of its own as the runtime role."""
    outcomes: list[Any] = []
    ready = threading.Barrier(number)

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE nfcs_app")
            ready.wait(PATIENCE_S)
            outcomes.append(work())
        except Exception as error:  # noqa: BLE001 - what each of them met is what is looked at
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(outcomes) == number
    return outcomes


def kinds(outcomes: list[Any]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes)


def open_session() -> Tokens:
    user = UserFactory()
    return sign_in(
        username=user.username, password="password", code="", address=None, user_agent="", now=timezone.now()
    )


def test_of_32_who_refresh_with_one_token_exactly_one_wins() -> None:
    for _ in range(ROUNDS):
        tokens = open_session()
        outcomes = all_at_once(
            lambda token=tokens.refresh: refresh_session(token=token, address=None, now=timezone.now())
        )
        winners = [outcome for outcome in outcomes if isinstance(outcome, Tokens)]
        assert len(winners) == 1, kinds(outcomes)
        assert all(isinstance(outcome, Tokens | TokenRefused) for outcome in outcomes), kinds(outcomes)
        session = UserSession.objects.get(session_uuid=tokens.session_uuid)
        assert (session.generation, session.revoked_reason) == (1, "reuse")
        with pytest.raises(TokenRefused):
            refresh_session(token=winners[0].refresh, address=None, now=timezone.now())
    reused = [entry for entry in AuditEntry.objects.all() if b"session.refresh_reused" in bytes(entry.payload)]
    assert len(reused) == ROUNDS


@pytest.mark.parametrize("limited", ["account", "address"])
def test_a_limit_of_n_lets_exactly_n_through(limited: str, settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 7 if limited == "account" else 1000
    settings.LOGIN_ATTEMPTS_PER_ADDRESS = 7
    UserFactory(username="ada")
    names = iter([f"user{number}" if limited == "address" else "ada" for number in range(AT_ONCE)])
    lock = threading.Lock()

    def guess() -> None:
        with lock:
            name = next(names)
        sign_in(
            username=name,
            password="wrong",
            code="",
            address="192.0.2.1" if limited == "address" else None,
            user_agent="",
            now=timezone.now(),
        )

    assert kinds(all_at_once(guess)) == {SignInRefused.__name__: 7, TooManyAttempts.__name__: AT_ONCE - 7}
    subject = name_address("192.0.2.1") if limited == "address" else name_account("ada")
    assert len(LoginAttempts.objects.get(subject=subject).attempted_at) == 7


def test_who_is_right_at_the_same_time_as_others_guess_is_counted_once_and_given_back(settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 1000
    UserFactory(username="ada")
    passwords = iter(["wrong", "password"] * (AT_ONCE // 2))
    lock = threading.Lock()

    def try_one() -> Tokens:
        with lock:
            password = next(passwords)
        return sign_in(username="ada", password=password, code="", address=None, user_agent="", now=timezone.now())

    assert kinds(all_at_once(try_one)) == {"Tokens": AT_ONCE // 2, "SignInRefused": AT_ONCE // 2}
    assert len(LoginAttempts.objects.get().attempted_at) == AT_ONCE // 2


@pytest.mark.parametrize("kind", ["one-time", "recovery"])
def test_a_code_that_many_use_at_once_works_once(kind: str) -> None:
    user = UserFactory()
    factor, codes = enrol(user)
    code = code_at(factor) if kind == "one-time" else codes[0]
    read = SecondFactor.objects.get()

    def use() -> bool:
        with acting_as(SYSTEM):
            return verify_code(factor=read, code=code, now=timezone.now())

    assert Counter(all_at_once(use)) == {True: 1, False: AT_ONCE - 1}


def test_signing_in_with_one_code_opens_one_session(settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 1000
    user = UserFactory()
    factor, _ = enrol(user)
    code = code_at(factor)
    outcomes = all_at_once(
        lambda: sign_in(
            username=user.username, password="password", code=code, address=None, user_agent="", now=timezone.now()
        )
    )
    assert kinds(outcomes) == {"Tokens": 1, CodeRefused.__name__: AT_ONCE - 1}
    assert UserSession.objects.count() == 1
