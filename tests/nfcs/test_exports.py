"""Exports: every row, once, in every format, to whom it may be shown."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.ipc
import pyarrow.parquet
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from rest_framework.test import APIClient

from core.export.columns import Column, find_kind
from core.export.formats import FORMATS, CsvFormat, write_line
from core.management.base import UsageError
from core.models import AuditEntry, FieldState, NeuronEvent
from core.services import exporting
from kuramoto.exports import EVENTS
from kuramoto.models import OscillatorState, SynchronizationEvent
from nfcs.exports import COLLECTIONS
from tests.factories.accounts import OperatorFactory, UserFactory
from tests.factories.constitutional import ViolationFactory
from tests.factories.core import RunFactory, act, make_field, make_neuron
from validation.models import MetricSeries

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
ADDRESSES = {
    "oscillators": "/api/v1/oscillators/export/",
    "sync-events": "/api/v1/sync-events/export/",
    "fields": "/api/v1/fields/export/",
    "neuron-history": "/api/v1/neurons/history/export/",
    "metrics": "/api/v1/metrics/export/",
    "violations": "/api/v1/violations/export/",
}


def execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def fill(owner: Any = None, n: int = 5) -> Any:
    """A run with some rows in every collection that has an address."""
    run = RunFactory(n_oscillators=2, owner=owner)
    for i in range(n):
        execute(
            "INSERT INTO kuramoto_oscillators (run_id, timestamp, phases, sync_parameter, mean_phase, ha, ha_version,"
            " ha_defect, prediction_horizons, semantic_embedding) VALUES (%s, %s, %s, %s, -0.0, 2.5, 1, 0.25, %s, %s)",
            run.pk,
            AT + timedelta(seconds=n - i, microseconds=i),
            [0.1 * i, -1e-9],
            1 / (i + 3),
            json.dumps({"1": 0.5}),
            json.dumps([i + 0.5] * 768) if i % 2 else None,
        )
        SynchronizationEvent.objects.create(
            run=run,
            event_type="recovery" if i % 2 else "emergency_stop",
            cause="hallucination",
            reason="=1+1",
            sync_level_before=0.1,
            sync_level_after=0.2,
            event_data={"text": '=1+1,"\n'},
            occurred_at=AT + timedelta(seconds=i),
        )
        ViolationFactory(run=run, detected_at=AT + timedelta(seconds=i))
        make_field(run=run, at=AT + timedelta(seconds=i), keep_frame=i % 2 == 0)
    series = MetricSeries.objects.create(run=run, metric_name="=cmd()", component="@x", metric_unit=None, tags={"a": 1})
    execute(
        "INSERT INTO metric_samples (run_id, series_id, recorded_at, value)"
        " SELECT %s, %s, %s::timestamptz + i * interval '1 second', sin(i) FROM generate_series(1, %s) i",
        run.pk,
        series.pk,
        AT,
        n,
    )
    act(make_neuron(run=run), "gate", gate="h")
    return run


def get(client: APIClient, name: str, **parameters: Any) -> bytes:
    answer = client.get(ADDRESSES[name], parameters)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def read(body: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of an NDJSON export and what its end says, which has to be true."""
    *lines, last = body.splitlines(keepends=True)
    end = json.loads(last)["nfcs_export"]
    assert end == {"rows": len(lines), "rows_sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
    return [json.loads(line) for line in lines], end


@pytest.mark.parametrize("name", ADDRESSES)
def test_every_format_holds_the_same_rows(admin_api: APIClient, name: str) -> None:
    run = fill()
    where = {} if name == "neuron-history" else {"run": run.pk}
    rows, end = read(get(admin_api, name, **where))
    assert rows
    columns = [column.name for column in COLLECTIONS[name].columns()]
    assert list(rows[0]) == columns

    parquet = get(admin_api, name, format="parquet", **where)
    table = pyarrow.parquet.read_table(io.BytesIO(parquet))
    metadata = pyarrow.parquet.read_metadata(io.BytesIO(parquet)).metadata
    assert table.num_rows == end["rows"]
    assert metadata[b"nfcs_rows"] == str(end["rows"]).encode()
    assert metadata[b"nfcs_rows_sha256"] == end["rows_sha256"].encode()

    with pyarrow.ipc.open_stream(get(admin_api, name, format="arrow", **where)) as stream:
        batches = list(stream.iter_batches_with_custom_metadata())
    assert pyarrow.Table.from_batches([batch for batch, _ in batches]).equals(table)
    assert batches[-1].custom_metadata[b"nfcs_rows_sha256"] == end["rows_sha256"].encode()
    assert batches[-1].batch.num_rows == 0

    lines = list(csv.reader(io.StringIO(get(admin_api, name, format="csv", **where).decode(), newline="")))
    assert lines[0] == columns
    assert lines[-1] == [f"# rows={end['rows']} rows_sha256={end['rows_sha256']}"]
    assert len(lines) == end["rows"] + 2

    manifest = json.loads(get(admin_api, name, format="manifest", **where))
    assert (manifest["rows"], manifest["rows_sha256"]) == (end["rows"], end["rows_sha256"])
    assert [column["name"] for column in manifest["columns"]] == columns == table.column_names

    kinds = {column.name: column.kind for column in COLLECTIONS[name].columns()}
    for row, typed, cells in zip(rows, table.to_pylist(), lines[1:], strict=False):
        for column, cell in zip(columns, cells, strict=True):
            value = typed[column]
            match kinds[column]:
                case "time" if value is not None:
                    assert datetime.fromisoformat(row[column]) == value == datetime.fromisoformat(cell)
                case "json" if value is not None:
                    assert json.loads(value) == row[column] == json.loads(cell)
                case "numbers" if value is not None:
                    assert row[column] == value == json.loads(cell)
                case "number" if value is not None:
                    assert row[column] == value == float(cell)
                case "binary" if value is not None:
                    assert base64.b64decode(row[column]) == value == base64.b64decode(cell)
                case "text" if value is not None:
                    assert row[column] == value == cell.removeprefix("'")
                case _:
                    assert row[column] == value


def test_rows_come_oldest_first_with_all_their_digits(admin_api: APIClient) -> None:
    run = fill()
    rows, _ = read(get(admin_api, "oscillators", run=run.pk))
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)
    assert rows[0]["timestamp"] == "2026-01-05T12:00:01.000004Z"
    stored = OscillatorState.objects.filter(run=run).order_by("timestamp")
    assert [(row["sync_parameter"], row["phases"]) for row in rows] == [
        (state.sync_parameter, state.phases) for state in stored
    ]


def test_filters_are_those_of_the_list(admin_api: APIClient) -> None:
    run = fill()
    other = fill()
    assert {row["run"] for row in read(get(admin_api, "fields", run=other.pk))[0]} == {other.pk}
    since = (AT + timedelta(seconds=2)).isoformat()
    until = (AT + timedelta(seconds=4)).isoformat()
    assert len(read(get(admin_api, "fields", run=run.pk, since=since, until=until))[0]) == 2
    assert len(read(get(admin_api, "metrics", run=run.pk, since=since, until=until, component="@x"))[0]) == 2
    assert read(get(admin_api, "metrics", run=run.pk, metric_name="other"))[0] == []
    assert len(read(get(admin_api, "fields", since="2026-01-01T00:00:00Z", has_frame="true"))[0]) == 6
    assert len(read(get(admin_api, "neuron-history", event="gate"))[0]) == 2


def test_large_columns_come_when_asked_for(admin_api: APIClient) -> None:
    run = fill()
    assert "frame" not in read(get(admin_api, "fields", run=run.pk))[0][0]
    rows, _ = read(get(admin_api, "fields", run=run.pk, blobs="true"))
    frames = FieldState.objects.filter(run=run).order_by("timestamp").values_list("frame", flat=True)
    assert [row["frame"] and base64.b64decode(row["frame"]) for row in rows] == [
        frame and bytes(frame) for frame in frames
    ]
    embedding = read(get(admin_api, "oscillators", run=run.pk, blobs="true"))[0][1]["semantic_embedding"]
    assert embedding == [3.5] * 768


def test_nothing_to_export(admin_api: APIClient) -> None:
    for name in FORMATS:
        body = get(admin_api, "violations", format=name, since="2000-01-01T00:00:00Z", until="2001-01-01T00:00:00Z")
        assert hashlib.sha256(b"").hexdigest().encode() in body


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("oscillators", {"format": "xml", "run": 1}, "format"),
        ("oscillators", {"blobs": "yes", "run": 1}, "blobs"),
        ("oscillators", {"run": 1, "limit": 5}, "limit"),
        ("oscillators", {"run": 1, "cursor": "x"}, "cursor"),
        ("oscillators", {"run": 1, "page": 5}, "page"),
        ("oscillators", {"run": "x"}, "run"),
        ("metrics", {"since": "yesterday"}, "since"),
        ("metrics", {"run": 1, "since": "0001-01-01T00:00:00Z"}, "since"),
        ("metrics", {"run": 1, "limit": 5}, "limit"),
        ("metrics", {"run": 1, "speed": 5}, "speed"),
        ("fields", {}, "since"),
        ("fields", {"until": "2026-01-01T00:00:00Z"}, "since"),
        ("oscillators", {}, "since"),
        ("metrics", {"component": "x"}, "since"),
    ],
)
def test_what_would_not_be_everything_is_refused(
    admin_api: APIClient, name: str, parameters: dict[str, Any], field: str
) -> None:
    answer = admin_api.get(ADDRESSES[name], parameters)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_headers(admin_api: APIClient) -> None:
    run = fill(n=1)
    answer = admin_api.get(ADDRESSES["metrics"], {"run": run.pk, "format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="metrics.csv"'
    assert answer["Cache-Control"] == "no-store"
    before = AuditEntry.objects.count()
    head = admin_api.head(ADDRESSES["metrics"], {"run": run.pk, "format": "parquet"})
    assert (head.status_code, head["Content-Type"], head.content) == (200, "application/vnd.apache.parquet", b"")
    assert AuditEntry.objects.count() == before


def test_everybody_exports_what_they_see(admin_api: APIClient) -> None:
    """Row security and permissions hold while the answer is streamed, which is after the view."""
    call_command("loaddata", "roles", verbosity=0)
    owner, stranger, operator = UserFactory(), UserFactory(), OperatorFactory()
    run = fill(owner=owner)
    seen = {}
    for user in (owner, stranger, operator):
        client = APIClient()
        client.force_authenticate(user)
        rows = read(get(client, "sync-events", since="2026-01-01T00:00:00Z"))[0]
        seen[user.pk] = [row["run"] for row in rows]
        # The same as the list shows.
        listed = client.get("/api/v1/sync-events/", {"since": "2026-01-01T00:00:00Z"}).json()["results"]
        assert sorted(seen[user.pk]) == sorted(row["run"] for row in listed)
    assert seen == {owner.pk: [run.pk] * 5, stranger.pk: [], operator.pk: [run.pk] * 5}
    assert APIClient().get(ADDRESSES["sync-events"]).status_code in (401, 403)


def test_exports_are_in_the_audit_trail(admin_api: APIClient) -> None:
    run = fill(n=3)
    _, end = read(get(admin_api, "metrics", run=run.pk))
    entries = [json.loads(bytes(entry.payload)) for entry in AuditEntry.objects.order_by("id")]
    begun, finished = [entry for entry in entries if str(entry.get("event", "")).startswith("export.")]
    assert (begun["event"], finished["event"]) == ("export.begun", "export.finished")
    assert "'rows': 3" in str(finished)
    assert end["rows_sha256"] in str(finished)


def test_an_export_that_is_not_read_to_its_end_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come from a server-side cursor, chunk by chunk; who goes away takes the transaction along."""
    fill(n=20)
    monkeypatch.setattr(exporting, "CHUNK_ROWS", 2)
    outcome = exporting.Outcome()
    stream = exporting.stream_rows(EVENTS, SynchronizationEvent.objects.all(), format_name="ndjson", outcome=outcome)()
    assert next(stream) == b""
    assert next(stream).count(b"\n") == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
        assert cursor.fetchone() == (1,)
    stream.close()
    assert (outcome.rows, outcome.rows_sha256) == (2, "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_text_becomes_a_formula(start: str) -> None:
    columns = [Column("text", "text", "text"), Column("number", "number", "number")]
    body = CsvFormat(columns).write([[f"{start}1+1", -1.5], ["plain", None]], [])
    rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert rows == [[f"'{start}1+1", "-1.5"], ["plain", ""]]


def test_a_line_holds_what_json_can() -> None:
    columns = [Column("big", "big", "json"), Column("nan", "nan", "number")]
    assert json.loads(write_line(columns, [{"n": 2**70}, 0.5])) == {"big": {"n": 2**70}, "nan": 0.5}


def test_kinds_come_from_the_models() -> None:
    kinds = {column.name: column.kind for column in COLLECTIONS["oscillators"].columns(blobs=True)}
    assert kinds["run"] == "integer"
    assert kinds["phase_coherence"] == "number"
    assert kinds["phases"] == kinds["semantic_embedding"] == "numbers"
    assert find_kind(NeuronEvent, "neuron__name") == "text"
    with pytest.raises(TypeError, match="leads nowhere"):
        find_kind(NeuronEvent, "event__name")


@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_command_writes_the_same(
    admin_api: APIClient, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run = fill()
    path = tmp_path / f"{name}.ndjson"
    call_command("telemetry", "export", name, str(path), "--run", str(run.pk), "--json")
    answer = json.loads(capsys.readouterr().out)
    _, end = read(path.read_bytes())
    assert (answer["rows"], answer["rows_sha256"]) == (end["rows"], end["rows_sha256"])
    assert answer["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert answer["bytes"] == path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]
    if name in ADDRESSES and name != "neuron-history":
        assert path.read_bytes() == get(admin_api, name, run=run.pk)


def test_the_command_takes_a_span_and_a_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    path = tmp_path / "samples"
    call_command(
        "telemetry",
        "export",
        "metrics",
        str(path),
        "--format",
        "parquet",
        "--since",
        "2026-01-05T12:00:02",
        "--until",
        "2026-01-05T12:00:04Z",
    )
    assert pyarrow.parquet.read_metadata(path).num_rows == 2
    assert f"{path}  2 rows" in capsys.readouterr().out
    with pytest.raises(UsageError, match="samples ends like no format"):
        call_command("telemetry", "export", "metrics", str(path))
    with pytest.raises((CommandError, SystemExit)):
        call_command("telemetry", "export", "metrics", str(path), "--format", "csv", "--since", "yesterday")


def test_a_file_is_there_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    path = tmp_path / "events.csv"
    path.write_text("the one before")

    def fail(*_: Any) -> bytes:
        raise OSError("the disk is full")

    monkeypatch.setattr(CsvFormat, "end", fail)
    with pytest.raises(CommandError, match="disk is full"):
        call_command("telemetry", "export", "sync-events", str(path))
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["the one before"]
