"""The audit on a server of its own: killed under load, dumped and restored, its files edited while it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from core.db.embedded import EmbeddedServer
from core.db.identity import SYSTEM
from core.db.prepare import prepare_database
from core.db.programs import run_program
from tests.installation import Installation, install, run_as_server


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with install() as made:
        yield made


def test_a_killed_server_a_restored_dump_and_an_edited_page(installation: Installation, tmp_path: Path) -> None:
    server = installation.server
    threads = [threading.Thread(target=_ignore_end, args=(_write_until_killed, server)) for _ in range(8)]
    for thread in threads:
        thread.start()
    threading.Event().wait(2)
    os.kill(int((server.directory / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    for thread in threads:
        thread.join()
    while server.is_running():
        threading.Event().wait(0.1)
    server.restart()
    assert installation.manage("audit", "checkpoint").returncode == 0
    code, report = installation.verify()
    assert (code, report["findings"]) == (0, [])
    assert report["entries"] > 50

    dump = tmp_path / "dump"
    run_program("pg_dump", "--format=custom", f"--file={dump}", url=installation.url)
    prepare_database(server.url("postgres", "postgres"), database="restored")
    options = ("--clean", "--if-exists", "--exit-on-error", "--single-transaction")
    run_program("pg_restore", "--enable-row-security", *options, str(dump), url=server.url("postgres", "restored"))
    restored = installation.manage(
        "audit", "verify", "--json", "--processes=1", database_url=server.url("nfcs_app", "restored")
    )
    assert restored.returncode == 0, restored.stdout
    assert json.loads(restored.stdout)["entries"] == report["entries"]

    with psycopg.connect(installation.url, autocommit=True) as superuser:
        entry, key, path = superuser.execute(
            "SELECT e.id, e.payload, pg_relation_filepath(e.tableoid) FROM nfcs_core.golden_dag_audit e"
            " WHERE table_name = 'nfcs_core.system_config' ORDER BY id OFFSET 20 LIMIT 1"
        ).fetchone() or (0, b"", "")
        superuser.execute("CHECKPOINT")
    program = str(server.bin_directory / "pg_ctl")
    run_as_server(server, program, "-D", str(server.directory), "-w", "-m", "fast", "stop")
    file = server.directory / path
    content = bytearray(file.read_bytes())
    at = content.index(bytes(key)) + 30
    content[at] ^= 1
    file.write_bytes(content)
    server.restart()
    code, report = installation.verify()
    assert code == 3
    assert report["first_bad"]["entry"] is not None
    assert entry in {finding["entry"] for finding in report["findings"]}
    target = tmp_path / "export"
    exported = installation.manage("audit", "export", str(target))
    assert exported.returncode == 0, exported.stderr
    done = subprocess.run(
        [sys.executable, "-I", str(target / "verify.py"), str(target), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert entry in {finding["entry"] for finding in json.loads(done.stdout)["findings"]}


def _ignore_end(work: Callable[[EmbeddedServer], None], server: EmbeddedServer) -> None:
    try:
        work(server)
    except psycopg.OperationalError:
        return


def _write_until_killed(server: EmbeddedServer) -> None:
    url = server.url("nfcs_app", "nfcs")
    with psycopg.connect(url, autocommit=True, options=f"-c nfcs.user_id={SYSTEM}") as connection:
        while True:
            connection.execute(
                "INSERT INTO nfcs_core.system_config (config_key, config_value, config_type, environment,"
                " is_active) VALUES (gen_random_uuid()::text, '1', 'integer', 'test', true)"
            )
