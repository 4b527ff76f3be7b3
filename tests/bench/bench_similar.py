"""Similar states through the API: 100,000 embeddings of 768 elements on a closed partition."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg

from tests.bench.harness import Case, Installation, main

ROWS = 100_000
CLUSTERS = 1000
QUERIES = 100
EXACT_QUERIES = 5
K = 10
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 2, 1, tzinfo=UTC)
LEAF = "kuramoto_oscillators_y2026m01"


def make_embeddings(rng: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    """Clustered embeddings, float32, (count, 768)."""
    noise = 0.5 * rng.standard_normal((count, 768), dtype=np.float32)
    return np.asarray(centres[rng.integers(len(centres), size=count)] + noise, np.float32)


def fill(installation: Installation, centres: np.ndarray) -> None:
    """100,000 states with embeddings in January 2026, and the graph that its partition gets when it closes."""
    from django.utils import timezone

    from core.db.closing import close_partitions
    from core.db.identity import SYSTEM, on_behalf_of
    from core.db.partitions import ensure_partitions
    from core.services.runs import start_run
    from kuramoto.services import OscillatorBatch, record_oscillators
    from kuramoto.similar import TABLE

    rng = np.random.default_rng(2)
    ensure_partitions(now=START, ahead=0, table=TABLE)
    with on_behalf_of(SYSTEM):
        run = start_run(name="similar", started_at=START, n_oscillators=2)
        for first in range(0, ROWS, 10_000):
            batch = OscillatorBatch(
                indices=range(10_000),
                timestamps=[START + timedelta(seconds=first + index) for index in range(10_000)],
                phases=rng.uniform(-3, 3, (10_000, 2)),
                coupling_strength=np.full(10_000, np.nan),
                embeddings=make_embeddings(rng, centres, 10_000),
            )
            record_oscillators(run=run, batch=batch, defect=np.full(10_000, np.nan))
    problems = [graph.problem for graph in close_partitions(now=timezone.now()) if graph.problem]
    if problems:
        raise RuntimeError(f"the graph was not built: {problems}")
    with psycopg.connect(installation.admin_url, autocommit=True) as connection:
        connection.execute(f"VACUUM ANALYZE kuramoto.{LEAF}")


def list_cases(installation: Installation) -> list[Case]:
    """Rates of the API, of the same query by raw SQL on the graph, and of the exact scan; and the recall."""
    from rest_framework.test import APIClient

    from accounts.models import User
    from core.db.identity import SYSTEM, on_behalf_of
    from core.vectors import normalise, write_vector
    from kuramoto.similar import list_similar_states

    rng = np.random.default_rng(1)
    centres = rng.standard_normal((CLUSTERS, 768)).astype(np.float32)
    fill(installation, centres)
    targets = make_embeddings(rng, centres, QUERIES)
    with on_behalf_of(SYSTEM):
        client = APIClient(HTTP_HOST="localhost")
        client.force_authenticate(User.objects.create_superuser("bench", "bench@example.org", None))
    bodies = [
        json.dumps({"vector": target.tolist(), "k": K, "since": START.isoformat(), "until": END.isoformat()}).encode()
        for target in targets
    ]
    # As its owner's administrator: row security costs the yardstick nothing.
    raw = psycopg.connect(installation.admin_url, autocommit=True)
    raw.execute(
        "SELECT set_config('hnsw.ef_search', '80', false), set_config('hnsw.iterative_scan', 'relaxed_order', false)"
    )
    raw.execute("SELECT set_config('search_path', 'public, kuramoto', false)")
    statement = f"""
        SELECT id, run_id, "timestamp", sync_parameter FROM kuramoto_oscillators
        WHERE "timestamp" >= '{START}' AND "timestamp" < '{END}' AND semantic_embedding IS NOT NULL
        ORDER BY l2_normalize(semantic_embedding)::halfvec(768) <=> %s::halfvec(768) LIMIT {K}
    """
    literals = [write_vector(normalise(target)) for target in targets]

    def ask_api() -> float:
        begun = time.perf_counter()
        for body in bodies:
            answer = client.generic("POST", "/api/v1/oscillators/similar/", body, content_type="application/json")
            if answer.status_code != 200:
                raise RuntimeError(answer.content.decode())
        return QUERIES / (time.perf_counter() - begun)

    def ask_sql() -> float:
        begun = time.perf_counter()
        for literal in literals:
            raw.execute(statement, [literal]).fetchall()
        return QUERIES / (time.perf_counter() - begun)

    def ask_exactly() -> float:
        begun = time.perf_counter()
        for target in targets[:EXACT_QUERIES]:
            find(target, exact=True)
        return EXACT_QUERIES / (time.perf_counter() - begun)

    def find(target: np.ndarray, *, exact: bool) -> set[int]:
        with on_behalf_of(SYSTEM):
            return {state.id for state in list_similar_states(vector=target, k=K, start=START, end=END, exact=exact)}

    def measure_recall() -> float:
        found = [len(find(target, exact=False) & find(target, exact=True)) / K for target in targets[:20]]
        return float(np.mean(found))

    return [
        Case("similar states through the API, against raw SQL on the graph", "1/s", ask_api, ask_sql, at_least=0.7),
        Case("similar states through the API, against the exact scan", "1/s", ask_api, ask_exactly, at_least=40),
        Case("recall@10", "1", measure_recall, at_least=0.99),
    ]


if __name__ == "__main__":
    main("similar states", list_cases)
