"""`manage.py dbshell`: psql, from the embedded server's own binaries where the machine has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from django.db.backends.postgresql.client import DatabaseClient as PostgresClient


class DatabaseClient(PostgresClient):
    """Django's psql client, for a server that may have to be started first."""

    def runshell(self, parameters: Iterable[str]) -> None:
        """Open psql on the connection's database."""
        server = self.connection.settings_dict.get("EMBEDDED")
        if server:
            server.ensure_running()
            if not shutil.which(self.executable_name):
                self.executable_name = str(server.bin_directory / "psql")
        super().runshell(list(parameters))
