"""What policies cost: a range query over a million samples, and the last step of ingest, bound by them or not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import psycopg

from tests.bench.harness import Case, Installation, main

ROWS = 1_000_000
MONTHS = 24
RUNS = 10
MANY_RUNS = 10_000
BATCH = 100_000
RANGE = (
    "SELECT count(*), avg(value) FROM metric_samples WHERE recorded_at >= '2024-01-01' AND recorded_at < '2026-01-01'"
)
INSERT = (
    "INSERT INTO metric_samples (run_id, series_id, recorded_at, value) SELECT run_id, series_id, recorded_at, value"
    " FROM staged"
)


def list_cases(installation: Installation) -> Sequence[Case]:
    """Each against a superuser, whom no policy binds."""
    plant(installation)
    app, admin = installation.app_url, installation.admin_url
    named = {
        "system": 0,
        "operator": 1,
        f"owner of {RUNS} runs, half of the rows": 2,
        f"owner of {MANY_RUNS} runs, the other half": 3,
    }
    cases = [
        Case(
            f"range over {ROWS} rows as {who}",
            "rows/s",
            partial(read, app, user),
            partial(read, admin, None),
            at_least=1 / 1.2,
        )
        for who, user in named.items()
    ]
    cases.append(
        Case(
            f"insert of {BATCH} rows from a temporary table as their owner",
            "rows/s",
            lambda: write(app, 2),
            lambda: write(admin, None),
            at_least=0.8,
        )
    )
    return cases


def plant(installation: Installation) -> None:
    """Partitions, users, runs and samples."""
    with psycopg.connect(installation.owner_url, autocommit=True) as owner:
        owner.execute("SELECT set_config('nfcs.user_id', '0', false)")
        for month in range(MONTHS):
            owner.execute(
                "SELECT create_monthly_partition('metric_samples', (date '2024-01-01' + %s * interval '1 mon')::date)",
                [month],
            )
        for user, role in ((1, "operator"), (2, "user"), (3, "user")):
            owner.execute(
                "INSERT INTO users (id, username, email, password_hash, role, is_superuser)"
                " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, '!', %s, false)",
                [user, f"user{user}", f"user{user}@example.org", role],
            )
        owner.execute(
            "INSERT INTO runs (id, run_uuid, name, kind, owner_id, parameters, code_version, coupling_norm,"
            " defect_density_ref, ha_weights, started_at) OVERRIDING SYSTEM VALUE"
            " SELECT n, gen_random_uuid(), 'run', 'live', CASE WHEN n <= %s THEN 2 ELSE 3 END, '{}', '', 'per_n',"
            " 0.0036, '{0.5,0.3,0.2}', '2024-01-01' FROM generate_series(1, %s) n",
            [RUNS, RUNS + MANY_RUNS],
        )
        owner.execute(
            "INSERT INTO metric_samples (run_id, series_id, recorded_at, value)"
            " SELECT 1 + n %% %s, 1, '2024-01-01 00:00+00'::timestamptz + n * interval '63 s', n"
            " FROM generate_series(0, %s) n",
            [2 * RUNS, ROWS - 1],
        )
        owner.execute("VACUUM ANALYZE metric_samples")


def read(url: str, user: int | None) -> float:
    """Rows a second of the range query; whoever sees half of them looks at all."""
    with psycopg.connect(url) as server:
        name(server, user)
        begin = time.perf_counter()
        server.execute(RANGE).fetchone()
        return ROWS / (time.perf_counter() - begin)


def write(url: str, user: int | None) -> float:
    """Rows a second of the step from the temporary table into the samples; rolled back."""
    with psycopg.connect(url) as server:
        name(server, user)
        server.execute("CREATE TEMPORARY TABLE staged (LIKE metric_samples) ON COMMIT DROP")
        server.execute(
            "INSERT INTO staged SELECT 1, 1, '2025-06-01 00:00+00'::timestamptz + n * interval '1 ms', n"
            " FROM generate_series(1, %s) n",
            [BATCH],
        )
        begin = time.perf_counter()
        server.execute(INSERT)
        taken = time.perf_counter() - begin
        server.rollback()
        return BATCH / taken


def name(server: psycopg.Connection, user: int | None) -> None:
    """Name who acts; the schemas stand in the path whoever connects."""
    server.execute("SET LOCAL search_path = public, nfcs_core, user_mgmt, validation")
    server.execute("SELECT set_config('nfcs.user_id', %s, true)", ["" if user is None else str(user)])


if __name__ == "__main__":
    main("row security", list_cases)
