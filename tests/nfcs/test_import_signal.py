"""`manage.py import_signal`: from a CSV to phases."""

from __future__ import annotations

import json
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.models import Run
from kuramoto.models import OscillatorState

pytestmark = pytest.mark.django_db

RATE, FREQUENCY = 100.0, 6.0


def write_csv(path: Path, *, header: bool = True, samples: int = 6000, channels: int = 3) -> np.ndarray:
    """Cosines of one frequency with known phases; returns those phases (samples, channels)."""
    times = np.arange(samples) / RATE
    phases = 2 * np.pi * FREQUENCY * times[:, None] + np.linspace(0, 1.5, channels)
    lines = [",".join(f"{value:.9f}" for value in row) for row in np.cos(phases)]
    if header:
        lines.insert(0, ",".join(f"C{index}" for index in range(channels)))
    path.write_text("\n".join(lines))
    return phases


def run_import(path: Path, **options: Any) -> dict[str, Any]:
    out = StringIO()
    usual = {"rate": RATE, "band": [4.0, 8.0], "start": "2026-01-01T00:00:00Z"}
    call_command("import_signal", str(path), json=True, stdout=out, stderr=StringIO(), **usual | options)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("header", [True, False])
def test_phases_of_cosines_are_their_arguments(tmp_path: Path, header: bool) -> None:
    path = tmp_path / "signal.csv"
    phases = write_csv(path, header=header)
    answer = run_import(path)
    assert answer == {"run": answer["run"], "channels": 3, "samples": 6000, "rows": 6000, "events": answer["events"]}
    run = Run.objects.get(pk=answer["run"])
    assert (run.kind, run.n_oscillators, run.name) == ("import", 3, "signal")
    assert run.parameters["channels"] == (["C0", "C1", "C2"] if header else ["channel 1", "channel 2", "channel 3"])
    rows = OscillatorState.objects.for_run(run.pk).order_by("timestamp").values_list("phases", "sync_parameter")
    found = np.array([row[0] for row in rows])
    error = np.angle(np.exp(1j * (found - phases)))[600:-600]
    assert np.abs(error).max() < 2e-3
    assert rows[3000][1] == pytest.approx(abs(np.exp(1j * phases[3000]).mean()), abs=1e-3)


def test_every_kth_sample_is_kept_at_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "signal.csv"
    write_csv(path)
    answer = run_import(path, every=50)
    assert answer["rows"] == 120
    times = list(
        OscillatorState.objects.for_run(answer["run"]).order_by("timestamp").values_list("timestamp", flat=True)
    )
    assert {(later - sooner).total_seconds() for sooner, later in pairwise(times)} == {0.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a,b\n1,2\n3\n", "line 3: 1 columns in place of 2"),
        ("a,b\n1,2\n3,x\n", "line 3, b: 'x'"),
        ("a,b\n1,2\n3,nan\n", "line 3, b: 'nan'"),
        ("a,b\n1,2\n3,1e999\n", "line 3, b"),
        ("a\n1\n2\n", "at least 25 samples"),
        ('a,b\n1,"2\n', "line 2"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_kept(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(CommandError, match=words):
        run_import(path)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"band": [8.0, 4.0]}, "band_hz"),
        ({"band": [4.0, 60.0]}, "band_hz"),
        ({"rate": -1.0}, "rate_hz"),
        ({"every": 0}, "--every"),
        ({"start": "yesterday"}, "--start"),
        ({"start": "2026-02-30T00:00:00Z"}, "--start"),
        ({"network": "nowhere"}, "nowhere"),
        ({"delimiter": ";;"}, "--delimiter"),
    ],
)
def test_options_that_make_no_sense_are_named(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    path = tmp_path / "signal.csv"
    write_csv(path, samples=100)
    with pytest.raises(CommandError, match=words):
        run_import(path, **options)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing\.csv: No such file"):
        run_import(tmp_path / "nothing.csv")
