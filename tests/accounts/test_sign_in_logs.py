"""No password, code or token is ever written to a log."""

from __future__ import annotations

import base64
import logging

import pytest
import structlog
from django.test import Client
from rest_framework.test import APIClient

from tests.accounts.signing import ME, TOKEN, client_of, code_at, enrol
from tests.factories.accounts import AdminFactory, UserFactory

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "password", "hunter2-typed-wrongly"


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    plain, guarded = UserFactory(username="ada"), AdminFactory(username="root")
    factor, codes = enrol(guarded)
    with structlog.testing.capture_logs() as events:
        secrets = [WRONG, factor.seed.reveal(), *codes]
        for password in (RIGHT, WRONG):
            APIClient().post(TOKEN, {"username": plain.username, "password": password})
            basic = APIClient()
            encoded = base64.b64encode(f"ada:{password}".encode()).decode()
            basic.credentials(HTTP_AUTHORIZATION=f"Basic {encoded}")
            basic.get(ME)
            secrets.append(encoded)
        code = code_at(factor)
        for given in ("", "987654", code, codes[0]):
            form = {"username": "root", "password": RIGHT, "code": given}
            answer = APIClient().post(TOKEN, form)
            Client().post("/admin/login/", form)
            if answer.status_code == 200:
                tokens = answer.json()
                secrets += [tokens["access_token"], tokens["refresh_token"]]
                client = client_of(tokens)
                client.get(ME)
                client.patch(ME, {"current_password": WRONG, "password": "another-very-strong-one"})
                for _ in range(2):
                    APIClient().post("/api/v1/auth/refresh/", {"refresh_token": tokens["refresh_token"]})
                client.get(ME)
        secrets += ["987654", "another-very-strong-one"]
    written = caplog.text + "".join(map(str, events)) + "".join(capfd.readouterr())
    assert "/api/v1/auth/token/" in written
    assert [secret for secret in secrets if secret in written] == []
