"""`manage.py sign_in`: for who has a shell, when nobody can help in the admin."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from rest_framework.test import APIClient

from accounts.models import SecondFactor, UserSession
from tests.accounts.signing import TOKEN, code_at, enrol, get_tokens
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def run(verb: str, *arguments: str) -> Any:
    out = StringIO()
    call_command("sign_in", verb, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_it_says_how_a_user_stands() -> None:
    user = UserFactory(username="ada")
    factor, _ = enrol(user)
    get_tokens(user, code=code_at(factor))
    APIClient().post(TOKEN, {"username": "ada", "password": "wrong"})
    assert run("show", "ADA") == {
        "username": "ada",
        "role": "user",
        "is_active": True,
        "sessions": 1,
        "second_factor": True,
        "second_factor_required": False,
        "failed_attempts": 1,
    }


@pytest.mark.parametrize("dry", [True, False])
def test_it_lets_in_again_and_puts_out(dry: bool, settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 2
    user = UserFactory(username="ada")
    factor, _ = enrol(user)
    get_tokens(user, code=code_at(factor))
    for _ in range(2):
        APIClient().post(TOKEN, {"username": "ada", "password": "wrong"})
    options = ["--dry-run"] if dry else []
    for verb in ("end-sessions", "forget-attempts", "remove-factor"):
        assert run(verb, "ada", *options) == {"username": "ada", "done": not dry}
    assert SecondFactor.objects.exists() is dry
    assert UserSession.objects.filter(revoked_at=None).exists() is dry
    assert APIClient().post(TOKEN, {"username": "ada", "password": "password"}).status_code == (429 if dry else 200)


def test_it_fails_where_there_is_nothing() -> None:
    UserFactory(username="ada")
    with pytest.raises(CommandError, match="no second factor"):
        run("remove-factor", "ada")
    with pytest.raises(CommandError, match="no user eve"):
        run("show", "eve")
