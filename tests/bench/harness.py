"""What every benchmark stands on: an installation of its own, alternating runs, medians, ratios, one JSON document.

A program has cases and calls `main`:

    def list_cases(installation: Installation) -> list[Case]: ...

    if __name__ == "__main__":
        main("audit digest", list_cases)

A measurement is a function without arguments that answers a figure in the unit of its case, such as rows/s. `ours` and
`yardstick` take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "max_connections": "200",
    "timezone": "UTC",
}
"""Durable, with room: a checkpoint in the middle of one side only would decide the comparison."""


@dataclass(frozen=True)
class Installation:
    """A migrated installation on a server of its own, gone when the program ends.

    Attributes:
        directory: its data directory (`NFCS_DATA_DIR`).
        app_url: the database as the role that serves requests.
        owner_url: as the role that owns the tables.
        admin_url: as the superuser.
    """

    directory: Path
    app_url: str
    owner_url: str
    admin_url: str


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        unit: of both figures, such as rows/s or ms.
        ours: one measurement of what the project does.
        yardstick: one measurement of what it is held against; None where `ours` has an absolute goal.
        at_least: goal of the ratio ours/yardstick, or of `ours` itself where there is no yardstick; None for none.
        at_most: likewise, for what should be small.
        prepare: runs before every pair of measurements.
    """

    name: str
    unit: str
    ours: Callable[[], float]
    yardstick: Callable[[], float] | None = None
    at_least: float | None = None
    at_most: float | None = None
    prepare: Callable[[], None] = field(default=lambda: None)


@contextmanager
def install(pg_version: int = 18) -> Iterator[Installation]:
    """A fresh, durable, migrated installation; Django is set up on it as the runtime role.

    Call it once a process and before any Django import.
    """
    from core.db.embedded import EmbeddedServer
    from core.db.prepare import prepare_embedded

    with tempfile.TemporaryDirectory(prefix="nfcs-bench-") as name:
        directory = Path(name).resolve()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="nfcs.settings",
            NFCS_DATA_DIR=str(directory),
            NFCS_PG_VERSION=str(pg_version),
            NFCS_HTTPS="false",
            NFCS_LOG_LEVEL="ERROR",
        )
        for variable in ("DATABASE_URL", "DATABASE_URL_FILE", "NFCS_OWNER_DATABASE_URL"):
            os.environ.pop(variable, None)
        server = EmbeddedServer(directory / f"pg{pg_version}", pg_version, SETTINGS)
        server.ensure_running()
        try:
            prepare_embedded(server, database="nfcs")
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0, skip_checks=True)
            yield Installation(
                directory,
                server.url("nfcs_app", "nfcs"),
                server.url("nfcs_owner", "nfcs"),
                server.url("postgres", "nfcs"),
            )
        finally:
            from django.db import connections

            connections.close_all()
            server.release()


def compare(case: Case, rounds: int) -> dict[str, Any]:
    """Measure one case, taking turns, and say how it stands to its goal."""
    ours: list[float] = []
    yardstick: list[float] = []
    for turn in range(rounds):
        case.prepare()
        sides: list[tuple[list[float], Callable[[], float]]] = [(ours, case.ours)]
        if case.yardstick:
            sides.append((yardstick, case.yardstick))
        for figures, measure in reversed(sides) if turn % 2 else sides:
            figures.append(measure())
    outcome: dict[str, Any] = {
        "case": case.name,
        "unit": case.unit,
        "ours": statistics.median(ours),
        "runs": ours,
        "yardstick": statistics.median(yardstick) if yardstick else None,
        "yardstick_runs": yardstick,
    }
    figure = outcome["ours"] / outcome["yardstick"] if yardstick else outcome["ours"]
    outcome["ratio"] = figure if yardstick else None
    outcome["at_least"], outcome["at_most"] = case.at_least, case.at_most
    outcome["met"] = (case.at_least is None or figure >= case.at_least) and (
        case.at_most is None or figure <= case.at_most
    )
    return outcome


def describe_machine() -> dict[str, Any]:
    """What the figures depend on."""
    memory_kb = 0
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else ():
        if line.startswith("MemTotal"):
            memory_kb = int(line.split()[1])
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kb / 2**20, 1),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "django": version_of("django"),
        "psycopg": version_of("psycopg"),
    }


def main(program: str, list_cases: Callable[[Installation], Sequence[Case]]) -> None:
    """Parse the arguments, measure, print the table to stderr and the document to stdout and to `--output`.

    Exit code 0, or 3 with `--strict` when a goal is missed.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of measurements a case")
    parser.add_argument("--output", type=Path, help="file for the JSON document")
    parser.add_argument("--pg-version", type=int, default=18, choices=(16, 18))
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--strict", action="store_true", help="end with 3 when a goal is missed")
    arguments = parser.parse_args()
    outcomes = []
    with install(arguments.pg_version) as installation:
        import psycopg

        with psycopg.connect(installation.admin_url) as connection:
            server = connection.info.parameter_status("server_version")
        for case in list_cases(installation):
            if arguments.only not in case.name:
                continue
            outcome = compare(case, arguments.rounds)
            outcomes.append(outcome)
            print(describe(outcome), file=sys.stderr, flush=True)
    document = {
        "program": program,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine() | {"postgresql": server},
        "rounds": arguments.rounds,
        "settings": SETTINGS,
        "cases": outcomes,
    }
    text = json.dumps(document, indent=1)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    print(text)
    if arguments.strict and not all(outcome["met"] for outcome in outcomes):
        sys.exit(3)


def describe(outcome: dict[str, Any]) -> str:
    """One line a case, for people."""
    line = f"{outcome['case']:<44} {outcome['ours']:>14,.1f} {outcome['unit']}"
    if outcome["yardstick"] is not None:
        line += f"  of {outcome['yardstick']:>14,.1f}: ratio {outcome['ratio']:.2f}"
    for word in ("at_least", "at_most"):
        if outcome[word] is not None:
            line += f"  (goal {word.replace('_', ' ')} {outcome[word]:,}: {'met' if outcome['met'] else 'MISSED'})"
    return line
