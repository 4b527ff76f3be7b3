"""Ingest at full rate for minutes: memory of the web processes, and how long batches take that are due by the clock.

The open-loop client sends a batch at the time it is due, whether the one before was answered or not: waiting for a slow
answer would hide how slow it was. `BENCH_SOAK_S` (600) is how long; the rate is a share of what the server takes.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import psutil

from tests.bench.bench_ingest_metrics import PATH, cut, make_rows, prepare_run, to_arrow
from tests.bench.bench_ingest_states import ARROW
from tests.bench.harness import Case, Installation, main
from tests.bench.web import PATIENCE_S, WebServer, post_all

SOAK_S = float(os.environ.get("BENCH_SOAK_S", "600"))
SHARE = 0.5
"""Of the rate at which batches are taken when they are sent as fast as they are answered."""
BATCH = 5_000
SENDERS = 16


class Soak:
    """One long run; the figures are taken from it, so that it is run once."""

    def __init__(self, server: WebServer, bodies: list[bytes]) -> None:
        self.server, self.bodies = server, bodies
        self.latencies_ms: list[float] = []
        self.memory_mb: list[float] = []
        self.ended = threading.Event()

    def run(self) -> None:
        """Send for SOAK_S; raises what a batch was refused with."""
        every_s = post_all(self.server, PATH, self.bodies, ARROW) / len(self.bodies) / SHARE
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        begun = time.perf_counter()
        count = int(SOAK_S / every_s)
        try:
            with ThreadPoolExecutor(SENDERS) as senders:
                self.latencies_ms = list(senders.map(self._send, (begun + every_s * at for at in range(count))))
        finally:
            self.ended.set()
            watcher.join()

    def _send(self, due: float) -> float:
        time.sleep(max(0.0, due - time.perf_counter()))
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_S)
        body = self.bodies[int(due * 1000) % len(self.bodies)]
        line.request("POST", PATH, body, {"Content-Type": ARROW, **self.server.headers})
        answer = line.getresponse()
        text = answer.read()
        line.close()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {text[:300]!r}")
        return 1000 * (time.perf_counter() - due)

    def _watch(self) -> None:
        workers = [psutil.Process(pid) for pid in self.server.workers()]
        while not self.ended.wait(1):
            self.memory_mb.append(sum(worker.memory_full_info().uss for worker in workers) / 1e6)


def list_cases(installation: Installation, stack: ExitStack) -> list[Case]:
    """Growth of memory over the second half, and quantiles of the time to an answer."""
    server, run = prepare_run(installation, stack)
    soak = Soak(server, [to_arrow(batch) for batch in cut(make_rows(run), BATCH)])
    soak.run()
    half = len(soak.memory_mb) // 2
    before, after = (float(np.median(part)) for part in (soak.memory_mb[half : half + 30], soak.memory_mb[-30:]))
    quantiles = np.quantile(soak.latencies_ms, [0.5, 0.99, 1])
    return [
        Case(
            "memory of the web processes, last half minute over that at half time",
            "1",
            lambda: after / before,
            at_most=1.05,
        ),
        Case("memory of the web processes at the end", "MB", lambda: after),
        *(
            Case(f"a batch of {BATCH} from the moment it is due, {name}", "ms", lambda figure=figure: float(figure))
            for name, figure in zip(("median", "p99", "longest"), quantiles, strict=True)
        ),
        Case("samples stored", "rows/s", lambda: len(soak.latencies_ms) * BATCH / SOAK_S),
    ]


if __name__ == "__main__":
    with ExitStack() as opened:
        main("soak", lambda installation: list_cases(installation, opened))
