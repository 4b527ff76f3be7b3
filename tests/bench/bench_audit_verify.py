"""Verification of the chain: entries a second, in the database, and of an export by its own verify.py."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from io import StringIO

import psycopg

from tests.bench.harness import Case, Installation, main

ENTRIES = 400_000
PER_TRANSACTION = 2_500
WRITE = """
    INSERT INTO nfcs_core.golden_dag_audit
        (ts, actor_id, database_role, action, table_name, row_key, payload, payload_sha256)
    SELECT clock_timestamp(), 7, 'nfcs_app', 'update', 'nfcs_core.runs', n::text, body, sha256(body)
    FROM generate_series(1, %s) n
    CROSS JOIN LATERAL convert_to(jsonb_build_object(
        'before', jsonb_build_object('id', n, 'name', 'a run', 'coupling', 0.5),
        'after', jsonb_build_object('id', n, 'name', 'a run', 'coupling', 0.25))::text, 'UTF8') body
"""


def list_cases(installation: Installation) -> Sequence[Case]:
    """Two processes, and one."""
    from django.core.management import call_command

    from core.services.audit_verification import verify_chain

    def fill(count: int) -> None:
        with psycopg.connect(installation.admin_url, autocommit=True) as connection:
            for _ in range(count):
                connection.execute(WRITE, [PER_TRANSACTION])

    threads = [threading.Thread(target=fill, args=(ENTRIES // PER_TRANSACTION // 4,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(installation.admin_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE nfcs_core.golden_dag_audit")
        connection.execute("VACUUM ANALYZE nfcs_core.audit_links")

    def verify(processes: int) -> float:
        began = time.perf_counter()
        report = verify_chain(processes=processes)
        if report.findings or report.entries < ENTRIES:
            raise AssertionError(report.findings[:3])
        return report.entries / (time.perf_counter() - began)

    export = installation.directory / "export"
    call_command("audit", "export", str(export), stdout=StringIO())

    def verify_export(processes: int) -> float:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-I", export / "verify.py", export, "--json", f"--processes={processes}"],
            capture_output=True,
            check=True,
        )
        return int(json.loads(done.stdout)["entries"]) / (time.perf_counter() - began)

    return [
        Case("in the database, two connections", "entries/s", lambda: verify(2), at_least=200_000),
        Case("in the database, one connection", "entries/s", lambda: verify(1)),
        Case("an export, two processes", "entries/s", lambda: verify_export(2), at_least=200_000),
        Case("an export, one process", "entries/s", lambda: verify_export(1)),
    ]


if __name__ == "__main__":
    main("audit verification", list_cases)
