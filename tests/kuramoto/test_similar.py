"""Similar states: exact where there is no graph, nearly so where there is, and never more than who asks may see."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection

from core.exceptions import InvalidInput
from core.models import Run
from core.vectors import normalise, read_vector
from kuramoto import similar
from kuramoto.models import OscillatorState
from kuramoto.services import record_oscillators
from kuramoto.similar import INDEX_DEFINITION, list_similar_states
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory
from tests.factories.kuramoto import make_batch

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
NEXT_MONTH = datetime(2026, 2, 1, tzinfo=UTC)
URL = "/api/v1/oscillators/similar/"


def make_embeddings(count: int, seed: int = 1, clusters: int = 10) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, 768))
    return (centres[rng.integers(clusters, size=count)] + 0.5 * rng.standard_normal((count, 768))).astype(np.float32)


def record(run: Run, embeddings: np.ndarray, start: datetime = START) -> list[int]:
    """One state a second; returns their ids by time."""
    batch = make_batch([0.5] * len(embeddings), start=start, n=4, embeddings=embeddings)
    nothing = np.full(len(embeddings), np.nan)
    record_oscillators(run=run, batch=batch, defect=nothing)
    end = start + timedelta(seconds=len(embeddings))
    return list(
        OscillatorState.objects.for_run(run.pk).within(start, end).order_by("timestamp").values_list("id", flat=True)
    )


def order_exactly(ids: list[int], embeddings: np.ndarray, vector: np.ndarray, k: int) -> list[int]:
    unit = embeddings.astype(np.float64) / np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
    distances = 1 - unit @ (vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64)))
    return [ids[index] for index in np.argsort(distances, kind="stable")[:k]]


def ask(vector: np.ndarray, k: int = 10, **options: Any) -> list[int]:
    window = {"start": START, "end": NEXT_MONTH} | options
    return [state.id for state in list_similar_states(vector=vector, k=k, **window)]


@pytest.fixture
def graph() -> Callable[[], None]:
    """Builds the partition of January 2026, and a graph on it when called; the test goes on as the runtime role."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nfcs_core.ensure_partition_v1('kuramoto_oscillators', 'kuramoto_oscillators_y2026m01', %s, %s)",
            ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        )

    def build() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE INDEX kuramoto_oscillators_y2026m01_hnsw ON kuramoto.kuramoto_oscillators_y2026m01 "
                + INDEX_DEFINITION
            )
            cursor.execute("ANALYZE kuramoto.kuramoto_oscillators_y2026m01")
            # Few rows are quicker sorted than found in a graph.
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL ROLE nfcs_app")

    return build


def test_without_a_graph_the_answer_is_exact() -> None:
    run, other = RunFactory(), RunFactory()
    embeddings = make_embeddings(60)
    ids = record(run, embeddings[:40]) + record(other, embeddings[40:], START + timedelta(hours=1))
    target = embeddings[3] + 0.1
    assert ask(target) == order_exactly(ids, embeddings, target, 10)
    assert ask(target, run_id=other.pk, k=1000) == order_exactly(ids[40:], embeddings[40:], target, 20)
    assert ask(target, start=START + timedelta(seconds=5), end=START + timedelta(seconds=9)) == order_exactly(
        ids[5:9], embeddings[5:9], target, 10
    )
    assert ask(embeddings[3], k=1) == [ids[3]]
    assert ids[3] not in ask(embeddings[3], leave_out=ids[3], k=1000)
    assert ask(target, start=NEXT_MONTH, end=NEXT_MONTH) == []


def test_a_distance_is_the_cosine_distance() -> None:
    run = RunFactory()
    first = np.zeros(768, np.float32)
    first[0] = 2.0
    second, third = -first, np.roll(first, 1)
    record(run, np.array([first, second, third]))
    found = list_similar_states(vector=first * 1000, k=3, start=START, end=NEXT_MONTH)
    assert [state.distance for state in found] == pytest.approx([0, 1, 2])
    assert (found[0].run, found[0].timestamp, found[0].sync_parameter) == (run.pk, START, pytest.approx(0.5))


@pytest.mark.owner
def test_a_graph_is_used_and_its_answer_ordered_exactly(graph: Callable[[], None]) -> None:
    run = RunFactory()
    embeddings = make_embeddings(600)
    ids = record(run, embeddings)
    late = make_embeddings(20, seed=2)
    ids += record(run, late, NEXT_MONTH)
    graph()
    everything = np.concatenate((embeddings, late))
    hits = 0
    for index in range(0, 620, 31):
        found = ask(everything[index], end=NEXT_MONTH + timedelta(days=1))
        expected = order_exactly(ids, everything, everything[index], 10)
        hits += len(set(found) & set(expected))
        assert found == sorted(found, key=order_exactly(ids, everything, everything[index], 620).index)
    assert hits >= 0.99 * 200
    assert uses_graph(embeddings[0])


def uses_graph(vector: np.ndarray) -> bool:
    """Whether the search of January reads the graph, by the plan of its own statement."""
    plans = []

    def explain(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith("("):
            with context["cursor"].db.connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql, parameters)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explain):
        ask(vector)
    return any("kuramoto_oscillators_y2026m01_hnsw" in plan for plan in plans)


@pytest.mark.owner
def test_where_few_rows_may_be_seen_the_search_goes_on(graph: Callable[[], None], acting: Any) -> None:
    mine, others = RunFactory(owner=UserFactory()), RunFactory()
    embeddings = make_embeddings(400)
    record(others, embeddings[:390])
    ids = record(mine, embeddings[390:], START + timedelta(hours=1))
    graph()
    far = -embeddings[395]
    assert ask(far, run_id=mine.pk) == order_exactly(ids, embeddings[390:], far, 10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_indexscan')")
        assert cursor.fetchone() == ("on",)


@pytest.mark.owner
def test_numbers_beyond_half_precision_are_no_trouble(graph: Callable[[], None]) -> None:
    embeddings = make_embeddings(100)
    embeddings[7] *= 1e30
    embeddings[8] *= 1e-30
    ids = record(RunFactory(), embeddings)
    graph()
    for index in (7, 8):
        assert ask(embeddings[index], k=1) == [ids[index]]
    assert ask(embeddings[9] * np.float32(1e30), k=1) == [ids[9]]


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30, 3e35])
def test_a_normalised_vector_has_length_one(scale: float) -> None:
    vector = make_embeddings(1)[0] * np.float32(scale)
    assert np.linalg.norm(normalise(vector).astype(np.float64)) == pytest.approx(1, rel=1e-6)


def test_months_without_a_graph_are_searched_at_once() -> None:
    spans = list(similar._list_spans(START, START + timedelta(days=100), False))
    assert [(span.start, span.end, span.has_graph) for span in spans] == [(START, START + timedelta(days=100), False)]
    with pytest.raises(InvalidInput) as error:
        ask(make_embeddings(1)[0], start=START - timedelta(days=800))
    assert error.value.errors[0].field == "since"


def post(client: Any, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic("POST", URL, data, content_type="application/json")


def test_programs_ask_by_vector_and_by_id(admin_api: Any) -> None:
    run = RunFactory()
    embeddings = make_embeddings(30)
    ids = record(run, embeddings)
    window = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00+00:00"}
    answer = post(admin_api, {"vector": embeddings[4].tolist(), "k": 3} | window)
    assert answer.status_code == 200, answer.content
    rows = answer.json()["results"]
    assert [row["id"] for row in rows] == order_exactly(ids, embeddings, embeddings[4], 3)
    assert rows[0].keys() == {"id", "run", "timestamp", "sync_parameter", "distance"}
    assert rows[0]["timestamp"] == "2026-01-01T00:00:04Z"
    by_id = post(admin_api, {"id": ids[4], "k": 2, "run": run.pk} | window).json()["results"]
    assert [row["id"] for row in by_id] == order_exactly(ids, embeddings, embeddings[4], 3)[1:]
    # A run's states from its start on, without a window.
    assert len(post(admin_api, {"id": ids[4], "k": 1000, "run": run.pk}).json()["results"]) == 29


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "vector"),
        ({"vector": [1.0] * 768, "id": 1}, "vector"),
        ({"vector": [0.0] * 768}, "vector"),
        ({"vector": [1.0] * 767}, "vector"),
        ({"vector": []}, "vector"),
        ({"vector": [1e39] * 768}, "vector"),
        (b'{"vector": [1e999]}', "vector.0"),
        (b'{"vector": ["a"]}', "vector.0"),
        ({"vector": "a"}, "vector"),
        ({"id": 10**6}, "id"),
        ({"id": 0}, "id"),
        ({"id": 2**63}, "id"),
        ({"vector": [1.0] * 768, "k": 0}, "k"),
        ({"vector": [1.0] * 768, "k": 1001}, "k"),
        ({"vector": [1.0] * 768, "k": 1.5}, "k"),
        ({"vector": [1.0] * 768, "run": "x"}, "run"),
        ({"vector": [1.0] * 768, "since": "2026-01-01T00:00:00"}, "since"),
        ({"vector": [1.0] * 768, "since": "0001-01-01T00:00:00Z"}, "since"),
        ({"vector": [1.0] * 768, "until": "9999-12-31T23:00:00-05:00"}, "until"),
        ({"vector": [1.0] * 768, "since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"vector": [1.0] * 768, "limit": 3}, "limit"),
        ([1], "body"),
    ],
)
def test_what_makes_no_sense_is_named(admin_api: Any, body: Any, field: str) -> None:
    answer = post(admin_api, body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"vector": [NaN]}', b'{"vector": ' + b"[" * 5000])
def test_what_is_no_json_is_refused(admin_api: Any, body: bytes) -> None:
    assert post(admin_api, body).status_code == 400


def test_a_state_without_embedding_has_no_like(admin_api: Any) -> None:
    run = RunFactory()
    record_oscillators(run=run, batch=make_batch([0.5], n=4), defect=np.array([np.nan]))
    state = OscillatorState.objects.for_run(run.pk).get()
    answer = post(admin_api, {"id": state.pk})
    assert answer.json()["errors"][0] | {"detail": ""} == {"field": "id", "code": "no_embedding", "detail": ""}


def test_nobody_asks_without_being_signed_in(api: Any) -> None:
    assert post(api, {"vector": [1.0] * 768}).status_code in (401, 403)


def test_a_vector_is_read_with_the_name_of_its_field() -> None:
    assert read_vector([3, 4], 2, "v").dtype == np.float32
    with pytest.raises(InvalidInput) as error:
        read_vector([float("nan"), 1], 2, "v")
    assert error.value.errors[0].field == "v"
