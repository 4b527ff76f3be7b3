"""Users through the API and the admin: administrators manage everybody, everybody manages oneself."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.models import User, UserSession
from accounts.services.users import change_user
from core.db.identity import SYSTEM, acting_as
from tests.accounts.signing import ME, TOKEN, client_of, enrol, get_tokens
from tests.constitutional.database import execute, violated
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory

pytestmark = pytest.mark.django_db
STRONG = "correct horse battery"
USERS, ADMIN = "/api/v1/users/", "/admin/accounts/user/"


def named(answer: Any) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for error in answer.json()["errors"]:
        errors.setdefault(error["field"], []).append(error["code"])
    return errors


@pytest.fixture
def admin(db: None) -> APIClient:
    """A client with the token of an administrator."""
    return client_of(get_tokens(AdminFactory(username="root")))


@pytest.fixture
def page(db: None) -> Client:
    """The admin, signed in as a superuser."""
    client = Client()
    client.force_login(AdminFactory(username="root"))
    return client


def test_a_user_is_made_and_signs_in(admin: APIClient) -> None:
    body = {"username": "ada", "email": "ada@Example.org", "role": "operator", "password": STRONG}
    answer = admin.post(USERS, body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["role"], made["email"], made["is_active"]) == ("operator", "ada@example.org", True)
    assert "password" not in made
    assert client_of(get_tokens(User.objects.get(pk=made["id"]), STRONG)).get(ME).json()["role"] == "operator"


def test_a_user_without_a_password_cannot_sign_in(admin: APIClient) -> None:
    admin.post(USERS, {"username": "rig", "email": "rig@example.org"})
    user = User.objects.get(username="rig")
    assert not user.has_usable_password()
    for password in ("", "!", user.password):
        assert APIClient().post(TOKEN, {"username": "rig", "password": password}).status_code in (400, 401)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"username": "ROOT"}, {"username"}),
        ({"username": "two words"}, {"username"}),
        ({"email": "nowhere"}, {"email"}),
        ({"email": "root@Example.org"}, {"email"}),
        ({"role": "emperor"}, {"role"}),
        ({"password": "password"}, {"password"}),
        ({"password": "adalovelace", "username": "adalovelace"}, {"password"}),
        ({"is_superuser": True}, {"is_superuser"}),
        ({"is_active": "perhaps"}, {"is_active"}),
    ],
)
def test_a_user_that_makes_no_sense_is_refused_at_its_field(
    admin: APIClient, fields: dict[str, Any], errors: set[str]
) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": STRONG} | fields
    answer = admin.post(USERS, body)
    assert (answer.status_code, named(answer).keys()) == (400, errors)
    assert User.objects.count() == 1


def test_a_weak_password_is_told_everything_that_is_wrong_with_it(admin: APIClient) -> None:
    answer = admin.post(USERS, {"username": "ada", "email": "ada@example.org", "password": "abc123"})
    assert named(answer)["password"] == ["password_too_short", "password_too_common"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"role": "readonly"}, "role"), ({"is_active": False}, "disabled"), ({"password": STRONG}, "password")],
)
def test_what_an_administrator_changes_ends_the_sessions_at_once(
    admin: APIClient, change: dict[str, Any], reason: str
) -> None:
    user = OperatorFactory()
    tokens = get_tokens(user)
    answer = admin.patch(f"{USERS}{user.pk}/", change)
    assert answer.status_code == 200
    assert client_of(tokens).get(ME).status_code == 401
    assert UserSession.objects.get(user=user).revoked_reason == reason


def test_a_name_stays(admin: APIClient) -> None:
    answer = admin.patch(f"{USERS}{UserFactory().pk}/", {"username": "other"})
    assert named(answer) == {"username": ["unknown"]}


def test_lists_never_show_a_hash(admin: APIClient) -> None:
    user = UserFactory()
    enrol(user)
    rows = admin.get(USERS).json()["results"]
    assert {row["username"]: row["second_factor"] for row in rows} == {"root": False, user.username: True}
    for address in (USERS, f"{USERS}{user.pk}/", ME):
        text = admin.get(address).content.decode()
        assert "argon2" not in text
        assert "seed" not in text
    assert [row["username"] for row in admin.get(USERS, {"role": "admin"}).json()["results"]] == ["root"]
    assert admin.get(USERS, {"is_active": "false"}).json()["results"] == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "user"}])
def test_the_last_administrator_stays_one(admin: APIClient, change: dict[str, Any]) -> None:
    root = User.objects.get(username="root")
    AdminFactory(is_active=False)
    answer = admin.patch(f"{USERS}{root.pk}/", change)
    assert (answer.status_code, set(named(answer)["role"])) == (400, {"users_last_admin"})
    AdminFactory()
    assert admin.patch(f"{USERS}{root.pk}/", change).status_code == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET role = 'user' WHERE role = 'admin'",
        "UPDATE users SET is_active = false",
    ],
)
def test_the_database_keeps_an_administrator_whoever_asks(statement: str) -> None:
    AdminFactory(), AdminFactory()
    assert violated(lambda: execute(statement)) == "users_last_admin"


def test_the_last_administrator_is_not_deleted(page: Client) -> None:
    root = User.objects.get(username="root")
    assert violated(root.delete) == "users_last_admin"
    answer = page.post(f"{ADMIN}{root.pk}/delete/", {"post": "yes"}, follow=True)
    assert "This is the last active administrator" in answer.content.decode()
    assert User.objects.filter(pk=root.pk).exists()


def test_a_superuser_is_changed_by_superusers_alone() -> None:
    call_command("loaddata", "roles", verbosity=0)
    root = AdminFactory()
    client = client_of(get_tokens(UserFactory(role=Role.ADMIN)))
    for act in (
        lambda: client.patch(f"{USERS}{root.pk}/", {"password": STRONG}),
        lambda: client.delete(f"{USERS}{root.pk}/sessions/"),
        lambda: client.delete(f"{USERS}{root.pk}/second-factor/"),
    ):
        assert act().status_code == 403


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.USER, Role.READONLY])
def test_users_are_administrators_business(role: Role) -> None:
    call_command("loaddata", "roles", verbosity=0)
    user = UserFactory(role=role)
    client, one = client_of(get_tokens(user)), f"{USERS}{user.pk}/"
    assert client.get(ME).status_code == 200
    answers = [
        client.get(USERS),
        client.post(USERS, {"username": "x", "email": "x@example.org"}),
        client.get(one),
        client.patch(one, {"role": "admin"}),
        client.get(f"{one}sessions/"),
        client.delete(f"{one}sessions/"),
        client.delete(f"{one}second-factor/"),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    user.refresh_from_db()
    assert user.role == role


def test_an_administrator_sees_and_ends_sessions_of_others(admin: APIClient) -> None:
    user = UserFactory()
    tokens = [get_tokens(user) for _ in range(2)]
    address = f"{USERS}{user.pk}/sessions/"
    assert {row["session_uuid"] for row in admin.get(address).json()} == {each["session"] for each in tokens}
    assert admin.delete(address).status_code == 204
    assert [client_of(each).get(ME).status_code for each in tokens] == [401, 401]
    assert admin.get(address).json() == []


def test_everybody_changes_the_own_address() -> None:
    client = client_of(get_tokens(UserFactory()))
    assert client.patch(ME, {"email": "new@Example.org"}).json()["email"] == "new@example.org"
    assert named(client.patch(ME, {"email": "nowhere"})) == {"email": ["invalid"]}
    UserFactory(email="taken@example.org")
    assert "email" in named(client.patch(ME, {"email": "TAKEN@example.org"}))
    assert "role" in named(client.patch(ME, {"role": "admin"}))


def test_a_new_password_wants_the_old_one_and_ends_the_other_sessions(settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 3
    user = UserFactory()
    here, there = get_tokens(user), get_tokens(user)
    client = client_of(here)
    assert named(client.patch(ME, {"password": STRONG})) == {"current_password": ["required"]}
    assert named(client.patch(ME, {"current_password": "password"})) == {"password": ["required"]}
    weak = client.patch(ME, {"password": "abc123", "current_password": "password"})
    assert named(weak)["password"] == ["password_too_short", "password_too_common"]
    wrong = client.patch(ME, {"password": STRONG, "current_password": "guess"})
    assert named(wrong) == {"current_password": ["sign_in_refused"]}
    assert client.patch(ME, {"password": STRONG, "current_password": "password"}).status_code == 200
    assert client.get(ME).status_code == 200
    assert client_of(there).get(ME).status_code == 401
    get_tokens(user, STRONG)
    for _ in range(2):
        client.patch(ME, {"password": "another-strong-one", "current_password": "guess"})
    assert client.patch(ME, {"password": "another-strong-one", "current_password": STRONG}).status_code == 429


def test_a_key_with_scopes_changes_nothing_of_its_owner() -> None:
    user = UserFactory()
    user.scopes = frozenset({"core.view_run"})
    client = APIClient()
    client.force_authenticate(user)
    assert client.patch(ME, {"email": "new@example.org"}).status_code == 403


def test_pages_of_users_show_factor_and_sessions_and_end_them(page: Client) -> None:
    user = OperatorFactory(username="ada")
    enrol(user)
    factor_off = UserFactory(username="eve")
    APIClient().post(TOKEN, {"username": "eve", "password": "password"}, headers={"User-Agent": "rig/7"})
    text = page.get(f"{ADMIN}{factor_off.pk}/change/").content.decode()
    assert "rig/7" in text
    assert "127.0.0.1" in text
    listed = page.get(ADMIN).content.decode()
    assert "Operator" in listed
    for action, words in (
        ("end_sessions", "The sessions of eve ended."),
        ("remove_second_factor", "There is no second factor."),
        ("forget_attempts", "may try again."),
    ):
        answer = page.post(ADMIN, {"action": action, "_selected_action": [factor_off.pk]}, follow=True)
        assert words in answer.content.decode()
    assert UserSession.objects.get(user=factor_off).revoked_reason == "ended"
    page.post(ADMIN, {"action": "remove_second_factor", "_selected_action": [user.pk]})
    assert not hasattr(User.objects.get(pk=user.pk), "second_factor")


def test_the_page_of_a_user_says_what_the_database_refuses(page: Client) -> None:
    root = User.objects.get(username="root")
    form = {"username": "root", "email": root.email, "role": "user", "is_active": "on"}
    form |= {"sessions-TOTAL_FORMS": 0, "sessions-INITIAL_FORMS": 0}
    answer = page.post(f"{ADMIN}{root.pk}/change/", form)
    assert answer.status_code == 200
    assert "This is the last active administrator" in answer.content.decode()
    added = page.post(
        f"{ADMIN}add/",
        {
            "username": "new",
            "email": "new@example.org",
            "role": "user",
            "usable_password": "true",
            "password1": STRONG,
            "password2": STRONG,
        },
    )
    assert added.status_code == 302, added.context["adminform"].form.errors
    get_tokens(User.objects.get(username="new"), STRONG)


def test_sessions_are_ended_on_their_page(page: Client) -> None:
    user = UserFactory()
    tokens = get_tokens(user)
    session = UserSession.objects.get()
    address = "/admin/accounts/usersession/"
    assert "goes on" in page.get(address).content.decode()
    answer = page.post(address, {"action": "end", "_selected_action": [session.pk]}, follow=True)
    assert "1 sessions ended." in answer.content.decode()
    assert client_of(tokens).get(ME).status_code == 401
    shown = page.get(f"{address}{session.pk}/change/").content.decode()
    assert session.jwt_token_hash not in shown


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_do_not_both_succeed() -> None:
    with acting_as(SYSTEM):
        pair = [AdminFactory(), AdminFactory()]
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def demote(user: User) -> None:
        try:
            with acting_as(SYSTEM):
                barrier.wait()
                change_user(user=user, role=Role.USER)
            outcomes.append("done")
        except IntegrityError as error:
            outcomes.append(error.__cause__.diag.constraint_name)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=[user]) for user in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["done", "users_last_admin"]
    with transaction.atomic(), acting_as(SYSTEM):
        assert User.objects.filter(role=Role.ADMIN, is_active=True).count() == 1
