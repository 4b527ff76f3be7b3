"""What every request passes: middleware, error pages, redirects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from rest_framework.test import APIClient

from tests.factories.accounts import AdminFactory, UserFactory


@pytest.fixture
def browser_client() -> Client:
    """Django's client, which gets a 500 as an answer."""
    return Client(raise_request_exception=False)


def is_problem(response: Any, status: int) -> bool:
    body = json.loads(response.content)
    return (
        response.status_code == body["status"] == status
        and response.headers["Content-Type"] == "application/problem+json"
    )


@pytest.mark.django_db
def test_addresses_that_are_not_there(browser_client: Client) -> None:
    assert is_problem(browser_client.get("/api/v1/nowhere/"), 404)
    page = browser_client.get("/nowhere/")
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True])
def test_an_address_without_its_slash_is_redirected_with_method_and_body(debug: bool, browser_client: Client) -> None:
    with override_settings(DEBUG=debug):
        response = browser_client.post("/api/v1/runs?a=1", b"{}", content_type="application/json")
    assert (response.status_code, response.headers["Location"]) == (308, "/api/v1/runs/?a=1")
    assert browser_client.get("//example.org/api/v1/runs").headers.get("Location", "/").startswith("/")


@pytest.mark.django_db
def test_poison_in_path_query_and_cookies_is_refused(browser_client: Client) -> None:
    assert is_problem(browser_client.get("/api/v1/runs/%00/"), 400)
    assert is_problem(browser_client.get("/api/v1/runs/?kind=%00"), 400)
    assert is_problem(browser_client.get("/api/v1/runs/?%00=1"), 400)
    assert is_problem(browser_client.get("/api/v1/runs/?kind=%FF"), 400)
    octal = 'sessionid="' + "\\000" * 16 + '"'
    assert is_problem(browser_client.get("/api/v1/runs/", headers={"Cookie": octal}), 400)
    for cookie in ("sessionid=\x80\x81", "sessionid=", "csrftoken=x; messages=nonsense", "=;;=", "a" * 5000):
        assert browser_client.get("/api/v1/runs/", headers={"Cookie": cookie}).status_code == 401


@pytest.mark.django_db
def test_odd_headers_get_an_answer(browser_client: Client) -> None:
    odd = (
        {"Host": "no such host.example.org"},
        {"Host": "127.0.0.1:99999999"},
        {"X-Forwarded-For": "nonsense, \u0661"},
        {"X-Request-Id": "\x80" * 500},
        {"Content-Length": "x"},
        {"Referer": "\x80"},
        {"User-Agent": ""},
    )
    for headers in odd:
        response = browser_client.get("/api/v1/runs/", headers=headers)
        assert response.status_code in (400, 401), headers
    assert is_problem(browser_client.get("/api/v1/runs/", headers={"Host": "evil.example.org"}), 400)


@pytest.mark.django_db
def test_too_many_parameters_are_a_problem(browser_client: Client) -> None:
    query = "&".join(f"a{number}=1" for number in range(2000))
    assert is_problem(browser_client.get(f"/api/v1/runs/?{query}"), 400)


@pytest.mark.django_db
def test_a_body_past_the_limit_is_413(admin_api: APIClient) -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        response = admin_api.post("/api/v1/runs/", {"name": "x" * 200})
    assert is_problem(response, 413)


@pytest.mark.django_db
def test_a_session_without_the_csrf_token_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(AdminFactory())
    assert client.get("/api/v1/runs/").status_code == 200
    assert is_problem(client.post("/api/v1/runs/", {"name": "x"}, content_type="application/json"), 403)


@pytest.mark.django_db
def test_a_session_is_refused_without_the_permission() -> None:
    client = APIClient()
    client.force_authenticate(UserFactory())
    assert is_problem(client.get("/api/v1/runs/"), 403)


@pytest.mark.django_db
def test_every_page_carries_a_strict_content_policy(browser_client: Client) -> None:
    for address in ("/admin/login/", "/api/v1/", "/api/docs/", "/nowhere/"):
        policy = browser_client.get(address).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_503_inside_and_outside_views(
    monkeypatch: pytest.MonkeyPatch, browser_client: Client
) -> None:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(AdminFactory())

    def refuse(*_: Any, **__: Any) -> Any:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr("core.api.views.declare_actor", refuse)
        response = client.get("/api/v1/runs/")
    assert is_problem(response, 503)
    assert response.headers["Retry-After"] == "1"
    with monkeypatch.context() as patch:
        patch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.savepoint", refuse)
        assert is_problem(browser_client.get("/api/v1/"), 503)


@pytest.mark.django_db
def test_a_mistake_of_the_server_is_a_problem_without_its_details(
    monkeypatch: pytest.MonkeyPatch, browser_client: Client
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("nfcs.api.root.RootView.get", fail)
    response = browser_client.get("/api/v1/")
    assert is_problem(response, 500)
    assert b"secret" not in response.content
