"""Django's PostgreSQL backend, with schemas per app and an embedded server that starts on first use."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from core.db.backend.client import DatabaseClient
from core.db.backend.schema import DatabaseSchemaEditor


class DatabaseWrapper(base.DatabaseWrapper):
    """A PostgreSQL connection of NFCS."""

    SchemaEditorClass = DatabaseSchemaEditor
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Connection parameters; starts the embedded server and prepares its database when that is what they name."""
        server = self.settings_dict.get("EMBEDDED")
        if server is not None and not server.is_held():
            from core.db.prepare import prepare_embedded

            server.ensure_running()
            prepare_embedded(server, database=str(self.settings_dict["NAME"]))
        return super().get_connection_params()
