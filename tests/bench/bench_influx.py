"""Metric rows over HTTP, here and into InfluxDB 1.6 (`influxd` on the path, fsync as shipped): same rows, same run."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from tests.bench.bench_ingest_metrics import cut, list_senders, make_rows, prepare_run
from tests.bench.harness import Case, Installation, main
from tests.bench.web import PATIENCE_S, WebServer, free_port, post_all

CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""
GOALS = {10_000: {"JSON rows": 1.4, "Arrow": 2.5}, 1_000: {"JSON rows": 1.2}}


@contextmanager
def serve_influx(directory: Path) -> Iterator[WebServer]:
    """InfluxDB with an empty database `bench`."""
    port = free_port()
    directory.mkdir()
    file = directory / "influxdb.conf"
    file.write_text(CONFIGURATION.format(rpc=free_port(), port=port, directory=directory))
    process = subprocess.Popen(["influxd", "-config", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/query?q=CREATE%20DATABASE%20bench", b"", 5).close()
                break
            except (urllib.error.URLError, http.client.HTTPException, OSError):
                time.sleep(0.2)
        else:
            raise RuntimeError("InfluxDB did not answer")
        yield WebServer(port, process)
    finally:
        process.terminate()
        process.wait()


def to_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    """The rows as line protocol."""
    lines = []
    for row in rows:
        at = datetime.fromisoformat(row["timestamp"])
        microseconds = int(at.timestamp()) * 1_000_000 + at.microsecond
        tags = ",".join(f"{name}={value}" for name, value in sorted(row["tags"].items()))
        head = f"{row['metric_name']},component={row['component']},{tags},unit={row['metric_unit']}"
        lines.append(f"{head} value={row['metric_value']!r} {microseconds}000")
    return ("\n".join(lines) + "\n").encode()


def list_cases(installation: Installation, stack: ExitStack) -> list[Case]:
    """JSON at 10,000 and 1,000 rows a batch, and Arrow at 10,000."""
    server, run = prepare_run(installation, stack)
    influx = stack.enter_context(serve_influx(installation.directory / "influx"))
    rows = make_rows(run)
    cases = []
    for size, goals in GOALS.items():
        batches = cut(rows, size)
        yardstick = make_influx(influx, [to_lines(batch) for batch in batches], len(rows))
        senders = list_senders(server, batches, len(rows))
        cases += [
            Case(
                f"metrics, {name}, {size} a batch, against InfluxDB", "rows/s", senders[name], yardstick, at_least=goal
            )
            for name, goal in goals.items()
        ]
    return cases


def make_influx(server: WebServer, bodies: Sequence[bytes], count: int) -> Callable[[], float]:
    """The lines into InfluxDB, rows/s."""
    return lambda: count / post_all(server, "/write?db=bench", bodies, "text/plain")


if __name__ == "__main__":
    if shutil.which("influxd") is None:
        print(orjson.dumps({"program": "ingest against InfluxDB", "skipped": "influxd is not installed"}).decode())
        sys.exit(0)
    with ExitStack() as opened:
        main("ingest against InfluxDB", lambda installation: list_cases(installation, opened))
