"""`manage.py telemetry`: files in, newest samples out."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command

from kuramoto.models import OscillatorState
from tests.factories.core import RunFactory
from tests.nfcs.test_ingest import metric, oscillator
from validation.models import MetricSample

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 1, tzinfo=UTC)


def run_command(*words: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command("telemetry", *map(str, words), stdout=out, **options)
    return out.getvalue()


def write(path: Path, run: int | None, count: int = 3) -> Path:
    """Samples in the format of the path's ending; without a run they name none."""
    rows = [metric(1, timestamp=f"2026-01-01T00:00:{at:02}Z", metric_value=float(at)) for at in range(count)]
    for row in rows:
        row.pop("run")
        row |= {} if run is None else {"run": run}
    if path.suffix == ".ndjson":
        path.write_text("\n".join(map(json.dumps, rows)))
        return path
    if path.suffix == ".csv":
        names = list(rows[0])
        cells = [[one if isinstance(one, str) else json.dumps(one) for one in row.values()] for row in rows]
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows([names, *cells])
        return path
    times = pa.array([AT + timedelta(seconds=at) for at in range(count)], pa.timestamp("us", "UTC"))
    texts = {name: pa.array([row[name] for row in rows]) for name in ("metric_name", "component", "metric_unit")}
    table = pa.table(
        {"timestamp": times, "metric_value": [row["metric_value"] for row in rows], "tags": ['{"fold": 1}'] * count}
        | texts
        | ({} if run is None else {"run": [run] * count})
    )
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet", "arrow"])
@pytest.mark.parametrize("names_run", [True, False])
def test_a_file_is_stored(tmp_path: Path, ending: str, names_run: bool) -> None:
    run = RunFactory()
    path = write(tmp_path / f"samples.{ending}", run.pk if names_run else None)
    words = [] if names_run else ["--run", run.pk]
    assert json.loads(run_command("import-file", "metrics", path, *words, "--json", "--dry-run"))["inserted"] == 3
    assert not MetricSample.objects.exists()
    answer = json.loads(run_command("import-file", "metrics", path, *words, "--json"))
    assert answer == {"inserted": 3, "runs": {str(run.pk): 3}, "rejected": [], "dry_run": False}
    found = MetricSample.objects.order_by("value").values_list("recorded_at", "value", "series__tags")
    assert list(found) == [(AT + timedelta(seconds=at), float(at), {"fold": 1}) for at in range(3)]


def test_states_are_stored_from_lines(tmp_path: Path) -> None:
    run = RunFactory()
    path = tmp_path / "states.jsonl"
    path.write_text(json.dumps(oscillator(run.pk)) + "\n")
    assert "1 rows stored" in run_command("import-file", "oscillators", path)
    assert OscillatorState.objects.for_run(run.pk).count() == 1


def test_a_bad_row_is_named_and_the_good_ones_stay_where_asked(tmp_path: Path) -> None:
    run = RunFactory()
    path = tmp_path / "samples.ndjson"
    path.write_text("\n".join(json.dumps(metric(run.pk, metric_value=value)) for value in (1.0, "x", 2.0)))
    with pytest.raises(CommandError, match=r"1\.metric_value"):
        run_command("import-file", "metrics", path)
    assert not MetricSample.objects.exists()
    assert "1.metric_value" in run_command("import-file", "metrics", path, "--partial")
    assert MetricSample.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("samples.txt", b"", 2),
        ("samples.csv", b"", 1),
        ("samples.csv", b"run,metric_value\n1\n", 1),
        ("samples.csv", b"run,metric_value\n1,x\n", 1),
        ("samples.csv", b"\xff\xfe", 1),
        ("samples.ndjson", b"{", 1),
        ("samples.parquet", b"PAR1", 1),
        ("samples.arrow", b"x" * 100, 1),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, content: bytes, code: int) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        run_command("import-file", "metrics", path)
    assert refused.value.returncode == code


@pytest.mark.parametrize(
    "words",
    [
        ("import-file", "metrics", "nowhere.csv"),
        ("import-file", "metrics", __file__, "--format", "csv", "--run", 10**9),
        ("tail", 10**9),
    ],
)
def test_what_makes_no_sense_is_usage(words: Any) -> None:
    with pytest.raises(CommandError) as refused:
        run_command(*words)
    assert refused.value.returncode == 2


def test_the_newest_samples_are_shown(tmp_path: Path) -> None:
    run = RunFactory()
    now = datetime.now(UTC)
    path = tmp_path / "samples.ndjson"
    rows = [metric(run.pk, timestamp=(now - timedelta(seconds=at)).isoformat(), metric_value=at) for at in range(5)]
    path.write_text("\n".join(map(json.dumps, rows)))
    run_command("import-file", "metrics", path)
    lines = run_command("tail", run.pk, "--lines", 2).splitlines()
    assert [line.split("  ")[1:] for line in lines] == [["esc", "loss", "1 1"], ["esc", "loss", "0 1"]]
    (shown,) = run_command("tail", run.pk, "--lines", 1, "--json").splitlines()
    assert json.loads(shown)["metric_value"] == 0.0
    assert run_command("tail", run.pk, "--metric", "none") == ""
