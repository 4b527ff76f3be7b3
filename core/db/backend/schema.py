"""Tables are made in `public` and moved to the schema of their app."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.backends.postgresql.schema import DatabaseSchemaEditor as PostgresSchemaEditor
from django.db.models import Model


def schema_of(app_label: str) -> str:
    """The PostgreSQL schema of an app's tables: its config's `db_schema`, or `public`."""
    try:
        return str(getattr(apps.get_app_config(app_label), "db_schema", "public"))
    except LookupError:
        return "public"


class DatabaseSchemaEditor(PostgresSchemaEditor):
    """Django's schema editor, which also puts a new table into its app's schema."""

    def create_model(self, model: type[Model]) -> None:
        """Create the table of `model`; its indexes, constraints and sequence move with it."""
        super().create_model(model)
        schema = schema_of(model._meta.app_label)
        if schema != "public":
            self.execute(f"ALTER TABLE {self.quote_name(model._meta.db_table)} SET SCHEMA {self.quote_name(schema)}")

    def write_comments(self, model: type[Model]) -> None:
        """Put the comments of `model` and its fields on a table that an SQL file made."""
        if model._meta.db_table_comment:
            self.alter_db_table_comment(model, None, model._meta.db_table_comment)
        for field in model._meta.local_concrete_fields:
            if field.db_comment:
                self.execute(*self._comment_on(model, field))

    def _comment_on(self, model: type[Model], field: Any) -> tuple[str, list[str]]:
        return self._alter_column_comment_sql(model, field, None, field.db_comment)  # type: ignore[no-any-return]
