"""Servers killed while a client sends, and a ledger of what they acknowledged."""

from __future__ import annotations

import os
import random
import signal
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import psycopg

from nfcs.client import Client, NotAnswered
from tests.bench.web import WebServer, start_web

ROWS = 200


@dataclass
class Ledger:
    """What clients sent and the server acknowledged.

    Attributes:
        sent: by value of its rows, every batch under whose key rows may be stored.
        acknowledged: the values of batches that the server said it stored.
    """

    sent: dict[int, str] = field(default_factory=dict)
    acknowledged: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Senders:
    """Clients that send batches until they are stopped, each again under its key until it is acknowledged."""

    def __init__(self, url: str, run: int, headers: dict[str, str], ledger: Ledger, count: int = 3) -> None:
        self.url, self.run, self.headers, self.ledger = url, run, headers, ledger
        self._stop = threading.Event()
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        client = Client(self.url, timeout_s=10, patience_s=60)
        client.transport._headers |= self.headers
        try:
            while not self._stop.is_set():
                self._send(client)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            self.failures.append(error)
        finally:
            client.close()

    def _send(self, client: Client) -> None:
        with self.ledger.lock:
            number = len(self.ledger.sent)
            self.ledger.sent[number] = key = uuid.uuid4().hex
        rows = [
            {
                "run": self.run,
                "timestamp": f"2026-01-01T00:00:00.{at:06}Z",
                "metric_name": "ledger",
                "metric_value": number,
                "component": "kill",
            }
            for at in range(ROWS)
        ]
        try:
            answer = client.send_rows("metrics", rows, key=key)
        except NotAnswered:
            return  # it may be stored or not, whole
        if answer.inserted != ROWS:
            raise AssertionError(f"{answer.inserted} of {ROWS} rows were acknowledged")
        with self.ledger.lock:
            self.ledger.acknowledged.add(number)


def kill_web(server: WebServer, environment: dict[str, str]) -> WebServer:
    """Kill the web server and start another at its port."""
    server.kill()
    return start_web(environment, port=server.port)


def kill_database(data_directory: Any) -> None:
    """Kill the postmaster and every process of its, as a power cut would end them; the disk stays."""
    import psutil

    postmaster = psutil.Process(int((data_directory / "postmaster.pid").read_text().split()[0]))
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    psutil.wait_procs(family, timeout=30)


def find_discrepancies(admin_url: str, run: int, ledger: Ledger) -> list[str]:
    """Batches lost though acknowledged, stored in part, or stored twice."""
    with psycopg.connect(admin_url) as connection:
        counts = dict(
            connection.execute(
                "SELECT value::integer, count(*) FROM validation.metric_samples WHERE run_id = %s GROUP BY 1", [run]
            ).fetchall()
        )
    lost = [f"batch {number} was acknowledged and is lost" for number in ledger.acknowledged - counts.keys()]
    odd = [f"batch {number} has {count} rows of {ROWS}" for number, count in counts.items() if count != ROWS]
    unsent = [f"batch {number} was never sent" for number in counts.keys() - ledger.sent.keys()]
    return lost + odd + unsent


def pause() -> float:
    """Seconds until the next kill: anywhere within a batch."""
    return random.uniform(0.2, 1.2)
