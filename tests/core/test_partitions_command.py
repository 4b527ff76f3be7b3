"""`manage.py partitions`, on the suite's database in a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, connections

from core.constants import PARTITIONED_TABLES
from core.management.base import UsageError

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


def test_ensure_makes_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    first = call(capsys, "ensure", "--ahead", "1")
    assert {partition["table"] for partition in first} <= PARTITIONED_TABLES.keys()
    assert all(partition["made"] for partition in first)
    again = call(capsys, "ensure", "--ahead", "1")
    assert [partition["name"] for partition in again] == [partition["name"] for partition in first]
    assert not any(partition["made"] for partition in again)


def test_a_dry_run_makes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = call(capsys, "list")
    would = call(capsys, "ensure", "--dry-run", "--table", "nfcs_fields")
    assert [partition["made"] for partition in would] == [True] * 4
    assert call(capsys, "list") == before


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partitions", "ensure", "--table", "nfcs_fields", "--ahead", "0", "--dry-run")
    call_command("partitions", "ensure", "--table", "nfcs_fields", "--ahead", "0")
    call_command("partitions", "ensure", "--table", "nfcs_fields", "--ahead", "0")
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
    call_command("partitions", "ensure", "--table", "metric_samples", "--ahead", "0")
    assert "5 rows moved out of DEFAULT" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["ensure", "list"])
def test_another_table_is_refused(verb: str) -> None:
    with pytest.raises(UsageError, match="runs is none of the time-partitioned tables"):
        call_command("partitions", verb, "--table", "runs")
