"""Sessions: what ends them, who sees them, and what the database holds them to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import UserSession
from accounts.services.sessions import remove_expired_sessions
from accounts.tokens import (
    hash_token,
    make_access_token,
)
from core.models import AuditEntry
from tests.accounts.signing import client_of, get_tokens
from tests.constitutional.database import execute, violated
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory

pytestmark = pytest.mark.django_db
TOKEN, REFRESH, LOGOUT = "/api/v1/auth/token/", "/api/v1/auth/refresh/", "/api/v1/auth/logout/"
SESSIONS, ME = "/api/v1/auth/sessions/", "/api/v1/users/me/"


def refresh(token: str) -> Any:
    return APIClient().post(REFRESH, {"refresh_token": token})


def events() -> list[str]:
    entries = AuditEntry.objects.order_by("id")
    documents = [json.loads(bytes(entry.payload)) for entry in entries]
    return [document["event"] for document in documents if "event" in document]


def test_logout_ends_this_session_at_once() -> None:
    user = UserFactory()
    here, there = get_tokens(user), get_tokens(user)
    assert client_of(here).post(LOGOUT).status_code == 204
    assert client_of(here).get(ME).status_code == 401
    assert refresh(here["refresh_token"]).status_code == 401
    assert client_of(there).get(ME).status_code == 200
    assert UserSession.objects.get(session_uuid=here["session"]).revoked_reason == "logout"
    assert "session.ended" in events()


def test_logout_from_everywhere_ends_sessions_of_the_admin_too() -> None:
    user = AdminFactory()
    tokens = [get_tokens(user) for _ in range(2)]
    browser = APIClient()
    browser.force_login(user)
    assert browser.get(ME).status_code == 200
    assert client_of(tokens[0]).post(LOGOUT, {"all": True}).status_code == 204
    assert [client_of(each).get(ME).status_code for each in tokens] == [401, 401]
    assert browser.get(ME).status_code == 401


def test_a_session_of_the_admin_logs_itself_out() -> None:
    browser = APIClient()
    browser.force_login(AdminFactory())
    assert browser.post(LOGOUT).status_code == 204
    assert browser.get(ME).status_code == 401


def test_logout_without_a_session_says_what_it_can_do() -> None:
    client = APIClient()
    client.force_authenticate(UserFactory())
    answer = client.post(LOGOUT)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "all")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("is_active = false", "disabled"),
        ("role = 'operator'", "role"),
        ("is_superuser = true", "role"),
        ("password_hash = '!x'", "password"),
        ("sessions_ended_at = now()", "ended"),
    ],
)
def test_what_changes_a_user_in_sql_ends_the_sessions_at_once(change: str, reason: str) -> None:
    user, other = UserFactory(), UserFactory()
    tokens, others = get_tokens(user), get_tokens(other)
    execute(f"UPDATE users SET {change} WHERE id = %s", user.pk)
    assert client_of(tokens).get(ME).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert UserSession.objects.get(user=user).revoked_reason == reason
    assert client_of(others).get(ME).status_code == 200


def test_a_new_address_ends_no_session() -> None:
    user = UserFactory()
    tokens = get_tokens(user)
    execute("UPDATE users SET email = 'new@example.org', last_login = now() WHERE id = %s", user.pk)
    assert client_of(tokens).get(ME).status_code == 200


def test_a_disabled_user_is_out_even_if_the_session_went_on() -> None:
    user = UserFactory()
    tokens = get_tokens(user)
    execute("UPDATE users SET is_active = false WHERE id = %s", user.pk)
    made = UserSession.objects.create(
        user=user, jwt_token_hash="x", refresh_hash="y", expires_at=timezone.now() + timedelta(days=1)
    )
    token = make_access_token(user_id=user.pk, session_uuid=made.session_uuid, now=timezone.now())
    UserSession.objects.filter(pk=made.pk).update(jwt_token_hash=hash_token(token))
    assert client_of({"access_token": token}).get(ME).status_code == 401
    assert client_of(tokens).get(ME).status_code == 401


def test_a_session_ends_by_itself_and_is_removed() -> None:
    user = UserFactory()
    tokens, fresh = get_tokens(user), get_tokens(user)
    long_ago = timezone.now() - timedelta(days=31)
    UserSession.objects.filter(session_uuid=tokens["session"]).update(
        created_at=long_ago, expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert client_of(tokens).get(ME).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert remove_expired_sessions(now=timezone.now()) == 1
    assert [str(session.session_uuid) for session in UserSession.objects.all()] == [fresh["session"]]


def test_the_time_of_use_is_written_once_a_minute() -> None:
    tokens = get_tokens(UserFactory())
    client = client_of(tokens)
    seen = []
    for _ in range(3):
        client.get(ME)
        seen.append(UserSession.objects.get().last_seen_at)
    assert seen[0] is not None
    assert len(set(seen)) == 1
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(seconds=61))
    client.get(ME)
    assert UserSession.objects.get().last_seen_at > seen[0]


def test_own_sessions_are_listed_and_ended_one_by_one() -> None:
    user = UserFactory()
    here, there, foreign = get_tokens(user), get_tokens(user), get_tokens(UserFactory())
    client = client_of(here)
    listed = client.get(SESSIONS).json()
    assert {row["session_uuid"]: row["current"] for row in listed} == {here["session"]: True, there["session"]: False}
    text = client.get(SESSIONS).content.decode()
    for secret in (here["refresh_token"], hash_token(here["access_token"]), hash_token(here["refresh_token"])):
        assert secret not in text
    ids = {row["session_uuid"]: row["id"] for row in listed}
    assert client.delete(f"{SESSIONS}{ids[there['session']]}/").status_code == 204
    assert client.delete(f"{SESSIONS}{ids[there['session']]}/").status_code == 404
    assert client_of(there).get(ME).status_code == 401
    other = UserSession.objects.get(session_uuid=foreign["session"])
    assert client.delete(f"{SESSIONS}{other.pk}/").status_code == 404
    assert client_of(foreign).get(ME).status_code == 200


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("user_id = (SELECT max(id) FROM users)", "user_sessions_identity_fixed"),
        ("session_uuid = gen_random_uuid()", "user_sessions_identity_fixed"),
        ("generation = -1", "user_sessions_identity_fixed"),
        ("revoked_at = now()", "user_sessions_revoked_ck"),
        ("revoked_reason = 'logout'", "user_sessions_revoked_ck"),
        ("revoked_at = now(), revoked_reason = 'boredom'", "user_sessions_revoked_ck"),
    ],
)
def test_the_database_holds_sessions_to_what_they_are(change: str, constraint: str) -> None:
    get_tokens(UserFactory())
    UserFactory()
    assert violated(lambda: execute(f"UPDATE user_sessions SET {change}")) == constraint


@pytest.mark.parametrize("change", ["revoked_at = NULL, revoked_reason = ''", "refresh_hash = 'x'"])
def test_the_end_of_a_session_is_final(change: str) -> None:
    get_tokens(UserFactory())
    UserSession.objects.update(revoked_at=timezone.now(), revoked_reason="logout")
    assert violated(lambda: execute(f"UPDATE user_sessions SET {change}")) == "user_sessions_revoked_final"


def test_an_operator_signs_in_with_the_rights_of_the_role() -> None:
    call_command("loaddata", "roles", verbosity=0)
    client = client_of(get_tokens(OperatorFactory()))
    assert client.get("/api/v1/config/").status_code == 200
    assert client.get("/api/v1/users/").status_code == 403
    assert "constitutional.review_violation" in client.get(ME).json()["permissions"]


def test_nothing_of_a_token_is_stored_in_clear() -> None:
    tokens = get_tokens(UserFactory())
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM user_sessions s")
        row = cursor.fetchone()[0]
    for secret in (tokens["access_token"], tokens["refresh_token"], tokens["refresh_token"][6:]):
        assert secret not in row
