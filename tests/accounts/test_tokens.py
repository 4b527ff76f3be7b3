"""Tokens: what is given out, what is taken, and what ends them."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import UserSession
from accounts.tokens import (
    BadToken,
    _derive_key,
    hash_token,
    make_access_token,
    make_refresh_token,
    read_access_token,
    read_refresh_token,
)
from core.models import AuditEntry
from tests.accounts.signing import client_of, get_tokens
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
TOKEN, REFRESH, LOGOUT = "/api/v1/auth/token/", "/api/v1/auth/refresh/", "/api/v1/auth/logout/"
SESSIONS, ME = "/api/v1/auth/sessions/", "/api/v1/users/me/"


def refresh(token: str) -> Any:
    return APIClient().post(REFRESH, {"refresh_token": token})


def events() -> list[str]:
    entries = AuditEntry.objects.order_by("id")
    documents = [json.loads(bytes(entry.payload)) for entry in entries]
    return [document["event"] for document in documents if "event" in document]


def test_a_password_is_traded_for_tokens_that_work() -> None:
    user = UserFactory(username="ada")
    answer = APIClient().post(TOKEN, {"username": "ADA", "password": "password"}, headers={"User-Agent": "rig/1"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 300)
    session = UserSession.objects.get()
    assert (session.user, str(session.session_uuid), session.user_agent.reveal()) == (user, tokens["session"], "rig/1")
    assert (session.jwt_token_hash, session.refresh_hash) == (
        hash_token(tokens["access_token"]),
        hash_token(tokens["refresh_token"]),
    )
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims.keys() == {"sub", "sid", "jti", "aud", "iat", "exp"}
    assert (claims["sub"], claims["sid"], claims["exp"] - claims["iat"]) == (str(user.pk), tokens["session"], 300)
    me = client_of(tokens).get(ME).json()
    assert (me["username"], me["session"]) == ("ada", tokens["session"])
    user.refresh_from_db()
    assert user.last_login is not None
    assert events() == ["signin"]


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ada", "password": "wrong"},
        {"username": "nobody", "password": "password"},
        {"username": "gone", "password": "password"},
        {"username": "ada", "password": "x" * 4096},
    ],
)
def test_what_is_wrong_is_refused_with_one_and_the_same_answer(body: dict[str, str]) -> None:
    UserFactory(username="ada")
    UserFactory(username="gone", is_active=False)
    answer = APIClient().post(TOKEN, body)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="nfcs"'
    problem = answer.json()
    assert (problem["code"], problem["detail"]) == (
        "sign_in_refused",
        "Name or password is wrong, or the user is disabled.",
    )
    assert not UserSession.objects.exists()
    assert events() == ["signin.refused"]


def test_the_audit_does_not_keep_the_name_of_somebody_unknown() -> None:
    APIClient().post(TOKEN, {"username": "hunter2-typed-here", "password": "password"})
    entries = list(AuditEntry.objects.filter(table_name="user_mgmt.users"))
    assert [entry.row_key for entry in entries] == ["*"]
    assert b"hunter2" not in bytes(entries[0].payload)


def test_unknown_names_cost_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.hashers import CheapArgon2PasswordHasher

    UserFactory(username="ada")
    hashed: list[str] = []
    for name in ("encode", "verify"):
        real = getattr(CheapArgon2PasswordHasher, name)
        monkeypatch.setattr(
            CheapArgon2PasswordHasher,
            name,
            lambda self, *a, _real=real, **k: (hashed.append("x"), _real(self, *a, **k))[1],
        )
    for name in ("ada", "nobody"):
        hashed.clear()
        APIClient().post(TOKEN, {"username": name, "password": "wrong"})
        assert len(hashed) == 1, name


def forge(**changes: Any) -> str:
    user = UserFactory()
    tokens = get_tokens(user)
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False}) | changes.pop("claims", {})
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        changes.get("key", _derive_key("access")),
        changes.get("algorithm", "HS256"),
        headers=changes.get("headers"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none", "key": None},
        {"algorithm": "HS512"},
        {"key": b"x" * 32},
        {"claims": {"aud": "elsewhere"}},
        {"claims": {"aud": None}},
        {"claims": {"sid": None}},
        {"claims": {"sid": "not a uuid"}},
        {"claims": {"sid": 7}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"sub": None}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_forged_access_token_is_refused(changes: dict[str, Any]) -> None:
    token = forge(**changes)
    # Even one whose hash the database knows.
    UserSession.objects.update(jwt_token_hash=hash_token(token))
    with pytest.raises(BadToken):
        read_access_token(token)
    answer = client_of({"access_token": token}).get(ME)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_same_token_forged_with_nothing_changed_is_taken() -> None:
    token = forge()
    UserSession.objects.update(jwt_token_hash=hash_token(token))
    assert client_of({"access_token": token}).get(ME).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u00e9", "x" * 8000, "nfcsr_AAAA"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert client_of({"access_token": token}).get(ME).status_code == 401


def test_an_access_token_ends_after_five_minutes() -> None:
    now = datetime.now(UTC)
    session_uuid = uuid.uuid4()
    assert read_access_token(make_access_token(user_id=1, session_uuid=session_uuid, now=now)) == session_uuid
    with pytest.raises(BadToken):
        read_access_token(make_access_token(user_id=1, session_uuid=session_uuid, now=now - timedelta(seconds=300)))


def test_a_signed_token_of_a_session_that_is_not_there_is_refused() -> None:
    token = make_access_token(user_id=UserFactory().pk, session_uuid=uuid.uuid4(), now=datetime.now(UTC))
    assert client_of({"access_token": token}).get(ME).status_code == 401


def test_a_refresh_token_works_once_and_replaces_both() -> None:
    first = get_tokens(UserFactory())
    second = refresh(first["refresh_token"]).json()
    assert second["session"] == first["session"]
    assert client_of(first).get(ME).status_code == 401
    assert client_of(second).get(ME).status_code == 200
    third = refresh(second["refresh_token"]).json()
    assert client_of(third).get(ME).status_code == 200
    session = UserSession.objects.get()
    assert session.generation == 2
    assert session.last_seen_at is not None


@pytest.mark.parametrize("generation", [0, 1])
def test_reuse_ends_the_session_with_all_its_tokens(generation: int) -> None:
    family = [get_tokens(UserFactory())]
    for _ in range(2):
        family.append(refresh(family[-1]["refresh_token"]).json())
    answer = refresh(family[generation]["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_reused")
    for tokens in family:
        assert client_of(tokens).get(ME).status_code == 401
        assert refresh(tokens["refresh_token"]).status_code == 401
    session = UserSession.objects.get()
    assert session.revoked_reason == "reuse"
    assert events().count("session.refresh_reused") == 1


def test_reuse_ends_no_other_session() -> None:
    user = UserFactory()
    other, stolen = get_tokens(user), get_tokens(user)
    refresh(stolen["refresh_token"])
    refresh(stolen["refresh_token"])
    assert client_of(other).get(ME).status_code == 200


def test_what_was_not_given_out_here_ends_nothing() -> None:
    tokens = get_tokens(UserFactory())
    session_uuid = uuid.UUID(tokens["session"])
    refresh(tokens["refresh_token"])
    true = base64.urlsafe_b64decode(make_refresh_token(session_uuid=session_uuid, generation=0)[6:])
    for place in range(len(true)):
        broken = bytearray(true)
        broken[place] ^= 1
        text = "nfcsr_" + base64.urlsafe_b64encode(bytes(broken)).decode()
        with pytest.raises(BadToken):
            read_refresh_token(text)
    for text in ("", "nfcsr_", "nfcsr_!!!!", "nfcsr_\u00e9", tokens["refresh_token"][6:], tokens["access_token"]):
        with pytest.raises(BadToken):
            read_refresh_token(text)
    with override_settings(SECRET_KEY="another"):
        assert refresh(tokens["refresh_token"]).status_code == 401
    assert UserSession.objects.get().revoked_at is None


def test_a_token_of_the_generation_that_is_due_but_another_secret_is_refused() -> None:
    tokens = get_tokens(UserFactory())
    other = make_refresh_token(session_uuid=uuid.UUID(tokens["session"]), generation=0)
    assert refresh(other).json()["code"] == "invalid_token"
    assert refresh(tokens["refresh_token"]).status_code == 200
