"""A migrated installation on a server of its own, for tests that stop, copy or edit a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.db.embedded import EmbeddedServer
from core.db.prepare import prepare_embedded
from tests.server import ROOT, TEST_SERVER


@dataclass(frozen=True)
class Installation:
    """A migrated installation of a test's own."""

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


@contextmanager
def install() -> Iterator[Installation]:
    """The installation, gone with its server when the block ends."""
    with tempfile.TemporaryDirectory(prefix="nfcs-installation-") as name:
        server = EmbeddedServer(Path(name).resolve() / f"pg{TEST_SERVER.version}", TEST_SERVER.version)
        server.ensure_running()
        prepare_embedded(server, database="nfcs")
        made = Installation(server)
        done = made.manage("migrate", "-v0")
        assert done.returncode == 0, done.stderr
        yield made
        server.release()


def run_as_server(server: EmbeddedServer, *command: str) -> None:
    """Run a program as the user that the server's files belong to."""
    owner = server.directory.stat()
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        cwd="/",
        **({"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}),
    )
