"""The audit on a server of its own: killed under load, dumped and restored, its files edited while it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.db.embedded import EmbeddedServer
from core.db.identity import SYSTEM
from core.db.prepare import prepare_database, prepare_embedded
from core.db.programs import run_program
from tests.server import ROOT, TEST_SERVER


@dataclass(frozen=True)
class Installation:
    """A migrated installation of this test's own."""

    server: EmbeddedServer

    @property
    def url(self) -> str:
        return self.server.url("postgres", "nfcs")

    def manage(self, *arguments: str, database_url: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "nfcs.settings",
            "NFCS_DATA_DIR": str(self.server.directory.parent),
            "NFCS_PG_VERSION": str(self.server.version),
            "NFCS_HTTPS": "false",
        }
        if database_url:
            environment["DATABASE_URL"] = database_url
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def verify(self, **options: str) -> tuple[int, dict[str, Any]]:
        done = self.manage("audit", "verify", "--json", "--processes=1", **options)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def write_until_killed(self) -> None:
        url = self.server.url("nfcs_app", "nfcs")
        with psycopg.connect(url, autocommit=True, options=f"-c nfcs.user_id={SYSTEM}") as connection:
            while True:
                connection.execute(
                    "INSERT INTO nfcs_core.system_config (config_key, config_value, config_type, environment,"
                    " is_active) VALUES (gen_random_uuid()::text, '1', 'integer', 'test', true)"
                )


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="nfcs-audit-") as name:
        server = EmbeddedServer(Path(name).resolve() / f"pg{TEST_SERVER.version}", TEST_SERVER.version)
        server.ensure_running()
        prepare_embedded(server, database="nfcs")
        made = Installation(server)
        done = made.manage("migrate", "-v0")
        assert done.returncode == 0, done.stderr
        yield made
        server.release()


def test_a_killed_server_a_restored_dump_and_an_edited_page(installation: Installation, tmp_path: Path) -> None:
    server = installation.server
    threads = [threading.Thread(target=_ignore_end, args=(installation.write_until_killed,)) for _ in range(8)]
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
    _run_as_server(server, program, "-D", str(server.directory), "-w", "-m", "fast", "stop")
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


def _ignore_end(work: Any) -> None:
    try:
        work()
    except psycopg.OperationalError:
        return


def _run_as_server(server: EmbeddedServer, *command: str) -> None:
    owner = server.directory.stat()
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        cwd="/",
        **({"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}),
    )
