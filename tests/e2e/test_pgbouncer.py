"""Behind a pooler by transaction, clients that share one server connection never act for each other."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.db.prepare import APP_ROLE
from tests import server

ROOT = Path(__file__).resolve().parents[2]
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


@pytest.fixture
def pooled() -> Iterator[str]:
    """The address of the suite's server behind the shipped configuration, with one server connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini").read_text()
    for old, new in {
        "nfcs = host=127.0.0.1 port=5432 dbname=nfcs": f"nfcs = host={server.TEST_SERVER.host}"
        f" dbname={server.template_name()} user={APP_ROLE}",
        "listen_port = 6432": f"listen_port = {port}",
        "auth_type = scram-sha-256": "auth_type = any",
        "auth_file = /etc/pgbouncer/userlist.txt": "",
        "default_pool_size = 20": "default_pool_size = 1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    # pgbouncer refuses to run as root; whom it becomes has to reach its configuration.
    directory = Path(tempfile.mkdtemp(prefix="nfcs_pgbouncer_"))
    directory.chmod(0o755)
    ini = directory / "pgbouncer.ini"
    ini.write_text(text)
    runner = pwd.getpwnam(server.TEST_SERVER.directory.owner()).pw_uid if os.getuid() == 0 else None
    process = subprocess.Popen(
        [str(PGBOUNCER), str(ini)], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, user=runner
    )
    url = f"postgresql://{APP_ROLE}@127.0.0.1:{port}/nfcs"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)
        shutil.rmtree(directory)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, process.communicate()[1].decode()
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "pgbouncer does not answer"
            time.sleep(0.1)
        else:
            return


def test_clients_in_turn_on_one_connection_keep_to_their_own_names(pooled: str) -> None:
    ask = "SELECT pg_backend_pid(), coalesce(current_setting('nfcs.user_id', true), ''), user_mgmt.actor_v1()"
    with (
        psycopg.connect(pooled, prepare_threshold=None) as first,
        psycopg.connect(pooled, prepare_threshold=None) as second,
        psycopg.connect(pooled, prepare_threshold=None) as third,
    ):
        pids = set()
        for _ in range(50):
            for client, name in ((first, "0"), (second, ""), (third, "7")):
                with client.transaction():
                    row = client.execute(ask).fetchone()
                    assert row is not None
                    assert row[1:] == ("", None), "a name of the transaction before"
                    if name:
                        client.execute("SELECT set_config('nfcs.user_id', %s, true)", [name])
                    row = client.execute(ask).fetchone()
                    assert row is not None
                    assert row[1] == name
                    pids.add(row[0])
        assert len(pids) == 1
