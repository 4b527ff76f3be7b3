"""The client against the site itself, over real connections; and against a server that misbehaves as told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.models import IdempotencyKey
from nfcs.client import AsyncClient, Client, ClientError, NotAnswered, Refused
from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory
from tests.nfcs.test_ingest import metric
from validation.models import MetricSample

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def site(live_server: Any) -> Iterator[Client]:
    user = AdminFactory()
    with Client(live_server.url, username=user.username, password="password", compress=True) as client:
        yield client


@pytest.mark.django_db(transaction=True)
def test_rows_arrays_and_tables_are_stored_and_read_again(site: Client) -> None:
    run = site.create_run("rig")["id"]
    rows = [metric(run, timestamp=AT + timedelta(seconds=at), metric_value=np.float32(at)) for at in range(3)]
    assert site.send_rows("metrics", rows).inserted == 3
    times = np.datetime64("2026-01-01T00:01:00", "us") + np.arange(2) * np.timedelta64(1, "s")
    assert site.send_samples(run=run, metric_name="gain", component="esc", times=times, values=[1, 2]).inserted == 2
    table = pa.table(
        {
            "run": [run],
            "timestamp": pa.array([AT], pa.timestamp("us", "UTC")),
            "metric_name": ["noise"],
            "component": ["esc"],
            "metric_value": [9.0],
        }
    )
    assert site.send_table("metrics", table).inserted == 1
    found = site.read_samples(run=run, since=AT, until=AT + timedelta(hours=1), metric_name="loss")
    assert found.values.tolist() == [0.0, 1.0, 2.0]
    assert found.times[2] == np.datetime64("2026-01-01T00:00:02", "us")
    (number,) = found.described
    assert found.described[number] == {
        "run": run,
        "metric_name": "loss",
        "component": "esc",
        "metric_unit": "1",
        "tags": {"fold": 1},
    }
    assert found.of_series(number)[1].tolist() == [0.0, 1.0, 2.0]
    everything = site.read_samples(run=run, since=AT, until=AT + timedelta(hours=1)).to_arrow()
    assert everything.num_rows == 6
    assert everything.schema.field("recorded_at").type == pa.timestamp("us", "UTC")
    assert set(everything.column("metric_name").to_pylist()) == {"loss", "gain", "noise"}


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_sent_again_stores_once(site: Client) -> None:
    run = RunFactory()
    answers = [site.send_rows("metrics", [metric(run.pk)], key="k1") for _ in range(2)]
    assert [answer.is_replayed for answer in answers] == [False, True]
    assert MetricSample.objects.count() == 1
    with pytest.raises(Refused, match="another body") as refused:
        site.send_rows("metrics", [metric(run.pk, metric_value=1)], key="k1")
    assert (refused.value.status, refused.value.code) == (422, "key_reused")


@pytest.mark.django_db(transaction=True)
def test_collected_rows_are_stored_in_batches(site: Client) -> None:
    run = RunFactory()
    rejected: list[tuple[Any, Any]] = []
    with site.collect("metrics", size=7, on_rejected=lambda row, wrong: rejected.append((row, wrong))) as collected:
        for at in range(50):
            collected.add(metric(run.pk, metric_value=at if at != 20 else "x"))
    assert collected.stored == MetricSample.objects.count() == 49
    ((row, wrong),) = rejected
    assert row["metric_value"] == "x"
    assert wrong["field"] == "metric_value"
    assert IdempotencyKey.objects.count() == 8
    with pytest.raises(ValueError, match="closed"):
        collected.add(metric(run.pk))


@pytest.mark.django_db(transaction=True)
def test_a_refused_row_is_raised_where_nobody_asked(site: Client) -> None:
    collected = site.collect("metrics", age_s=0.01)
    collected.add(metric(RunFactory().pk, metric_value="x"))
    with pytest.raises(ClientError):
        collected.close()


@pytest.mark.django_db(transaction=True)
def test_the_same_with_an_event_loop(live_server: Any) -> None:
    user, run = AdminFactory(), RunFactory()

    async def work() -> int:
        async with AsyncClient(live_server.url, username=user.username, password="password") as client:
            await client.send_rows("metrics", [metric(run.pk)])
            async with client.collect("metrics", size=2) as collected:
                for at in range(5):
                    await collected.add(metric(run.pk, metric_value=at))
            found = await client.read_samples(run=run.pk, since=AT, until=AT + timedelta(days=1))
            rows = [row async for row in client.read_pages("runs/")]
            return len(found) + len(rows)

    assert asyncio.run(work()) == 7


class Script(BaseHTTPRequestHandler):
    """Answers one after the other as the server's `script` says, and keeps what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.headers["Idempotency-Key"], body))  # type: ignore[attr-defined]
        status, headers, document = self.server.script.pop(0)  # type: ignore[attr-defined]
        if status == 0:
            self.connection.close()
            return
        content = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def scripted() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.seen, server.script = [], []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


STORED = (201, {}, {"inserted": 1, "runs": []})


def client_of(server: Any, pauses: list[float], **options: Any) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}", api_key="k", sleep=pauses.append, **options)


def test_what_may_go_through_is_sent_again_under_one_key(scripted: Any) -> None:
    busy = {"code": "busy", "detail": "later"}
    scripted.script = [
        (429, {"Retry-After": "7"}, busy),
        (503, {"Retry-After": "soon"}, busy),
        (409, {}, {"code": "in_flight", "detail": "wait"}),
        (0, {}, {}),
        STORED,
    ]
    pauses: list[float] = []
    with client_of(scripted, pauses) as client:
        assert client.send_rows("metrics", [{"run": 1}]).inserted == 1
    assert len({key for key, _ in scripted.seen}) == 1
    assert len({body for _, body in scripted.seen}) == 1
    assert len(scripted.seen) == 5
    assert len(pauses) == 4
    assert pauses[0] == 7
    assert all(0 < pause < 10 for pause in pauses)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422])
def test_what_is_wrong_is_not_sent_again(scripted: Any, status: int) -> None:
    wrong = {"field": "0.run", "detail": "e", "code": "f"}
    scripted.script = [(status, {}, {"code": "c", "detail": "d", "errors": [wrong]})]
    with client_of(scripted, []) as client, pytest.raises(Refused, match=r"0\.run: e") as refused:
        client.send_rows("metrics", [{"run": 1}])
    assert (refused.value.status, refused.value.code) == (status, "c")
    assert len(scripted.seen) == 1


def test_patience_ends(scripted: Any) -> None:
    scripted.script = [(503, {"Retry-After": "60"}, {"detail": "no"})]
    with client_of(scripted, [], patience_s=30) as client, pytest.raises(NotAnswered) as given_up:
        client.send_rows("metrics", [{"run": 1}], key="mine")
    assert given_up.value.key == "mine"


def test_a_server_that_is_not_there_is_named() -> None:
    with Client("http://127.0.0.1:9", patience_s=0) as client, pytest.raises(NotAnswered):
        client.get("runs/")
    with pytest.raises(ValueError, match="url"):
        Client("nfcs.example.org")
    with pytest.raises(ValueError, match="kind"):
        Client("http://localhost").send_rows("dreams", [])
    with pytest.raises(ValueError, match="time zone"):
        Client("http://localhost").send_rows("metrics", [{"timestamp": datetime(2026, 1, 1)}])  # noqa: DTZ001


def test_a_full_queue_holds_the_sender_back() -> None:
    from nfcs.client.batcher import Batcher
    from nfcs.client.client import BatchAnswer

    let, taken = threading.Event(), []

    def send(rows: Any, key: str) -> BatchAnswer:
        taken.append(key)
        let.wait()
        return BatchAnswer(len(rows))

    batcher = Batcher(send, size=1, waiting=1, senders=1)
    blocked = threading.Event()

    def fill() -> None:
        for at in range(3):
            batcher.add({"run": at})
        blocked.set()

    filler = threading.Thread(target=fill)
    filler.start()
    assert not blocked.wait(0.2)
    let.set()
    filler.join()
    batcher.close()
    assert batcher.stored == len(set(taken)) == 3


def test_the_client_needs_nothing_of_django() -> None:
    program = "import sys, nfcs.client; print(sorted(n for n in sys.modules if n.split('.')[0] in ('django', 'core')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
