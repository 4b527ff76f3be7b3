"""Bodies of batches: compressed, streamed, by column, in part; and what is too much of them."""

from __future__ import annotations

import gzip
import io
import json
import struct
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from django.db import connection

from kuramoto.models import OscillatorState
from nfcs.api import pressure
from nfcs.ingest import chunks as chunks_module
from nfcs.ingest.rows import Moment
from nfcs.ingest.times import parse_utc
from tests.factories.core import RunFactory, make_field
from tests.nfcs.test_ingest import MODELS, ROWS, metric, oscillator, post
from validation.models import MetricSample, MetricSeries

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 1, tzinfo=UTC)
ARROW = "application/vnd.apache.arrow.stream"
NDJSON = "application/x-ndjson"


def stream(table: pa.Table, size: int | None = None, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=size)
    return sink.getvalue()


def metric_table(run: int, count: int = 5, **columns: Any) -> pa.Table:
    fields = {
        "run": pa.array([run] * count, pa.int32()),
        "timestamp": pa.array([AT + timedelta(seconds=at) for at in range(count)], pa.timestamp("ms", "UTC")),
        "metric_name": pa.array([f"m{at % 2}" for at in range(count)]),
        "metric_value": pa.array(np.arange(count, dtype=np.float32)),
        "component": pa.array(["esc"] * count).dictionary_encode(),
        "metric_unit": pa.array([None if at % 2 else "1" for at in range(count)], pa.string()),
        "tags": pa.array(['{"b": 1, "a": 2}'] * count),
    } | columns
    return pa.table({name: array for name, array in fields.items() if array is not None})


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("kind", ROWS)
def test_a_compressed_body_is_the_same_body(admin_api: Any, kind: str, pack: Any) -> None:
    run = RunFactory()
    rows = [ROWS[kind](run.pk, timestamp=f"2026-01-01T00:00:{second:02}Z") for second in range(3)]
    lines = [json.dumps(row).encode() for row in rows]
    # Two members or frames, one after the other, are one body.
    body = pack(b"\n".join(lines[:2])) + pack(b"\n" + lines[2])
    encoding = "gzip" if pack is gzip.compress else "zstd"
    answer = admin_api.generic(
        "POST", f"/api/v1/{kind}/batch/", body, content_type=NDJSON, HTTP_CONTENT_ENCODING=encoding
    )
    assert answer.status_code == 201, answer.content
    assert MODELS[kind].objects.filter(run_id=run.pk).count() == 3


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", [lambda body: body[:-3], lambda body: b"x" + body, lambda body: b""])
def test_a_damaged_compression_stores_nothing(admin_api: Any, encoding: str, damage: Any) -> None:
    run = RunFactory()
    lines = b"\n".join(json.dumps(metric(run.pk)).encode() for _ in range(50)) + b"\n"
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    answer = admin_api.generic(
        "POST", "/api/v1/metrics/batch/", damage(pack(lines)), content_type=NDJSON, HTTP_CONTENT_ENCODING=encoding
    )
    assert answer.status_code == 400, answer.content
    assert not MetricSample.objects.exists()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(admin_api: Any, settings: Any, pack: Any) -> None:
    settings.INGEST_MAX_BYTES = 1 << 20
    encoding = "gzip" if pack is gzip.compress else "zstd"
    answer = admin_api.generic(
        "POST", "/api/v1/metrics/batch/", pack(bytes(50 << 20)), content_type=NDJSON, HTTP_CONTENT_ENCODING=encoding
    )
    assert answer.status_code == 413, answer.content
    assert "1048576 bytes" in answer.json()["detail"]


def test_the_limits_of_rows_are_named(admin_api: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFactory()
    rows = [metric(run.pk) for _ in range(5)]
    settings.INGEST_MAX_ROWS = 4
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    answer = post(admin_api, "metrics", lines, NDJSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "4 rows" in answer.json()["detail"]
    monkeypatch.setattr(chunks_module, "MAX_ROWS", 3)
    assert "3 rows" in post(admin_api, "metrics", rows).json()["detail"]
    assert not MetricSample.objects.exists()


def test_lines_are_stored_chunk_by_chunk_and_all_or_none(admin_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", 1000)
    run = RunFactory()
    rows = [metric(run.pk, timestamp=f"2026-01-01T00:00:{at:02}Z", metric_value=float(at)) for at in range(60)]
    # A line is read whole wherever the pieces of the body end.
    monkeypatch.setattr("core.api.bodies.PIECE", 700)
    answer = post(admin_api, "metrics", b"\n".join(json.dumps(row).encode() for row in rows), NDJSON)
    assert answer.status_code == 201, answer.content
    assert answer.json()["inserted"] == 60
    (outcome,) = answer.json()["runs"]
    assert outcome["derived"]["metric:loss"] == {"min": 0.0, "mean": pytest.approx(29.5), "max": 59.0, "last": 59.0}
    rows[57]["metric_value"] = "x"
    refused = post(admin_api, "metrics", b"\n".join(json.dumps(row).encode() for row in rows), NDJSON)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "57.metric_value"
    assert MetricSample.objects.count() == 60


def test_metrics_by_series(admin_api: Any) -> None:
    run = RunFactory()
    one = {"run": run.pk, "metric_name": "loss", "component": "esc", "tags": {"b": 1, "a": 2}}
    body = {
        "series": [
            one | {"times": ["2026-01-01T00:00:00Z", "2026-01-01T01:00:01.5+01:00"], "values": [1, 2.5]},
            one | {"metric_name": "gain", "times_us": [1767225600000001], "values": [3]},
        ]
    }
    answer = post(admin_api, "metrics", body)
    assert answer.status_code == 201, answer.content
    found = MetricSample.objects.order_by("value").values_list("series__metric_name", "recorded_at", "value")
    assert list(found) == [
        ("loss", AT, 1.0),
        ("loss", AT + timedelta(seconds=1.5), 2.5),
        ("gain", AT + timedelta(microseconds=1), 3.0),
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"values": [1.0]}, "series.0.values"),
        ({"times_us": [1]}, "series.0.times"),
        ({"times": None}, "series.0.times"),
        ({"times": ["2026-02-30T00:00:00Z", "2026-01-01T00:00:00Z"]}, "series.0.times.0"),
        ({"metric_name": 1}, "series.0.metric_name"),
        ({"tags": []}, "series.0.tags"),
        ({"colour": 1}, "series.0.colour"),
        ({"run": 99_999_999}, "0.run"),
        ({"metric_name": "x" * 101}, "0.metric_name"),
        ({"values": [1.0, 1e400]}, "series"),
    ],
)
def test_what_is_wrong_with_a_series_is_named(admin_api: Any, fields: dict[str, Any], told: str) -> None:
    group = {
        "run": RunFactory().pk,
        "metric_name": "loss",
        "component": "esc",
        "times": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"],
        "values": [1.0, 2.0],
    }
    body = json.dumps({"series": [group | fields]}).replace("Infinity", "1e400").encode()
    answer = post(admin_api, "metrics", body)
    assert answer.status_code == 400, answer.content
    problem = answer.json()
    assert told in problem["detail"] or told in [error["field"] for error in problem.get("errors", [])], problem
    assert not MetricSample.objects.exists()


def test_metrics_as_arrow(admin_api: Any) -> None:
    run = RunFactory()
    answer = post(admin_api, "metrics", stream(metric_table(run.pk), 2), ARROW)
    assert answer.status_code == 201, answer.content
    assert answer.json()["inserted"] == 5
    found = MetricSample.objects.order_by("value").values_list(
        "value", "recorded_at", "series__metric_name", "series__metric_unit", "series__tags"
    )
    assert list(found) == [
        (float(at), AT + timedelta(seconds=at), f"m{at % 2}", None if at % 2 else "1", {"a": 2, "b": 1})
        for at in range(5)
    ]
    # The same series as JSON rows make.
    post(admin_api, "metrics", [metric(run.pk, metric_name="m0", tags={"a": 2, "b": 1})])
    assert MetricSeries.objects.count() == 2


def test_oscillators_and_fields_as_arrow_are_those_of_json(admin_api: Any) -> None:
    run, other = RunFactory(), RunFactory()
    rows = [oscillator(run.pk, timestamp=f"2026-01-01T00:00:{at:02}Z") for at in range(3)]
    rows[1]["semantic_embedding"] = np.linspace(0.1, 1, 768).tolist()
    times = pa.array([AT + timedelta(seconds=at) for at in range(3)], pa.timestamp("us", "UTC"))
    table = pa.table(
        {
            "run": pa.array([other.pk] * 3),
            "timestamp": times,
            "phases": pa.array([row["phases"] for row in rows], pa.list_(pa.float64(), 64)),
            "coupling_strength": pa.array([row["coupling_strength"] for row in rows]),
            "semantic_embedding": pa.array([row.get("semantic_embedding") for row in rows]),
        }
    )
    assert post(admin_api, "oscillators", rows).status_code == 201
    answer = post(admin_api, "oscillators", stream(table), ARROW)
    assert answer.status_code == 201, answer.content
    columns = ("timestamp", "phases", "sync_parameter", "ha", "coupling_strength")
    of = [OscillatorState.objects.for_run(one.pk).order_by("timestamp").values_list(*columns) for one in (run, other)]
    assert list(of[0]) == list(of[1])

    stored = make_field(run=run, n=8)
    frame = (np.exp(2j * np.pi * np.arange(8) / 8)[np.newaxis, :] * np.ones((8, 1))).astype("<c8").tobytes()
    fields = pa.table(
        {"run": [other.pk], "timestamp": times[:1], "resolution": [8], "frame": pa.array([frame]), "length": [8.0]}
    )
    answer = post(admin_api, "fields", stream(fields), ARROW)
    assert answer.status_code == 201, answer.content
    assert answer.json()["runs"][0]["derived"]["energy"]["last"] == pytest.approx(stored.energy_state)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (lambda run: b"", 400),
        (lambda run: b"ARROW1\0\0" * 10, 400),
        (lambda run: stream(metric_table(run))[:-40], 400),
        (lambda run: stream(metric_table(run))[:100] + b"\xff" * 100, 400),
        (lambda run: b"\xff\xff\xff\xff" + struct.pack("<i", 2**30), 413),
        (lambda run: b"\xff\xff\xff\xff" + struct.pack("<i", 16) + b"\xff" * 16, 400),
        (lambda run: stream(metric_table(run), compression="zstd"), 415),
        (lambda run: stream(metric_table(run, metric_value=None)), 400),
        (lambda run: stream(metric_table(run, colour=pa.array([1] * 5))), 400),
        (lambda run: stream(metric_table(run, timestamp=pa.array([AT] * 5, pa.timestamp("us")))), 400),
        (lambda run: stream(metric_table(run, metric_value=pa.array(["x"] * 5))), 400),
        (lambda run: stream(metric_table(run, metric_value=pa.array([1.0, None, 1, 1, 1]))), 400),
        (lambda run: stream(metric_table(run, metric_value=pa.array([1.0, float("nan"), 1, 1, 1]))), 400),
        (lambda run: stream(metric_table(run, tags=pa.array(["[]"] * 5))), 400),
        (lambda run: stream(metric_table(run, count=0)), 400),
    ],
    ids=range(15),
)
def test_arrow_that_is_none_is_a_problem(admin_api: Any, body: Any, status: int) -> None:
    answer = post(admin_api, "metrics", body(RunFactory().pk), ARROW)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert not MetricSample.objects.exists()


def test_flipped_bytes_of_arrow_never_fail_the_server(admin_api: Any) -> None:
    run = RunFactory()
    body = bytearray(stream(metric_table(run.pk)))
    rng = np.random.default_rng(5)
    for at in rng.choice(len(body), 60, replace=False).tolist():
        damaged = bytes(body[:at]) + bytes([body[at] ^ 0xFF]) + bytes(body[at + 1 :])
        assert post(admin_api, "metrics", damaged, ARROW).status_code in (201, 400, 413, 415)


@pytest.mark.parametrize("kind", ROWS)
def test_the_good_rows_are_stored_and_every_bad_one_is_named(admin_api: Any, kind: str) -> None:
    run = RunFactory()
    bad = {
        "oscillators": [{"phases": ["x"]}, {"phases": [1e300] * 64}, {"run": 10**9}, {"sync_parameter": 0.9}, {"a": 1}],
        "fields": [{"resolution": 9}, {"real": [[1e300] * 8] * 8}, {"run": 10**9}, {"coherence_level": 0.1}, {"a": 1}],
        "metrics": [{"metric_value": "x"}, {"component": ""}, {"run": 10**9}, {"timestamp": None}, {"a": 1}],
    }[kind]
    rows = [ROWS[kind](run.pk, timestamp=f"2026-01-01T00:00:{at:02}Z") for at in range(10)]
    for at, fields in enumerate(bad):
        rows[2 * at] |= fields
    answer = post_partial(admin_api, kind, rows)
    assert answer.status_code == 201, answer.content
    assert answer.json()["inserted"] == 5
    assert sorted({one["index"] for one in answer.json()["rejected"]}) == [0, 2, 4, 6, 8]
    assert all(one["code"] and one["detail"] for one in answer.json()["rejected"])
    kept = MODELS[kind].objects.filter(run_id=run.pk)
    assert kept.count() == 5
    assert post(admin_api, kind, rows).status_code == 400
    assert kept.count() == 5


def post_partial(client: Any, kind: str, rows: list[dict[str, Any]], text: str = "true") -> Any:
    return client.generic(
        "POST", f"/api/v1/{kind}/batch/?partial={text}", json.dumps(rows).encode(), content_type="application/json"
    )


@pytest.mark.parametrize("kind", ["metrics", "oscillators"])
def test_a_line_that_is_no_json_is_one_bad_row(admin_api: Any, kind: str) -> None:
    run = RunFactory().pk
    good = [json.dumps(ROWS[kind](run, timestamp=f"2026-01-01T00:00:0{at}Z")).encode() for at in range(3)]
    body = b"\n".join([good[0], b'{"run":', b"", good[1], b"\xff", b"[" * 5000, good[2]])
    refused = admin_api.generic("POST", f"/api/v1/{kind}/batch/", body, content_type=NDJSON)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["1", "3", "4"]
    taken = admin_api.generic("POST", f"/api/v1/{kind}/batch/?partial=true", body, content_type=NDJSON).json()
    assert taken["inserted"] == 3
    found = [(one["index"], one["code"]) for one in taken["rejected"]]
    assert found == [(1, "malformed"), (3, "malformed"), (4, "invalid")]


def test_a_batch_without_a_good_row_is_refused(admin_api: Any) -> None:
    answer = post_partial(admin_api, "metrics", [metric(RunFactory().pk, metric_value="x")])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "0.metric_value"
    assert post_partial(admin_api, "metrics", [], "maybe").status_code == 400


def test_every_row_of_a_run_that_is_not_mine_is_named(admin_api: Any) -> None:
    run = RunFactory()
    rows = [metric(run.pk if at % 3 else 10**9) for at in range(300)]
    rejected = post_partial(admin_api, "metrics", rows).json()["rejected"]
    assert [(one["index"], one["field"], one["code"]) for one in rejected] == [
        (at, "run", "not_found") for at in range(0, 300, 3)
    ]


def test_when_all_turns_are_taken_senders_come_back_later(
    admin_api: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.INGEST_WAIT_S = 0.01
    monkeypatch.setattr(pressure, "_turns", threading.BoundedSemaphore(1))
    run = RunFactory()
    with pressure.take_turn():
        answer = post(admin_api, "metrics", [metric(run.pk)])
    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    assert answer.json()["code"] == "busy"
    assert post(admin_api, "metrics", [metric(run.pk)]).status_code == 201


def take_a_turn_that_lasts() -> None:
    with pressure.take_turn(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '10ms', true)")
        cursor.execute("SELECT pg_sleep(1)")


def test_a_batch_for_which_the_database_takes_too_long_comes_back_later() -> None:
    with pytest.raises(pressure.Busy):
        take_a_turn_that_lasts()


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T23:59:59.999999Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2024-02-29T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+01:00",
        "2026-01-01T00:00:0Z",
        "NaT",
        "today",
        "",
        "\u0662026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.1\x00Z",
    ],
)
def test_quick_times_are_those_of_the_strict_parser(text: str) -> None:
    quick = parse_utc([text, "2026-01-01T00:00:00Z"])
    try:
        strict = msgspec.convert(text, Moment)
    except msgspec.ValidationError:
        assert quick is None
        return
    if quick is not None:
        assert quick[0] == np.datetime64(strict.replace(tzinfo=None), "us")
    else:
        assert not text.endswith("Z") or " " in text or len(text) > 27
