"""The whole system as a newcomer meets it: one command up, data growing, killed and started again, Ctrl-C down."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
PATIENCE_S = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(answers: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = answers()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come within {PATIENCE_S} s")


class System:
    """One `manage.py up` on a port and data directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.directory = directory
        self.output = directory / "output.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("NFCS_", "DJANGO_", "PYTEST_"))
        }
        version = {"NFCS_PG_VERSION": os.environ["NFCS_PG_VERSION"]} if "NFCS_PG_VERSION" in os.environ else {}
        environment = (
            kept
            | version
            | {
                "NFCS_DATA_DIR": str(self.directory / "data"),
                "NFCS_ADMIN_PASSWORD": PASSWORD,
                "NFCS_HTTPS": "false",
            }
        )
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port), "--backfill", "20"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def get(self, path: str, password: str | None = PASSWORD) -> Any:
        """The JSON at `path`, or None while nothing answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if password is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"admin:{password}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return json.loads(answer.read())
        except (urllib.error.URLError, OSError):
            return None

    def states(self) -> list[dict[str, Any]]:
        return (self.get("/api/v1/oscillators/?limit=5") or {"results": []})["results"]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def postmaster(self) -> psutil.Process:
        (pid_file,) = (self.directory / "data").glob("pg*/postmaster.pid")
        return psutil.Process(int(pid_file.read_text().split()[0]))

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that the server's own user reaches too, which pytest's are not when root runs them."""
    path = Path(tempfile.mkdtemp(prefix="nfcs-up-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def system(directory: Path) -> Iterator[System]:
    system = System(directory)
    system.start()
    try:
        yield system
    finally:
        if system.process.poll() is None:
            system.stop(signal.SIGTERM)


def test_up_grows_survives_kills_and_goes_down(system: System) -> None:
    first = wait_for(system.states, "telemetry")
    assert all(0 <= state["sync_parameter"] <= 1 for state in first)
    newest = first[0]["timestamp"]
    wait_for(lambda: [state for state in system.states() if state["timestamp"] > newest], "newer telemetry")
    assert system.get("/api/v1/oscillators/", password="wrong") is None

    # The database dies: it comes back, and the simulation goes on where it was.
    newest = system.states()[0]["timestamp"]
    system.postmaster().kill()
    wait_for(lambda: [state for state in system.states() if state["timestamp"] > newest], "telemetry after the kill")

    # Everything is torn off at once: nothing keeps the port or the data, and the next start has both.
    orphans = system.children()
    system.process.kill()
    system.process.wait()
    psutil.wait_procs(orphans, timeout=30)
    count = len(system.get("/api/v1/runs/") or [])
    assert count == 0
    system.start()
    runs = wait_for(lambda: system.get("/api/v1/runs/"), "the second start")["results"]
    wait_for(lambda: len((system.get("/api/v1/runs/") or {"results": []})["results"]) > len(runs) - 1, "a new run")
    assert newest

    started = [child for child in system.children() if child.is_running()]
    postmaster = system.postmaster()
    assert system.stop() == 0
    assert not [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE
    said = system.output.read_text()
    assert PASSWORD not in said
    assert "stopped" in said


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "nfcs.settings", "NFCS_DATA_DIR": str(tmp_path)}
        answer = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 1
    assert f"127.0.0.1:{port} is taken" in answer.stderr
