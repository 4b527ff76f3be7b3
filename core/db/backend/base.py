"""Django's PostgreSQL backend: schemas per app, an embedded server that starts on first use, named actors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper

from core.db.backend.client import DatabaseClient
from core.db.backend.schema import DatabaseSchemaEditor

_DATA_STATEMENT = re.compile(r"[\s(]*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|DECLARE)\b", re.IGNORECASE)


class NamingCursor(CursorWrapper):
    """A cursor that gives a single statement a transaction of its own where an actor is declared.

    The actor is named per transaction; a statement outside of one would run on behalf of nobody.
    """

    def execute(self, sql: Any, params: Any = None) -> Any:
        """Run the statement."""
        return self._named(lambda: CursorWrapper.execute(self, sql, params), sql)

    def executemany(self, sql: Any, param_list: Any) -> Any:
        """Run the statement once for each set of parameters."""
        return self._named(lambda: CursorWrapper.executemany(self, sql, param_list), sql)

    def _named(self, run: Callable[[], Any], sql: Any) -> Any:
        from core.db.identity import declared_actor

        wanted = self.db.alias == DEFAULT_DB_ALIAS and not self.db.in_atomic_block and declared_actor() is not None
        if not (wanted and self.db.get_autocommit() and _DATA_STATEMENT.match(str(sql))):
            return run()
        with transaction.atomic(using=self.db.alias):
            return run()


class NamingDebugCursor(CursorDebugWrapper, NamingCursor):
    """The same, which also logs."""


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

    def make_cursor(self, cursor: Any) -> Any:
        """A cursor that names the actor."""
        return NamingCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> Any:
        """The same, which also logs."""
        return NamingDebugCursor(cursor, self)

    def _set_autocommit(self, autocommit: bool) -> None:
        """Switch; a transaction that begins here is told on whose behalf it runs."""
        from core.db.identity import declared_actor, write_actor

        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if autocommit or (actor := declared_actor()) is None:
            return
        try:
            write_actor(self, actor)
        except BaseException:
            self.close()
            raise
