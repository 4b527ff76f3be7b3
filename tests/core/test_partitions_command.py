"""`manage.py partitions`, on the suite's database in a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from core.constants import PARTITIONED_TABLES
from core.management.base import FindingsError, UsageError
from core.services.configuration import set_config

pytestmark = [pytest.mark.django_db, pytest.mark.owner]


@pytest.fixture(autouse=True)
def _one_connection(db: None) -> Iterator[None]:
    """What the command does as the owner happens in the test's transaction."""
    mirrored = connections["owner"]
    connections["owner"] = connection
    yield
    connections["owner"] = mirrored


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    call_command("partitions", *arguments, "--json")
    answer: list[dict] = json.loads(capsys.readouterr().out)
    return answer


def test_apply_makes_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    first = call(capsys, "apply", "--ahead", "1")
    assert {partition["table"] for partition in first} <= PARTITIONED_TABLES.keys()
    assert all(partition["made"] for partition in first)
    again = call(capsys, "apply", "--ahead", "1")
    assert [partition["name"] for partition in again] == [partition["name"] for partition in first]
    assert not any(partition["made"] for partition in again)


def test_a_dry_run_makes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = call(capsys, "list")
    would = call(capsys, "apply", "--dry-run", "--table", "nfcs_fields")
    assert [partition["made"] for partition in would] == [True] * 4
    assert call(capsys, "list") == before


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partitions", "apply", "--table", "nfcs_fields", "--ahead", "0", "--dry-run")
    call_command("partitions", "apply", "--table", "nfcs_fields", "--ahead", "0")
    call_command("partitions", "apply", "--table", "nfcs_fields", "--ahead", "0")
    words = [line.split("  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert words == ["would be made", "made", "there"]
    call_command("partitions", "list", "--table", "nfcs_fields")
    made, default = capsys.readouterr().out.splitlines()
    assert "T00:00:00Z" in made
    assert default.startswith("nfcs_fields_default  DEFAULT")


def test_rows_that_moved_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO validation.metric_samples (run_id, series_id, recorded_at, value)"
            " SELECT 1, 1, now(), i FROM generate_series(1, 5) i"
        )
    call_command("partitions", "apply", "--table", "metric_samples", "--ahead", "0")
    assert "5 rows moved out of DEFAULT" in capsys.readouterr().out


def test_ensure_is_another_word_for_apply(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "ensure", "--table", "nfcs_fields", "--ahead", "0")[0]["made"]


def insert_samples(day: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO validation.metric_samples (run_id, series_id, recorded_at, value)"
            " SELECT 1, 1, %s::timestamptz, i FROM generate_series(1, %s) i",
            [day, count],
        )


def test_a_plan_with_findings_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    insert_samples("2020-05-15+00", 4)
    with pytest.raises(FindingsError, match="2 findings"):
        call_command("partitions", "plan", "--table", "metric_samples")
    out = capsys.readouterr().out
    assert "  ! 4 rows lie in DEFAULT: manage.py partitions drain" in out
    assert "  ! no partition holds the rows of now: manage.py partitions apply" in out
    assert "keeps everything" in out
    call_command("partitions", "drain", "--table", "metric_samples")
    call_command("partitions", "apply", "--table", "metric_samples")
    capsys.readouterr()
    (plan,) = call(capsys, "plan", "--table", "metric_samples")
    assert plan["findings"] == []
    assert plan["to_build"] == ["metric_samples_y2020m05_series"]


def test_drain_tells_what_moved(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partitions", "drain", "--table", "metric_samples")
    insert_samples("2020-05-15+00", 4)
    call_command("partitions", "drain", "--table", "metric_samples", "--dry-run")
    call_command("partitions", "drain", "--table", "metric_samples")
    assert capsys.readouterr().out.splitlines() == [
        "nothing lies in DEFAULT",
        "metric_samples_y2020m05  4 rows would move",
        "metric_samples_y2020m05  4 rows moved",
    ]


def test_close_tells_what_would_be_built(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partitions", "close", "--dry-run")
    insert_samples("2020-05-15+00", 4)
    call_command("partitions", "drain", "--table", "metric_samples")
    capsys.readouterr()
    call_command("partitions", "close", "--dry-run")
    assert capsys.readouterr().out == "metric_samples_y2020m05_series  would be built\n"


def test_a_partition_goes_to_the_archive_and_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, settings: Any
) -> None:
    settings.ARCHIVE_DIR = tmp_path
    insert_samples("2020-05-15+00", 4)
    call_command("partitions", "drain", "--table", "metric_samples")
    call_command("partitions", "retention")
    call_command("partitions", "archive")
    set_config(key="partitions.retention", value={"metric_samples": {"keep_days": 9, "archive": True}})
    call_command("partitions", "retention", "--dry-run")
    call_command("partitions", "archive", "--dry-run")
    directory = tmp_path / "metric_samples" / "metric_samples_y2020m05"
    call_command("partitions", "archive", "metric_samples_y2020m05")
    call_command("partitions", "retention")
    call_command("partitions", "restore", str(directory), "--dry-run")
    call_command("partitions", "restore", str(directory))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "no policy has anything to drop",
        "no policy has anything to archive",
        f"metric_samples_y2020m05  would be dropped, 0 rows, archive in {directory}",
        f"metric_samples_y2020m05  would be archived: 0 rows in {directory}",
        f"metric_samples_y2020m05  archived and read back: 4 rows in {directory}",
        f"metric_samples_y2020m05  dropped, 4 rows, archive in {directory}",
        "metric_samples_y2020m05  4 rows verified, would go to validation.metric_samples_y2020m05",
        "metric_samples_y2020m05  4 rows restored to validation.metric_samples_y2020m05",
    ]


def test_what_stays_ends_with_3_and_what_cannot_be_archived_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, settings: Any
) -> None:
    settings.ARCHIVE_DIR = tmp_path / "file"
    settings.ARCHIVE_DIR.write_text("not a directory")
    insert_samples("2020-05-15+00", 4)
    call_command("partitions", "drain", "--table", "metric_samples")
    set_config(key="partitions.retention", value={"metric_samples": {"keep_days": 9, "archive": True}})
    with pytest.raises(FindingsError, match="1 partitions stay"):
        call_command("partitions", "retention")
    with pytest.raises(CommandError, match="1 partitions were not archived"):
        call_command("partitions", "archive")
    assert "stays: [Errno" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["apply", "list", "plan", "drain", "close", "retention"])
def test_another_table_is_refused(verb: str) -> None:
    with pytest.raises(UsageError, match="runs is none of the time-partitioned tables"):
        call_command("partitions", verb, "--table", "runs")
