"""What every answer carries, and what no request gets past: headers, origins, lengths, slow clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from nfcs import web
from nfcs.hardening import HEADERS
from nfcs.web import PacedSocket
from tests.factories.accounts import AdminFactory
from tests.nfcs.test_requests import is_problem

pytestmark = pytest.mark.django_db
ADDRESSES = (
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/favicon.ico",
    "/admin/",
    "/admin/login/",
    "/admin/nowhere/",
    "/api/docs/",
    "/api/schema/",
    "/api/v1/",
    "/api/v1/nowhere/",
    "/nowhere/",
    "/nowhere/%00",
    "/static/nfcs/favicon.svg",
    "/static/admin/css/base.css",
    "/static/nowhere.css",
)


@pytest.fixture
def anybody() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def admin() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(AdminFactory())
    return client


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_carries_the_headers(anybody: Client, admin: Client, address: str) -> None:
    for client in (anybody, admin):
        for answer in (client.get(address), client.post(address), client.options(address)):
            missing = {name for name, value in HEADERS.items() if answer.headers.get(name) != value}
            answer.close()
            assert missing == set(), answer.status_code


def test_so_do_refusals_and_mistakes(anybody: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        anybody.get("/admin/login/", headers={"Host": "evil.example.org"}),
        anybody.post("/admin/login/", headers={"Content-Length": "99999999999"}),
        anybody.generic("BREW", "/admin/login/"),
    ]
    monkeypatch.setattr("nfcs.api.root.RootView.get", lambda *_: 1 / 0)
    answers.append(anybody.get("/api/v1/"))
    assert [answer.status_code for answer in answers] == [400, 413, 405, 500]
    for answer in answers:
        assert {name for name, value in HEADERS.items() if answer.headers.get(name) != value} == set()
        assert "Traceback" not in answer.content.decode()


def test_the_policy_allows_nothing_inline() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert not any(word in policy for word in ("unsafe", "*", "http:", "https:"))


def test_with_https_cookies_are_secure_and_the_site_is_strict() -> None:
    AdminFactory(username="ada")
    with override_settings(
        SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60, SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True
    ):
        client = Client()
        assert client.get("/admin/login/").status_code == 301
        page = client.get("/admin/login/", secure=True)
        answer = client.post("/admin/login/", {"username": "ada", "password": "password"}, secure=True)
    assert page.headers["Strict-Transport-Security"].startswith("max-age=60")
    assert client.cookies["csrftoken"]["secure"]
    assert answer.status_code == 302
    cookie = client.cookies["sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")


@pytest.mark.parametrize("address", ["/admin/", "/admin/core/run/", "/api/v1/runs/", "/api/v1/", "/admin/nowhere/"])
def test_no_cache_keeps_what_a_user_sees(admin: Client, address: str) -> None:
    assert "no-store" in admin.get(address).headers["Cache-Control"]


def test_caches_keep_what_is_anybodys(admin: Client) -> None:
    answer = admin.get("/static/nfcs/favicon.svg")
    answer.close()
    assert "no-store" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example.org"},
        {"Origin": "https://testserver"},
        {"Origin": "http://[:::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_origin_writes_nothing(admin: Client, headers: dict[str, str]) -> None:
    answer = admin.post("/api/v1/runs/", {"name": "x"}, content_type="application/json", headers=headers)
    assert is_problem(answer, 403)
    assert "another origin" in answer.content.decode()
    assert admin.get("/api/v1/runs/", headers=headers).status_code == 200
    assert "Access-Control-Allow-Origin" not in admin.get("/api/v1/runs/", headers=headers).headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://trusted.example.org"},
        {"Origin": "https://a.wide.example.org", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_programs_this_site_and_trusted_ones_write(admin: Client, settings, headers: dict[str, str]) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example.org", "https://*.wide.example.org"]
    body = {"name": "x", "kind": "simulation"}
    assert admin.post("/api/v1/runs/", body, content_type="application/json", headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("/admin/login/", {"Content-Length": str(4 * 1024 * 1024 + 1)}, 413),
        ("/api/v1/runs/", {"Content-Length": str(64 * 1024 * 1024 + 1)}, 413),
        ("/api/v1/runs/", {"Content-Length": "9" * 5000}, 413),
        ("/api/v1/runs/", {"Content-Length": "x"}, 400),
        ("/api/v1/runs/", {"Content-Length": "-1"}, 400),
        ("/api/v1/runs/", {"Content-Length": "\u0661"}, 400),
        ("/api/v1/runs/", {"Transfer-Encoding": "chunked"}, 411),
        ("/admin/login/", {"Transfer-Encoding": "chunked"}, 411),
        ("/admin/login/", {"Content-Encoding": "gzip"}, 415),
        ("/api/v1/metrics/batch/", {"Content-Length": str((4 << 30) + 1)}, 413),
        ("/api/v1/ingest/influx/write", {"Content-Length": "x"}, 400),
    ],
)
def test_bodies_are_refused_by_their_headers(
    anybody: Client, address: str, headers: dict[str, str], status: int
) -> None:
    assert is_problem(anybody.post(address, b"x", content_type="text/plain", headers=headers), status)


class TestSlowClients:
    @pytest.fixture
    def pair(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PacedSocket, socket.socket]]:
        monkeypatch.setattr(web, "GRACE_S", 0.3)
        monkeypatch.setattr(web, "IDLE_S", 0.2)
        monkeypatch.setattr(web, "MIN_BYTES_PER_S", 1_000_000)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield PacedSocket(ours), theirs

    def test_silence_ends_the_request(self, pair: tuple[PacedSocket, socket.socket]) -> None:
        with pytest.raises(OSError, match="stopped sending"):
            pair[0].recv(10)

    def test_so_does_an_octet_now_and_then(
        self, pair: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter([0.0, 0.1, 0.2, 0.3, 0.4])
        monkeypatch.setattr(web.time, "monotonic", lambda: next(clock))
        pair[1].send(b"dribble")
        assert [pair[0].recv(1) for _ in range(3)] == [b"d", b"r", b"i"]
        with pytest.raises(OSError, match="too slowly"):
            [pair[0].recv(1) for _ in range(2)]

    def test_who_does_not_read_is_cut_off(self, pair: tuple[PacedSocket, socket.socket]) -> None:
        pair[0].sendall(b"a few octets")
        assert pair[1].recv(100) == b"a few octets"
        with pytest.raises(OSError, match="reads too slowly"):
            pair[0].sendall(bytes(1 << 20))

    def test_each_request_has_its_own_time(
        self, pair: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter([0.0, 100.0, 100.1])
        monkeypatch.setattr(web.time, "monotonic", lambda: next(clock))
        pair[1].send(b"abc")
        assert pair[0].recv(1) == b"a"
        pair[0].begin()
        assert pair[0].recv(1) == b"b"
        assert pair[0].recv(1) == b"c"
        assert pair[0].fileno() >= 0
