"""Honest use raises no alarm: 64 writers at once, rolled back work, clients killed in the middle, time zones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection

from core.models import AuditLane, AuditLink
from core.services.audit_checkpoints import make_checkpoint
from core.services.audit_verification import verify_chain
from tests import server
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db(transaction=True)

WRITER = """
import random, sys, threading, psycopg
url, seed = sys.argv[1:]
def work(number):
    random.seed(f"{seed} {number}")
    with psycopg.connect(url, autocommit=True) as connection:
        zone = random.choice(["UTC", "Asia/Kathmandu", "America/St_Johns"])
        connection.execute(f"SET timezone = '{zone}'; SET datestyle = 'German'; SET extra_float_digits = 0")
        while True:
            try:
                with connection.transaction() as outer:
                    for _ in range(random.randrange(1, 5)):
                        with connection.transaction() as inner:
                            connection.execute(
                                "UPDATE nfcs_core.runs SET name = md5(random()::text) WHERE id = %s",
                                [random.choice(runs)])
                            if random.random() < 0.2:
                                raise psycopg.Rollback(inner)
                    if random.random() < 0.2:
                        raise psycopg.Rollback(outer)
            except psycopg.errors.DeadlockDetected:
                pass
with psycopg.connect(url) as connection:
    runs = [row[0] for row in connection.execute("SELECT id FROM nfcs_core.runs")]
threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(8)]
for thread in threads:
    thread.start()
print("started", flush=True)
for thread in threads:
    thread.join()
"""


def test_64_writers_that_roll_back_and_are_killed_raise_no_alarm() -> None:
    for _ in range(50):
        RunFactory()
    url = server.admin_url(connection.settings_dict["NAME"])
    before = AuditLink.objects.count()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(8)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "started\n"
        for _ in range(3):
            time.sleep(0.5)
            make_checkpoint(now=datetime.now(UTC), reason="command")
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            if writer.stdout:
                writer.stdout.close()
    with psycopg.connect(url, autocommit=True) as superuser:
        while superuser.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle'"
        ).fetchone() != (0,):
            time.sleep(0.05)
    assert AuditLink.objects.count() > before
    assert AuditLane.objects.filter(sequence__gt=0).count() > 1
    report = verify_chain()
    assert report.findings == []
    assert report.entries == report.links == AuditLink.objects.count()
