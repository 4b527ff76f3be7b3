"""Ingest with policies, alert rules, row security and audit on, against the same ingest with all of them off."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg

from tests.bench.bench_ingest_metrics import cut, make_rows, prepare_run, to_arrow
from tests.bench.bench_ingest_states import ARROW, OSCILLATORS, STATES, make_states
from tests.bench.harness import Case, Installation, main
from tests.bench.web import WebServer, post_all

TABLES = (
    "nfcs_core.runs",
    "kuramoto.kuramoto_oscillators",
    "kuramoto.synchronization_states",
    "constitutional.policy_monitor_states",
    "constitutional.run_guard_states",
    "validation.metric_series",
    "validation.metric_samples",
)
"""What an ingest reads and writes."""
RULES = int(os.environ.get("BENCH_RULES", "10"))
"""Alert rules, each on one metric of 50 series."""


class Guards:
    """Row security and audit of the tables, policies and alert rules, switched on and off together."""

    def __init__(self, installation: Installation) -> None:
        self.connection = psycopg.connect(installation.admin_url, autocommit=True)
        self.connection.execute("SELECT set_config('nfcs.user_id', '0', false)")
        found = self.connection.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgname IN ('audit_insert', 'audit_update', 'audit_delete', 'audit_change')"
            " AND tgrelid = ANY (%s::regclass[])",
            [list(TABLES)],
        )
        self.triggers: list[Any] = found.fetchall()

    def switch(self, *, on: bool) -> None:
        """All on, or all off."""
        word = "ENABLE" if on else "DISABLE"
        for table in TABLES:
            self.connection.execute(f"ALTER TABLE {table} {word} ROW LEVEL SECURITY")
        for table, name in self.triggers:
            self.connection.execute(f"ALTER TABLE {table} {word} TRIGGER {name}")
        self.connection.execute("UPDATE validation.alert_rules SET is_active = %s", [on])


def make_rules() -> None:
    """Alert rules on the order parameter and on as many metrics as RULES says, none of which is ever met."""
    from core.db.identity import SYSTEM, acting_as
    from validation.choices import AlertOperator, AlertSeverity
    from validation.services import create_alert_rule

    for metric in ("r", *(f"metric:metric_{number}" for number in range(RULES))):
        with acting_as(SYSTEM):
            create_alert_rule(
                name=f"rule on {metric}",
                metric=metric,
                op=AlertOperator.BELOW,
                threshold=1e-9 if metric == "r" else -1e6,
                clear_threshold=1e-8 if metric == "r" else -1e5,
                for_s=2.0,
                severity=AlertSeverity.WARNING,
            )


def list_cases(installation: Installation, stack: ExitStack) -> list[Case]:
    """Metrics and oscillators, as Arrow."""
    from django.core.management import call_command

    from core.db.identity import SYSTEM, acting_as

    server, run = prepare_run(installation, stack, n_oscillators=OSCILLATORS)
    with acting_as(SYSTEM):
        call_command("loaddata", "policies", verbosity=0)
    make_rules()
    guards = Guards(installation)
    rows = make_rows(run)
    bodies = {
        "metrics": ([to_arrow(batch) for batch in cut(rows, 10_000)], len(rows)),
        "oscillators": (make_states(run)["Arrow"], STATES),
    }

    def measure(kind: str, *, on: bool) -> Callable[[], float]:
        def send() -> float:
            guards.switch(on=on)
            try:
                return send_all(server, kind, *bodies[kind])
            finally:
                guards.switch(on=True)

        return send

    return [
        Case(
            f"{kind}, policies, row security and audit on, against off",
            "rows/s",
            measure(kind, on=True),
            measure(kind, on=False),
            at_least=0.75,
        )
        for kind in bodies
    ]


def send_all(server: WebServer, kind: str, bodies: Sequence[bytes], count: int) -> float:
    """Rows/s; what other processes remember of policies is asked for anew first."""
    time.sleep(1)
    return count / post_all(server, f"/api/v1/{kind}/batch/", bodies, ARROW)


if __name__ == "__main__":
    with ExitStack() as opened:
        main("cost of the guards", lambda installation: list_cases(installation, opened))
