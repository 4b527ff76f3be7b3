"""Graphs of embeddings: listed, and held to the exact answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.transaction import TransactionManagementError

from cognitive.graphs import measure_recall
from core.db.closing import close_partitions
from core.management.base import FindingsError
from kuramoto.similar import INDEX_DEFINITION, TABLE
from tests.cognitive.test_similar import store
from tests.factories.core import RunFactory
from tests.kuramoto.test_similar import make_embeddings, record

pytestmark = [pytest.mark.django_db, pytest.mark.owner]

LEAF = "kuramoto_oscillators_y2026m01"
DELAYED = datetime(2026, 2, 1, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _one_connection(db: None) -> Iterator[None]:
    """What is done as the owner happens in the test's transaction."""
    mirrored = connections["owner"]
    connections["owner"] = connection
    yield
    connections["owner"] = mirrored


@pytest.fixture(autouse=True)
def _partition(_one_connection: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nfcs_core.ensure_partition_v1('kuramoto_oscillators', %s, %s, %s)",
            [LEAF, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        )


def build(definition: str = INDEX_DEFINITION) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {LEAF}_hnsw ON kuramoto.{LEAF} {definition}")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    call_command("vectors", *arguments, "--json")
    answer: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return answer


def test_status_lists_partitions_and_the_graph_of_memories(capsys: pytest.CaptureFixture[str]) -> None:
    states = {graph["name"]: graph["state"] for graph in call(capsys, "status")}
    assert states[LEAF] == states["kuramoto_oscillators_default"] == "none"
    assert states["memory_experiences"] == "valid"
    record(RunFactory(), make_embeddings(5))
    build()
    graph = next(graph for graph in call(capsys, "status") if graph["name"] == LEAF)
    assert (graph["state"], graph["embeddings"]) == ("valid", 5)
    assert graph["bytes"] > 0
    assert graph["to_at"] == "2026-02-01T00:00:00Z"


def test_a_partition_closes_six_hours_after_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    def plan(now: datetime) -> dict[str, str]:
        return {graph.partition: graph.action for graph in close_partitions(now=now, table=TABLE, dry_run=True)}

    assert plan(DELAYED)[LEAF] == "build"
    assert LEAF not in plan(DELAYED.replace(hour=5, minute=59))
    build()
    assert plan(DELAYED)[LEAF] == "keep"
    with pytest.raises(TransactionManagementError):
        close_partitions(now=DELAYED, table=TABLE)
    built = {graph["partition"]: graph["action"] for graph in call(capsys, "build", "--dry-run")}
    assert built[LEAF] == "keep"


def test_recall_is_measured_against_the_exact_answers(capsys: pytest.CaptureFixture[str]) -> None:
    store(make_embeddings(150))
    record(RunFactory(), make_embeddings(150, seed=2))
    build()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
    recalls = {recall["name"]: recall for recall in call(capsys, "recall", "--samples", "12", "--k", "5")}
    assert recalls.keys() == {LEAF, "memory_experiences"}
    for recall in recalls.values():
        assert (recall["samples"], recall["k"]) == (12, 5)
        assert 0.99 <= recall["recall"] <= 1
        assert recall["worst"] <= recall["recall"]


def test_too_little_recall_is_a_finding() -> None:
    store(make_embeddings(20))
    assert len(measure_recall(samples=3)) == 1
    with pytest.raises(FindingsError, match="memory_experiences"):
        # More than there can be, which a command line refuses.
        call_command("vectors", "recall", "--samples", "3", at_least=1.01)


@pytest.mark.parametrize("arguments", [["--k", "0"], ["--k", "1001"], ["--samples", "0"], ["--samples", "x"]])
def test_options_out_of_range(arguments: list[str]) -> None:
    with pytest.raises(Exception, match=r"possible|invalid"):
        call_command("vectors", "recall", *arguments)
