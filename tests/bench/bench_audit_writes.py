"""Audited writes against unaudited: transactions a second of 1, 4 and 8 writers, bare and with 3 ms of other work."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import psycopg

from tests.bench.harness import Case, Installation, main

SECONDS = 3.0


def list_cases(installation: Installation) -> Sequence[Case]:
    """One case a number of writers and length of a transaction."""
    with psycopg.connect(installation.owner_url) as owner:
        for table in ("plain", "audited"):
            owner.execute(
                f"CREATE TABLE nfcs_core.bench_{table} (id integer PRIMARY KEY, name text, value float8, at timestamp)"
            )
            owner.execute(
                f"INSERT INTO nfcs_core.bench_{table} SELECT n, 'name', 0, now() FROM generate_series(1, 64) n"
            )
            owner.execute(f"GRANT SELECT, UPDATE ON nfcs_core.bench_{table} TO nfcs_app")
        owner.execute("SELECT nfcs_core.audit_rows_of_v1('nfcs_core.bench_audited')")

    def write(table: str, writers: int, work_s: float) -> float:
        done = [0] * writers
        until = time.monotonic() + SECONDS

        def work(place: int) -> None:
            with psycopg.connect(installation.app_url, autocommit=True) as connection:
                while time.monotonic() < until:
                    with connection.transaction():
                        connection.execute("SELECT set_config('nfcs.user_id', '0', true)")
                        connection.execute(
                            f"UPDATE nfcs_core.bench_{table} SET value = value + 1, at = now() WHERE id = %s",
                            [place + 1],
                        )
                        if work_s:
                            time.sleep(work_s)
                    done[place] += 1

        threads = [threading.Thread(target=work, args=(place,)) for place in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(done) / SECONDS

    return [
        Case(
            f"{writers} writers, {'bare' if not work_s else '3 ms'} transactions",
            "transactions/s",
            lambda writers=writers, work_s=work_s: write("audited", writers, work_s),
            lambda writers=writers, work_s=work_s: write("plain", writers, work_s),
            at_least=0.7,
        )
        for work_s in (0.0, 0.003)
        for writers in (1, 4, 8)
    ]


if __name__ == "__main__":
    main("audited writes", list_cases)
