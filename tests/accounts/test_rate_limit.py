"""A limit of N lets through exactly N, however many processes count; and what the answers say about it."""

from __future__ import annotations

import base64
import re
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import RequestFactory, override_settings
from rest_framework.test import APIClient

from accounts.models import RateLimit
from accounts.services import create_api_key, sign_in
from accounts.services.limits import Limit, forget_rate_limits, name_address, take_request
from core.client_address import find_client_address
from tests.factories.accounts import UserFactory

THREADS = 8
TAKE = "SELECT allowed FROM user_mgmt.take_request_v1(%s, %s, %s)"


def make_key(**fields: Any) -> str:
    call_command("loaddata", "roles", verbosity=0)
    return create_api_key(**{"owner": UserFactory(), "name": "rig", "scopes": ["core.view_run"]} | fields)[1]


def call(text: str, path: str = "/api/v1/runs/", **extra: Any) -> Any:
    return APIClient().get(path, HTTP_AUTHORIZATION=f"Api-Key {text}", **extra)


def race(url: str, ask: Callable[[psycopg.Connection, str], bool], *, subject: str, each: int) -> int:
    """How many of `THREADS * each` requests at once get through; every thread has its connection, as a process has."""
    start = threading.Barrier(THREADS)

    def work(_: int) -> int:
        with psycopg.connect(url, autocommit=True) as server:
            start.wait()
            return sum(ask(server, subject) for _ in range(each))

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS)))


def database_url() -> str:
    parameters = connection.get_connection_params()
    return psycopg.conninfo.make_conninfo(
        host=parameters["host"], dbname=parameters["dbname"], user=parameters["user"], port=parameters.get("port")
    )


def take(server: psycopg.Connection, subject: str) -> bool:
    row = server.execute(TAKE, [subject, 1, 100]).fetchone()
    return bool(row and row[0])


def take_in_two_steps(server: psycopg.Connection, subject: str) -> bool:
    """What a limiter that reads and then writes would do."""
    row = server.execute("SELECT full_at <= now() + interval '99 min' FROM rate_limits WHERE subject = %s", [subject])
    found = row.fetchone()
    if found is not None and not found[0]:
        return False
    server.execute(
        "INSERT INTO rate_limits AS l (subject, full_at) VALUES (%s, clock_timestamp() + interval '1 min') "
        "ON CONFLICT (subject) DO UPDATE SET full_at = greatest(l.full_at, clock_timestamp()) + interval '1 min'",
        [subject],
    )
    return True


@pytest.mark.django_db(transaction=True)
def test_a_limit_of_n_lets_through_exactly_n_at_once() -> None:
    for turn in range(5):
        assert race(database_url(), take, subject=f"key:{turn}", each=40) == 100


@pytest.mark.django_db(transaction=True)
def test_a_limiter_that_reads_and_then_writes_is_found_out() -> None:
    passed = [race(database_url(), take_in_two_steps, subject=f"key:{turn}", each=40) for turn in range(5)]
    assert max(passed) > 100


@pytest.mark.django_db(transaction=True)
def test_a_limit_holds_over_the_threads_of_a_server(live_server: Any) -> None:
    headers = {"Authorization": f"Api-Key {make_key(rate_limit_per_min=1, burst=20)}"}

    def ask(_: int) -> int:
        request = urllib.request.Request(f"{live_server.url}/api/v1/runs/", headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = Counter(pool.map(ask, range(60)))
    assert statuses == {200: 20, 429: 40}


@pytest.mark.django_db
def test_every_answer_to_a_key_says_what_is_left() -> None:
    text = make_key(rate_limit_per_min=1, burst=3)
    answers = [
        call(text),
        call(text, "/api/v1/config/"),
        call(text, "/api/v1/nowhere/"),
        call(text),
        call(text, "/api/v1/runs"),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 404, 429, 429]
    for left, answer in zip((2, 1, 0, 0, 0), answers, strict=True):
        assert answer["RateLimit-Policy"] == '"key";q=3;w=180'
        assert re.fullmatch(rf'"key";r={left};t=[0-9]+', answer["RateLimit"])
    assert "Retry-After" not in answers[2]
    seconds = int(answers[3]["Retry-After"])
    assert 1 <= seconds <= 60
    assert answers[3]["Content-Type"] == "application/problem+json"
    assert answers[3].json()["code"] == "quota_exceeded"
    words = f"1 requests a minute are allowed, 3 at once; the next one in {seconds} seconds."
    assert answers[3].json()["detail"] == words


@pytest.mark.django_db(transaction=True)
def test_what_fails_is_counted_all_the_same() -> None:
    text = make_key(rate_limit_per_min=1, burst=2, scopes=["core.add_run"])
    key = f"Api-Key {text}"
    for _ in range(2):
        refused = APIClient().post("/api/v1/runs/", {"name": ""}, HTTP_AUTHORIZATION=key)
        assert refused.status_code == 400
    assert APIClient().post("/api/v1/runs/", {"name": "x"}, HTTP_AUTHORIZATION=key).status_code == 429


@pytest.mark.django_db
def test_a_wrong_secret_spends_nothing_of_the_key() -> None:
    text = make_key(rate_limit_per_min=1, burst=2)
    for _ in range(5):
        assert call(f"{text[:14]}{'x' * 43}").status_code == 401
    assert [call(text).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.django_db
def test_keys_spend_their_own_and_what_is_spent_comes_back() -> None:
    first = Limit("key", "key:1", per_minute=1200, burst=2)
    assert [take_request(first).allowed for _ in range(3)] == [True, True, False]
    assert take_request(Limit("key", "key:2", per_minute=1200, burst=2)).allowed
    refused = take_request(first)
    assert 0 < refused.retry_in_us <= 50_000
    time.sleep(refused.retry_in_us / 1e6)
    assert take_request(first).allowed


@pytest.mark.django_db
def test_a_limit_that_was_raised_counts_from_now_on() -> None:
    slow, fast = Limit("key", "key:1", 1, 5), Limit("key", "key:1", 6000, 5)
    assert [take_request(slow).allowed for _ in range(6)] == [True] * 5 + [False]
    refused = take_request(fast)
    assert not refused.allowed
    assert refused.retry_in_us <= 10_000
    time.sleep(0.02)
    assert take_request(fast).allowed


@pytest.mark.django_db
def test_what_is_whole_again_is_forgotten() -> None:
    take_request(Limit("key", "key:1", per_minute=1, burst=5))
    take_request(Limit("key", "key:2", per_minute=6000, burst=5))
    time.sleep(0.02)
    assert forget_rate_limits() == 1
    assert list(RateLimit.objects.values_list("subject", flat=True)) == ["key:1"]


@pytest.mark.django_db
def test_requests_without_a_key_are_counted_where_that_is_set() -> None:
    call_command("loaddata", "roles", verbosity=0)
    user, other = UserFactory(), UserFactory()
    clients = []
    for who in (user, other):
        clients.append(APIClient())
        clients[-1].force_login(who)
    assert "RateLimit" not in clients[0].get("/api/v1/runs/")
    with override_settings(RATE_LIMIT_USER=(1, 2), RATE_LIMIT_ANONYMOUS=(1, 1)):
        answers = [clients[0].get("/api/v1/runs/") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0]["RateLimit-Policy"] == '"user";q=2;w=120'
        assert clients[1].get("/api/v1/runs/").status_code == 200
        anonymous = [APIClient().get("/api/v1/", REMOTE_ADDR=f"2001:db8::{n}").status_code for n in (1, 2)]
        assert anonymous == [200, 429]
        assert APIClient().get("/api/v1/", REMOTE_ADDR="2001:db8:1::1").status_code == 200
        assert call("nfcs_abcdefgh_" + "x" * 43, "/api/v1/", REMOTE_ADDR="192.0.2.1").status_code == 401
        assert call("nfcs_abcdefgh_" + "x" * 43, "/api/v1/", REMOTE_ADDR="192.0.2.1").status_code == 429
        with connection.cursor() as cursor:
            cursor.execute("SELECT subject FROM rate_limits WHERE subject LIKE 'address:%'")
            assert not any("192.0.2.1" in subject or "2001" in subject[:20] for (subject,) in cursor.fetchall())


@pytest.mark.django_db
def test_signing_in_is_done_once_for_the_count_and_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("loaddata", "roles", verbosity=0)
    user = UserFactory()
    checked: list[str] = []
    check = sign_in.check_password
    monkeypatch.setattr(sign_in, "check_password", lambda raw, kept: checked.append(raw) or check(raw, kept))
    client = APIClient()
    basic = base64.b64encode(f"{user.username}:password".encode()).decode()
    with override_settings(RATE_LIMIT_USER=(60, 5)):
        answer = client.get("/api/v1/runs/", HTTP_AUTHORIZATION=f"Basic {basic}")
    assert answer.status_code == 200
    assert answer["RateLimit"].startswith('"user";r=4')
    assert len(checked) == 1


@pytest.mark.django_db
def test_the_runtime_role_does_not_write_the_counts_by_hand() -> None:
    take_request(Limit("key", "key:1", 1, 5))
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        RateLimit.objects.filter(subject="key:1").delete()


def test_an_address_is_one_subject_and_ipv6_its_network() -> None:
    def subject(address: str) -> str:
        return name_address(find_client_address(RequestFactory().get("/", REMOTE_ADDR=address)))

    assert subject("192.0.2.1") == subject("::ffff:192.0.2.1")
    assert subject("192.0.2.1") != subject("192.0.2.2")
    assert subject("2001:db8::1") == subject("2001:db8::ffff:1")
    assert subject("2001:db8::1") != subject("2001:db8:0:1::1")
    assert subject("") == subject("nonsense")
