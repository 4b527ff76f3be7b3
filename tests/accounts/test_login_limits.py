"""Limits of signing in: N failures let through exactly N attempts, however they come."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.exceptions import TooManyAttempts
from accounts.models import LoginAttempts
from accounts.services.attempts import (
    clear_attempts,
    give_back_attempt,
    name_account,
    name_address,
    remove_old_attempts,
    take_attempt,
)
from tests.accounts.signing import ME, TOKEN, code_at, enrol
from tests.factories.accounts import AdminFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _few_attempts(settings: Any) -> None:
    settings.LOGIN_ATTEMPTS, settings.LOGIN_ATTEMPTS_PER_ADDRESS, settings.LOGIN_WINDOW_S = 3, 5, 60


def take(name: str = "ada", address: str | None = None, second: float = 0.0) -> Any:
    return take_attempt(username=name, address=address, now=NOW + timedelta(seconds=second))


def sign_in(name: str, password: str, **fields: str) -> Any:
    return APIClient().post(TOKEN, {"username": name, "password": password, **fields})


def basic(name: str, password: str) -> Any:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())
    return client.get(ME)


def test_the_window_slides_and_says_how_long_to_wait() -> None:
    for second in (0, 10, 20):
        take(second=second)
    with pytest.raises(TooManyAttempts) as refused:
        take(second=30.5)
    assert refused.value.retry_after_s == 30
    take(second=60)
    with pytest.raises(TooManyAttempts) as refused:
        take(second=60)
    assert refused.value.retry_after_s == 10
    take(second=70)
    with pytest.raises(TooManyAttempts):
        take(second=79.9)


def test_an_attempt_that_was_right_is_given_back_and_no_other() -> None:
    take(second=1)
    right = take(second=2)
    take(second=3)
    give_back_attempt(attempt=right)
    assert LoginAttempts.objects.get().attempted_at == [NOW + timedelta(seconds=second) for second in (1, 3)]
    give_back_attempt(attempt=right)
    assert len(LoginAttempts.objects.get().attempted_at) == 2


def test_what_is_refused_counts_for_nobody() -> None:
    for _ in range(3):
        take("ada", "192.0.2.1")
    for _ in range(10):
        with pytest.raises(TooManyAttempts):
            take("ada", "192.0.2.1")
    take("eve", "192.0.2.1")
    take("mal", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        take("bob", "192.0.2.1")
    take("bob", "192.0.2.2")
    assert len(LoginAttempts.objects.get(subject=name_account("bob")).attempted_at) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("ada", "ADA"), ("sam", "\u017fam"), ("kim", "\u212aim"), ("ida", "\u0131da")],
)
def test_every_way_of_writing_a_name_has_one_count(one: str, other: str) -> None:
    assert name_account(one) == name_account(other)


def test_addresses_are_counted_as_one_person_has_them() -> None:
    assert name_address("2001:db8::1") == name_address("2001:db8:0:0:ffff::2") == "address:2001:db8::/64"
    assert name_address("2001:db8:0:1::1") != name_address("2001:db8::1")
    assert name_address("::ffff:192.0.2.1") == name_address("192.0.2.1") == "address:192.0.2.1"


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_used_up_limit_is_429_whether_or_not_somebody_has_the_name(name: str) -> None:
    UserFactory(username="ada")
    assert [sign_in(name, "wrong").status_code for _ in range(3)] == [401] * 3
    answer = sign_in(name, "password")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "Try again in 1 min" in answer.json()["detail"]


def test_an_address_that_tries_many_names_is_stopped() -> None:
    UserFactory(username="ada")
    for number in range(5):
        sign_in(f"user{number}", "wrong")
    assert sign_in("ada", "password").status_code == 429


def test_who_is_right_is_never_stopped_by_it() -> None:
    UserFactory(username="ada")
    assert [sign_in("ada", "password").status_code for _ in range(8)] == [200] * 8
    assert [basic("ada", "password").status_code for _ in range(8)] == [200] * 8
    assert LoginAttempts.objects.get(subject=name_account("ada")).attempted_at == []


def test_all_ways_of_signing_in_share_one_limit() -> None:
    user = AdminFactory(username="ada")
    page = Client()
    assert sign_in("ada", "wrong").status_code == 401
    assert basic("ada", "wrong").status_code == 401
    assert page.post("/admin/login/", {"username": "ada", "password": "wrong"}).status_code == 200
    assert sign_in("ada", "password").status_code == 429
    refused = basic("ada", "password")
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, True)
    text = page.post("/admin/login/", {"username": "ada", "password": "password"}).content.decode()
    assert "Too many attempts to sign in have failed. Try again in 1 min." in text
    assert "_auth_user_id" not in page.session
    assert clear_attempts(username=user.username)
    assert sign_in("ada", "password").status_code == 200


def test_one_time_codes_are_limited_too() -> None:
    user = UserFactory(username="ada")
    factor, _ = enrol(user)
    assert [sign_in("ada", "password").json()["code"] for _ in range(4)] == ["code_required"] * 4
    assert [sign_in("ada", "password", code="000000").status_code for _ in range(3)] == [401] * 3
    assert sign_in("ada", "password", code=code_at(factor)).status_code == 429


def test_what_failed_is_counted_though_the_request_is_undone() -> None:
    """The view of ME stands in a transaction of its own; HTTP Basic was counted before it began."""
    UserFactory(username="ada")
    assert basic("ada", "wrong").status_code == 401
    assert len(LoginAttempts.objects.get(subject=name_account("ada")).attempted_at) == 1


def test_the_address_is_the_proxys_word_only_behind_a_proxy() -> None:
    client = APIClient(headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    client.post(TOKEN, {"username": "x", "password": "wrong"})
    assert LoginAttempts.objects.filter(subject="address:127.0.0.1").exists()
    with override_settings(BEHIND_PROXY=True):
        client.post(TOKEN, {"username": "x", "password": "wrong"})
    assert LoginAttempts.objects.filter(subject="address:198.51.100.7").exists()
    assert not LoginAttempts.objects.filter(subject__contains="203.0.113").exists()


def test_old_attempts_are_removed_and_those_that_count_stay() -> None:
    take("old", second=0)
    take("both", second=0)
    take("both", second=50)
    right = take("right", second=50)
    give_back_attempt(attempt=right)
    assert remove_old_attempts(now=NOW + timedelta(seconds=60)) == 2
    assert [row.subject for row in LoginAttempts.objects.all()] == [name_account("both")]


def test_names_are_not_kept_in_clear() -> None:
    sign_in("hunter2-typed-here", "x")
    assert not LoginAttempts.objects.filter(subject__contains="hunter2").exists()


def test_a_changed_password_is_not_taken_from_memory() -> None:
    user = UserFactory(username="ada")
    assert basic("ada", "password").status_code == 200
    user.set_password("another-one-entirely")
    user.save()
    assert basic("ada", "password").status_code == 401
    assert basic("ada", "another-one-entirely").status_code == 200
    user.is_active = False
    user.save()
    assert basic("ada", "another-one-entirely").status_code == 401


def test_the_window_is_set_in_seconds() -> None:
    assert settings.LOGIN_WINDOW_S == 60
    take(second=(timezone.now() - NOW).total_seconds())


def change_password(page: Client, current: str, new: str = "a long new one") -> Any:
    return page.post("/admin/password_change/", {"old_password": current, "new_password1": new, "new_password2": new})


def test_the_page_that_changes_ones_password_shares_the_limit() -> None:
    user = AdminFactory(username="ada")
    page = Client()
    page.force_login(user)
    assert "entered incorrectly" in change_password(page, "wrong").content.decode()
    assert sign_in("ada", "wrong").status_code == 401
    assert change_password(page, "wrong").status_code == 200
    refused = change_password(page, "password")
    assert refused.status_code == 200
    assert "Too many attempts" in refused.content.decode()
    assert sign_in("ada", "password").status_code == 429
    user.refresh_from_db()
    assert user.check_password("password")


def test_a_right_password_is_changed_there_and_the_session_goes_on() -> None:
    user = AdminFactory(username="ada")
    page, other = Client(), Client()
    for client in (page, other):
        client.force_login(user)
    for _ in range(4):
        assert change_password(page, "password", "x").status_code == 200
    assert change_password(page, "password").status_code == 302
    assert page.get("/admin/password_change/done/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert sign_in("ada", "a long new one").status_code == 200
