"""Kill web server and database by turns while clients send, and hold the tables to the clients' ledger.

Exit code 0 when no acknowledged row is lost and none is stored twice, else 3.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.harness import describe_machine, install
from tests.bench.web import environment_of, start_web
from tests.e2e.ledger import ROWS, Ledger, Senders, find_discrepancies, kill_database, kill_web, pause


def main() -> None:
    """Parse the arguments, kill, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how often something is killed")
    parser.add_argument("--output", type=Path, help="file for the JSON document")
    parser.add_argument("--pg-version", type=int, default=18, choices=(16, 18))
    arguments = parser.parse_args()
    with install(arguments.pg_version) as installation:
        from accounts.models import User
        from core.db.embedded import EmbeddedServer
        from core.db.identity import SYSTEM, acting_as
        from core.services.runs import start_run
        from tests.bench.harness import SETTINGS
        from tests.bench.web import sign_in

        data = installation.directory / f"pg{arguments.pg_version}"
        database = EmbeddedServer(data, arguments.pg_version, SETTINGS)
        environment = environment_of(installation)
        server = start_web(environment)
        ledger = Ledger()
        try:
            user: User = sign_in(server)
            with acting_as(SYSTEM):
                run = start_run(name="kills", kind="live", owner=user, started_at=datetime.now(UTC)).pk
            senders = Senders(f"http://127.0.0.1:{server.port}", run, server.headers, ledger)
            for number in range(arguments.kills):
                time.sleep(pause())
                if number % 2:
                    kill_database(data)
                    database.restart()
                else:
                    server = kill_web(server, environment)
            senders.stop()
        finally:
            server.kill()
        discrepancies = find_discrepancies(installation.admin_url, run, ledger)
    document = {
        "program": "kills during ingest",
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "kills": arguments.kills,
        "rows_a_batch": ROWS,
        "batches_sent": len(ledger.sent),
        "batches_acknowledged": len(ledger.acknowledged),
        "failures": [repr(failure) for failure in senders.failures],
        "discrepancies": discrepancies,
    }
    text = json.dumps(document, indent=1)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    print(text)
    if discrepancies or senders.failures or not ledger.acknowledged:
        sys.exit(3)


if __name__ == "__main__":
    main()
