"""A streaming replica as docs/operations.md makes one: it reads what the primary has, under the same row security."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import psycopg
import pytest

from core.db.embedded import EmbeddedServer
from core.db.identity import SYSTEM
from tests.installation import Installation, install, run_as_server

WAIT_S = 20


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with install() as made:
        yield made


@pytest.fixture(scope="module")
def replica(installation: Installation) -> Iterator[EmbeddedServer]:
    primary = installation.server
    directory = primary.directory.with_name(f"replica{primary.version}")
    directory.mkdir(mode=0o700)
    owner = primary.directory.stat()
    os.chown(directory, owner.st_uid, owner.st_gid)
    program = str(primary.bin_directory / "pg_basebackup")
    to = ("-D", str(directory), "-d", primary.url("postgres", "postgres"))
    run_as_server(primary, program, *to, "-R", "-X", "stream", "-C", "-S", "replica", "-c", "fast")
    # The embedded server's socket lies among its data, and the copy has its lock.
    (directory / ".s.PGSQL.5432.lock").unlink()
    copy = EmbeddedServer(directory, primary.version)
    copy.ensure_running()
    yield copy
    copy.release()


def read(server: EmbeddedServer, actor: int | str) -> list[str]:
    with psycopg.connect(server.url("nfcs_app", "nfcs"), options=f"-c nfcs.user_id={actor}") as connection:
        return [key for (key,) in connection.execute("SELECT config_key FROM nfcs_core.system_config").fetchall()]


def test_a_replica_reads_what_the_primary_has_and_writes_nothing(
    installation: Installation, replica: EmbeddedServer
) -> None:
    with psycopg.connect(installation.url, autocommit=True, options=f"-c nfcs.user_id={SYSTEM}") as primary:
        primary.execute(
            "INSERT INTO nfcs_core.system_config (config_key, config_value, config_type, environment, is_active)"
            " VALUES ('written.after.the.copy', '1', 'integer', 'test', true)"
        )
    expected = read(installation.server, SYSTEM)
    assert expected == ["written.after.the.copy"]
    deadline = time.monotonic() + WAIT_S
    while read(replica, SYSTEM) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert read(replica, SYSTEM) == expected
    assert read(replica, "") == [], "nobody sees nothing there either"
    with (
        psycopg.connect(replica.url("nfcs_app", "nfcs"), options=f"-c nfcs.user_id={SYSTEM}") as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("UPDATE nfcs_core.system_config SET is_active = false")


def test_the_audit_of_a_replica_is_that_of_the_primary(installation: Installation, replica: EmbeddedServer) -> None:
    url = replica.url("nfcs_app", "nfcs")
    status = installation.manage("database", "status", "--json", database_url=url)
    assert json.loads(status.stdout)["is_replica"] is True, status.stderr
    done = installation.manage("audit", "verify", "--json", "--processes=1", database_url=url)
    assert done.returncode == 0, done.stdout + done.stderr
