"""The graph of a closed partition is built concurrently, and built anew where a killed build left half of one."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from cognitive.graphs import list_graphs
from core.db.closing import BuiltIndex, close_partitions
from kuramoto.similar import TABLE
from tests import server
from tests.schema.conftest import ask, ensure

LEAF = "kuramoto_oscillators_y2024m05"
NOW = datetime(2024, 6, 2, tzinfo=UTC)


def close(alias: str, *, dry_run: bool = False) -> list[BuiltIndex]:
    return close_partitions(now=NOW, table=TABLE, dry_run=dry_run, using=alias)


def read_state(alias: str) -> str:
    return {graph.name: graph.state for graph in list_graphs(using=alias)}[LEAF]


def test_a_graph_is_built_kept_and_built_anew(scratch: str) -> None:
    ensure(scratch, LEAF, "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z", "kuramoto_oscillators")
    assert read_state(scratch) == "none"
    assert [(one.partition, one.action) for one in close(scratch, dry_run=True)] == [(LEAF, "build")]
    assert read_state(scratch) == "none"
    assert [(one.action, one.problem) for one in close(scratch)] == [("build", "")]
    assert read_state(scratch) == "valid"
    assert [(one.action, one.problem) for one in close(scratch)] == [("keep", "")]
    with psycopg.connect(server.TEST_SERVER.url("postgres", scratch), autocommit=True) as superuser:
        superuser.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [f"kuramoto.{LEAF}_hnsw"]
        )
    assert read_state(scratch) == "invalid"
    assert [(one.action, one.problem) for one in close(scratch)] == [("rebuild", "")]
    assert read_state(scratch) == "valid"
    assert ask(scratch, "SHOW maintenance_work_mem") != [("1GB",)]
