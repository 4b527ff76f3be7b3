"""Bodies of no stated length, over gunicorn as it is configured: taken where telemetry is sent, and nowhere else."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from core.db.prepare import APP_ROLE
from tests import server
from tests.bench.web import WebServer, serve, sign_in
from tests.factories.core import RunFactory
from validation.models import MetricSample

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 20_000


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    call_command("loaddata", "roles", verbosity=0)
    name = settings.DATABASES["default"]["NAME"]
    environment = {
        "DJANGO_SETTINGS_MODULE": "nfcs.settings",
        "NFCS_DATA_DIR": str(tmp_path),
        "DATABASE_URL": server.TEST_SERVER.url(APP_ROLE, name),
        "NFCS_OWNER_DATABASE_URL": server.TEST_SERVER.url(server.OWNER, name),
        "NFCS_HTTPS": "false",
        "NFCS_SECRET_KEY": settings.SECRET_KEY,
    }
    with serve(environment, workers=1) as served:
        sign_in(served)
        yield served


def post(web: WebServer, path: str, pieces: Iterator[bytes], **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    connection.request("POST", path, pieces, {**web.headers, **headers}, encode_chunked=True)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text or b"null")


def write_lines(run: int, last: bytes = b"") -> Iterator[bytes]:
    for at in range(ROWS):
        time = f"2026-01-01T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z"
        row = {"run": run, "timestamp": time, "metric_name": "m", "component": "c", "metric_value": at}
        yield json.dumps(row).encode() + b"\n"
    yield last


def test_a_body_in_chunks_is_stored_whole_or_not_at_all(web: WebServer) -> None:
    run = RunFactory().pk
    ndjson = "application/x-ndjson"
    status, answer = post(web, "/api/v1/metrics/batch/", write_lines(run), **{"Content-Type": ndjson})
    assert (status, answer["inserted"]) == (201, ROWS)

    packed = gzip.compress(b"".join(write_lines(run)))
    pieces = (packed[start : start + 1000] for start in range(0, len(packed), 1000))
    headers = {"Content-Type": ndjson, "Content-Encoding": "gzip", "Idempotency-Key": "once"}
    assert post(web, "/api/v1/metrics/batch/", pieces, **headers)[0] == 201
    assert MetricSample.objects.count() == 2 * ROWS

    status, answer = post(web, "/api/v1/metrics/batch/", write_lines(run, b'{"run":'), **{"Content-Type": ndjson})
    assert (status, answer["errors"][0]["field"]) == (400, f"{ROWS}")
    lines = (f"m,component=c f={at} {1_767_225_600 + at}\n".encode() for at in range(3000))
    assert post(web, f"/api/v1/ingest/influx/write?db={run}&precision=s", lines)[0] == 204
    assert MetricSample.objects.count() == 2 * ROWS + 3000


def test_elsewhere_a_body_states_its_length(web: WebServer) -> None:
    status, answer = post(web, "/api/v1/runs/", iter([b"{}"]), **{"Content-Type": "application/json"})
    assert (status, answer["code"]) == (411, "length_required")
