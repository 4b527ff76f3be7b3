"""Users and sessions: what the database holds them to, and signing in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management import call_command
from django.db import connection

from accounts.models import User, UserSession
from tests.constitutional.database import execute, violated
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"username": "ADA"}, "users_username_lower_uq"),
        ({"email": "Ada@Example.org"}, "users_email_lower_uq"),
        ({"role": "emperor"}, "users_role_ck"),
    ],
)
def test_a_user_that_makes_no_sense_is_refused_by_name(fields: dict[str, Any], constraint: str) -> None:
    UserFactory(username="ada", email="ada@example.org")
    assert violated(lambda: UserFactory(**fields)) == constraint


@pytest.mark.parametrize("password", ["secret", "", "md5$salt$hash", "argon2"])
def test_a_password_in_clear_text_is_refused(password: str) -> None:
    user = UserFactory()
    change = lambda: execute("UPDATE users SET password_hash = %s WHERE id = %s", password, user.pk)  # noqa: E731
    assert violated(change) == "users_password_hash_ck"


def test_hashes_of_both_kinds_and_the_mark_of_none_are_kept() -> None:
    user = UserFactory()
    for password in (Argon2PasswordHasher().encode("x", "somesalt"), "$2b$12$" + "a" * 53, "!unusable"):
        execute("UPDATE users SET password_hash = %s WHERE id = %s", password, user.pk)


def test_a_session_ends_after_it_began() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    user = UserFactory()
    change = lambda: UserSession.objects.create(  # noqa: E731
        user=user, jwt_token_hash="0" * 64, created_at=now, expires_at=now
    )
    assert violated(change) == "user_sessions_expires_ck"
    UserSession.objects.create(
        user=user, jwt_token_hash="0" * 64, created_at=now, expires_at=now + timedelta(seconds=1)
    )
    user.delete()
    assert not UserSession.objects.exists()


def test_updated_at_follows_any_change() -> None:
    user = UserFactory()
    user.refresh_from_db()
    before = user.updated_at
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users SET email = 'other@example.org' WHERE id = %s", [user.pk])
    user.refresh_from_db()
    assert user.updated_at > before


def test_names_are_found_in_any_case_and_poison_finds_nobody() -> None:
    user = UserFactory(username="Ada")
    assert authenticate(username="aDA", password="password") == user
    for name in ("", "ada\x00", "nobody", "x" * 10_000):
        assert authenticate(username=name, password="password") is None


def test_createsuperuser_makes_an_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", "--noinput", username="root", email="root@example.org", verbosity=0)
    root = User.objects.get(username="root")
    assert (root.role, root.is_superuser, root.is_staff) == ("admin", True, True)
    assert {group.name for group in root.groups.all()} == {"admin"}
    assert authenticate(username="root", password="correct horse battery") == root
