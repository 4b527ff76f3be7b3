"""SQL files as migration operations and as named queries.

A file `<app>/sql/NNNN_slug.up.sql` holds what Django cannot say, `NNNN_slug.down.sql` beside it takes it back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

ROOT = Path(__file__).resolve().parents[2]


class RunSQLFile(Operation):
    """Run `<app>/sql/<slug>.up.sql`, or `.down.sql` on the way back, each as one string.

    Args:
        app: the app that owns the file.
        slug: the file's name without its endings.
        state_operations: what the file means to Django. For a `CreateModel` among them the comments of the table and
            its columns are written after the file ran, from the model; those of a view's columns as well, where the
            model of the view is there already.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, app: str, slug: str, state_operations: Sequence[Operation] = ()) -> None:
        self.app = app
        self.slug = slug
        self.state_operations = list(state_operations)

    def path(self, direction: str) -> Path:
        """The file of `direction`, `up` or `down`."""
        return ROOT / self.app / "sql" / f"{self.slug}.{direction}.sql"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The operation as Django serialises it."""
        return self.__class__.__name__, [self.app, self.slug], {"state_operations": self.state_operations}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Apply the state operations."""
        for operation in self.state_operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run the file, then comment the tables and views it made."""
        text = self.path("up").read_text()
        schema_editor.execute(text, params=None)
        made = {operation.name for operation in self.state_operations if isinstance(operation, CreateModel)}
        views = set(re.findall(r"CREATE (?:MATERIALIZED )?VIEW (?:\w+\.)?(\w+)", text))
        for name, model_state in to_state.models.items():
            if name[0] == app_label and (model_state.name in made or model_state.options.get("db_table") in views):
                model = to_state.apps.get_model(app_label, model_state.name)
                schema_editor.write_comments(model, is_view=model._meta.db_table in views)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run the file's counterpart."""
        schema_editor.execute(self.path("down").read_text(), params=None)

    def describe(self) -> str:
        """The line `migrate --plan` prints."""
        return f"Run {self.app}/sql/{self.slug}.up.sql"


@cache
def named_queries(app: str, file: str = "queries") -> dict[str, str]:
    """The queries of `<app>/sql/<file>.sql`: each begins with a line `-- name: list_things`."""
    parts = re.split(r"^-- name: (\w+)\n", (ROOT / app / "sql" / f"{file}.sql").read_text(), flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def fetch_all(
    app: str, name: str, parameters: dict[str, Any] | None = None, *, using: str = "default", file: str = "queries"
) -> list[dict[str, Any]]:
    """The rows that the named query answers, each as a dict by column name."""
    with connections[using].cursor() as cursor:
        cursor.execute(named_queries(app, file)[name], parameters or {})
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
