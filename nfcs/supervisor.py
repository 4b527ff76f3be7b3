"""Child processes that live and die with this one, and the embedded server below them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.db.embedded import EmbeddedServer, EmbeddedServerError

PR_SET_PDEATHSIG = 1
POLL_S = 0.5
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
RESTART_PAUSE_S = 2.0


@dataclass(frozen=True)
class Process:
    """A child: its name, which is also its log's, and the arguments after the Python interpreter."""

    name: str
    arguments: Sequence[str]


class Supervisor:
    """Starts children, restarts those that die, and stops them all."""

    def __init__(self, log_directory: Path, server: EmbeddedServer | None) -> None:
        self.log_directory = log_directory
        self.server = server
        self._wanted: dict[str, Process] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._restart_at: dict[str, float] = {}
        self._next_look = 0.0

    def start(self, processes: Sequence[Process]) -> None:
        """Start the children."""
        self.log_directory.mkdir(parents=True, exist_ok=True)
        for process in processes:
            self._wanted[process.name] = process
            self._spawn(process)

    def wait_until_ready(self, url: str, stop: threading.Event) -> bool:
        """Whether `url` answered 200 in time."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline and not stop.is_set():
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                stop.wait(0.2)
        return stop.is_set()

    def watch(self, stop: threading.Event, say: Callable[[str], object]) -> None:
        """Until `stop`: restart a child that ended, and the database where it is the embedded one."""
        while not stop.wait(POLL_S):
            self._watch_server(say)
            for name, child in list(self._running.items()):
                code = child.poll()
                if code is not None:
                    say(f"{name} ended with code {code}; starting it again (see {self.log_directory / name}.log)")
                    del self._running[name]
                    self._restart_at[name] = time.monotonic() + RESTART_PAUSE_S
            for name, at in list(self._restart_at.items()):
                if time.monotonic() >= at:
                    del self._restart_at[name]
                    self._spawn(self._wanted[name])

    def stop(self) -> None:
        """Stop every child, then let go of the embedded server."""
        for child in self._running.values():
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._running.clear()
        if self.server is not None:
            self.server.release()

    def _watch_server(self, say: Callable[[str], object]) -> None:
        if self.server is None or time.monotonic() < self._next_look or self.server.is_running():
            return
        self._next_look = time.monotonic() + RESTART_PAUSE_S
        say("the database ended; starting it again")
        try:
            self.server.restart()
        except EmbeddedServerError as error:
            say(str(error))

    def _spawn(self, process: Process) -> None:
        log = (self.log_directory / f"{process.name}.log").open("ab")
        self._running[process.name] = subprocess.Popen(
            [sys.executable, *process.arguments],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches this process alone, which stops its children in order.
            start_new_session=True,
            preexec_fn=_die_with_parent,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        log.close()


def _die_with_parent() -> None:
    """Have the kernel end this child when its parent is killed, so that no port stays taken."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
