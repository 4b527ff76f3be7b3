"""Web server and database killed while telemetry arrives: nothing acknowledged is lost, nothing is stored twice.

A kill ends processes and not the machine: what the disk would do at a power cut is not tested.
`tests/bench/bench_kill.py` does the same a hundred times.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.ledger import ROWS, Ledger, find_discrepancies

ROOT = Path(__file__).resolve().parents[2]


def test_kills_lose_and_double_nothing() -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("NFCS_", "DJANGO_", "PYTEST_"))
    }
    version = os.environ.get("NFCS_PG_VERSION", "18")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_kill", "--kills", "4", "--pg-version", version],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"discrepancies": []' in done.stdout


@pytest.mark.django_db(transaction=True)
def test_a_lost_and_a_doubled_batch_are_found() -> None:
    from django.conf import settings

    from tests.factories.core import RunFactory
    from tests.server import admin_url
    from validation.services import record_metrics

    run = RunFactory()
    ledger = Ledger(sent=dict.fromkeys(range(4), "key"), acknowledged={0, 1})
    for number, count in ((0, ROWS), (2, ROWS), (2, ROWS), (3, ROWS - 1), (9, ROWS)):
        record_metrics(
            run_id=run.pk,
            names=["ledger"] * count,
            components=["kill"] * count,
            units=[None] * count,
            tags=[{}] * count,
            times=[run.started_at] * count,
            values=[float(number)] * count,
        )
    found = find_discrepancies(admin_url(settings.DATABASES["default"]["NAME"]), run.pk, ledger)
    assert sorted(found) == [
        "batch 1 was acknowledged and is lost",
        f"batch 2 has {2 * ROWS} rows of {ROWS}",
        f"batch 3 has {ROWS - 1} rows of {ROWS}",
        "batch 9 was never sent",
    ]
