"""Server-sent events of runs, violations and alerts, over a real connection."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.choices import EndReason, Role
from accounts.models import User, UserSession
from accounts.services.keys import create_api_key, revoke_api_key
from accounts.services.sessions import end_session, open_session
from accounts.services.users import change_user
from core import change_feed
from core.change_feed import find_head, format_position, parse_position, read_changes
from core.db.identity import SYSTEM, on_behalf_of
from core.exceptions import InvalidInput
from core.models import Run
from nfcs.api import stream
from tests.factories.accounts import UserFactory
from tests.factories.constitutional import ViolationFactory
from tests.factories.core import RunFactory
from tests.factories.validation import AlertFactory

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/stream/"
WAIT_S = 10.0


@dataclass(frozen=True)
class Event:
    kind: str
    row: dict[str, Any]
    place: str


class Reader:
    """A client of the stream, which reads block by block."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer
        self.place = ""

    def blocks(self) -> Iterator[dict[str, str]]:
        block: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line == "\n":
                self.place = block.get("id", self.place)
                yield block
                block = {}
            else:
                name, _, value = line.rstrip("\n").partition(": ")
                block[name] = value

    def events(self) -> Iterator[Event]:
        for block in self.blocks():
            if "data" in block:
                yield Event(block["event"], json.loads(block["data"]), self.place)

    def take(self, count: int) -> list[Event]:
        found = self.events()
        return [next(found) for _ in range(count)]

    def wait_for_place(self) -> str:
        """The id after the events that were read."""
        before = self.place
        for _ in self.blocks():
            if self.place != before:
                break
        return self.place


@pytest.fixture
def site(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose connections have the role that serves requests, unlike those of the test."""
    settings.STREAM_S = 60.0
    monkeypatch.setattr(stream, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(stream, "BEAT_EVERY_S", 0.2)
    call_command("loaddata", "roles", verbosity=0)
    connection_created.connect(_take_runtime_role)
    yield str(urlsplit(live_server.url).netloc)
    connection_created.disconnect(_take_runtime_role)


def _take_runtime_role(*, connection: Any, **_: Any) -> None:
    if threading.current_thread() is not threading.main_thread():
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE nfcs_app")


def make_bearer(user: User) -> tuple[dict[str, str], UserSession]:
    with transaction.atomic():
        tokens = open_session(user=user, address=None, user_agent="test", now=timezone.now())
    session = UserSession.objects.get(session_uuid=tokens.session_uuid)
    return {"Authorization": f"Bearer {tokens.access}"}, session


@contextmanager
def follow(site: str, headers: dict[str, str], query: str = "", after: str = "") -> Iterator[Reader]:
    line = http.client.HTTPConnection(site, timeout=WAIT_S)
    extra = {"Last-Event-ID": after} if after else {}
    line.request("GET", ADDRESS + query, headers={"Accept": "text/event-stream", **headers, **extra})
    answer = line.getresponse()
    try:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream"), answer.read()
        reader = Reader(answer)
        next(reader.blocks())
        yield reader
    finally:
        answer.close()
        line.close()


def test_what_changes_is_told_as_the_lists_show_it(site: str) -> None:
    operator = UserFactory(role=Role.OPERATOR)
    headers, _ = make_bearer(operator)
    with follow(site, headers) as reader:
        run = RunFactory()
        violation = ViolationFactory(run=run)
        alert = AlertFactory(run=run)
        told: dict[str, Event] = {}
        for event in reader.events():
            told[event.kind] = event
            if len(told) == 3:
                break
    api = APIClient()
    api.force_authenticate(operator)
    assert told["run"].row == api.get(f"/api/v1/runs/{run.pk}/").json()
    assert told["alert"].row == api.get(f"/api/v1/alerts/{alert.pk}/").json()
    listed = api.get("/api/v1/violations/", {"since": "2000-01-01T00:00:00Z"}).json()["results"]
    assert told["violation"].row == next(row for row in listed if row["id"] == violation.pk)


def test_a_reader_hears_of_the_rows_that_it_sees(site: str) -> None:
    user = UserFactory(role=Role.USER)
    headers, _ = make_bearer(user)
    with follow(site, headers) as reader:
        RunFactory(name="somebody else's")
        RunFactory(name="own", owner=user)
        assert [event.row["name"] for event in reader.take(1)] == ["own"]


def test_a_raw_change_is_told_and_a_refused_one_is_not(site: str) -> None:
    headers, _ = make_bearer(UserFactory(role=Role.OPERATOR))
    run = RunFactory(name="before")
    with follow(site, headers, "?topics=runs") as reader:
        with transaction.atomic():
            Run.objects.filter(pk=run.pk).update(name="undone")
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE nfcs_core.runs SET name = 'after' WHERE id = %s", [run.pk])
        assert [event.row["name"] for event in reader.take(1)] == ["after"]


def test_who_comes_back_hears_all_that_came_meanwhile(site: str) -> None:
    headers, _ = make_bearer(UserFactory(role=Role.OPERATOR))
    with follow(site, headers, "?topics=runs") as reader:
        RunFactory(name="first")
        reader.take(1)
        place = reader.wait_for_place()
    for number in range(40):
        RunFactory(name=f"missed {number}")
    with follow(site, headers, "?topics=runs", after=place) as reader:
        assert [event.row["name"] for event in reader.take(40)] == [f"missed {number}" for number in range(40)]
    with follow(site, headers, "?topics=runs") as reader:
        RunFactory(name="last")
        assert [event.row["name"] for event in reader.take(1)] == ["last"], "without an id it begins now"


def test_nothing_of_many_writers_is_missed(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_feed, "MOST", 7)
    headers, _ = make_bearer(UserFactory(role=Role.OPERATOR))
    owner = UserFactory()

    def write(writer: int) -> None:
        with on_behalf_of(SYSTEM):
            for number in range(15):
                with transaction.atomic():
                    RunFactory(name=f"{writer}-{number}", owner=owner)
                    time.sleep(0.002 * (writer % 3))
        connection.close()

    with follow(site, headers, "?topics=runs") as reader:
        writers = [threading.Thread(target=write, args=[writer]) for writer in range(6)]
        for thread in writers:
            thread.start()
        names = {event.row["name"] for event in reader.take(90)}
        for thread in writers:
            thread.join()
    assert names == {f"{writer}-{number}" for writer in range(6) for number in range(15)}


@pytest.mark.parametrize("how", ["logout", "disabled", "role", "key", "time"])
def test_a_stream_ends_with_the_right_to_it(site: str, how: str, settings: Any) -> None:
    user = UserFactory(role=Role.OPERATOR)
    headers, session = make_bearer(user)
    key, text = create_api_key(owner=user, name="screen", scopes=["core.view_run"])
    if how == "key":
        headers = {"Authorization": f"Api-Key {text}"}
    with follow(site, headers) as reader:
        began = time.monotonic()
        now = timezone.now()
        if how == "logout":
            end_session(session=session, reason=EndReason.LOGOUT, now=now)
        elif how == "disabled":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif how == "role":
            change_user(user=user, role=Role.READONLY)
        elif how == "key":
            revoke_api_key(key=key, now=now)
        else:
            settings.STREAM_S = 0.0
        assert not list(reader.events())
        assert time.monotonic() - began < WAIT_S / 2


def test_a_key_hears_what_its_scopes_allow(site: str) -> None:
    _, text = create_api_key(owner=UserFactory(role=Role.OPERATOR), name="screen", scopes=["core.view_run"])
    headers = {"Authorization": f"Api-Key {text}"}
    with follow(site, headers) as reader:
        ViolationFactory()
        RunFactory(name="last")
        kinds = set()
        for event in reader.events():
            kinds.add(event.kind)
            if event.row.get("name") == "last":
                break
    assert kinds == {"run"}


def test_one_stream_too_many_is_refused_until_another_ends(
    site: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_places", threading.BoundedSemaphore(1))
    user = UserFactory(role=Role.OPERATOR)
    headers, _ = make_bearer(user)
    api = APIClient()
    api.force_authenticate(user)
    with follow(site, headers):
        refused = api.get(ADDRESS)
        assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (503, "too_many_streams", "5")
    settings.STREAM_S = 0.0
    deadline = time.monotonic() + WAIT_S
    while (answer := api.get(ADDRESS)).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answer.status_code == 200
    answer.close()
    assert api.get(ADDRESS).status_code == 200, "an answer that nobody read gave its place back"


@pytest.mark.parametrize(
    ("query", "headers", "status", "field"),
    [
        ({"topics": "runs,nothing"}, {}, 400, "topics"),
        ({"topics": "\U0001f600"}, {}, 400, "topics"),
        ({"topics": ""}, {}, 400, "topics"),
        ({"since": "0"}, {}, 400, "since"),
        ({}, {"Last-Event-ID": "7"}, 400, "Last-Event-ID"),
        ({}, {"Last-Event-ID": "0.0.0.0.0.0.0.x"}, 400, "Last-Event-ID"),
        ({}, {"Last-Event-ID": "0.0.0.0.0.0.0.-1"}, 400, "Last-Event-ID"),
        ({}, {"Last-Event-ID": "0.0.0.0.0.0.0." + "9" * 5000}, 400, "Last-Event-ID"),
        ({}, {"Last-Event-ID": "0.0.0.0.0.0.0." + "9" * 18}, 400, "Last-Event-ID"),
    ],
)
def test_bad_requests_name_what_is_wrong(
    admin_api: APIClient, query: dict[str, str], headers: dict[str, str], status: int, field: str
) -> None:
    answer = admin_api.get(ADDRESS, query, headers=headers)
    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_what_may_not_be_seen_may_not_be_followed() -> None:
    nobody = UserFactory(role=Role.USER)
    nobody.groups.clear()
    api = APIClient()
    api.force_authenticate(nobody)
    assert api.get(ADDRESS).status_code == 403
    assert api.get(ADDRESS, {"topics": "runs"}).status_code == 403
    assert APIClient().get(ADDRESS).status_code == 401


def test_places_are_read_as_they_were_written() -> None:
    RunFactory()
    head = find_head()
    assert parse_position(format_position(head), field="x") == head
    assert read_changes(head, tables={"nfcs_core.runs"}).keys == {}
    with pytest.raises(InvalidInput):
        parse_position(format_position(tuple(at + 1 for at in head)), field="x")
