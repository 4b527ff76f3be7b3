"""Tables are made in `public` and moved to the schema of their app."""

from __future__ import annotations

from django.apps import apps
from django.db.backends.postgresql.schema import DatabaseSchemaEditor as PostgresSchemaEditor
from django.db.models import Model
from django.utils.text import capfirst


def schema_of(app_label: str) -> str:
    """The PostgreSQL schema of an app's tables: its config's `db_schema`, or `public`."""
    try:
        return str(getattr(apps.get_app_config(app_label), "db_schema", "public"))
    except LookupError:
        return "public"


class DatabaseSchemaEditor(PostgresSchemaEditor):
    """Django's schema editor, which also puts a new table into its app's schema and comments every column."""

    def create_model(self, model: type[Model]) -> None:
        """Create the table of `model`; its indexes, constraints and sequence move with it."""
        super().create_model(model)
        schema = schema_of(model._meta.app_label)
        if schema != "public":
            self.execute(f"ALTER TABLE {self.quote_name(model._meta.db_table)} SET SCHEMA {self.quote_name(schema)}")
            self.write_comments(model)

    def write_comments(self, model: type[Model]) -> None:
        """Comment the table of `model` and its columns; where the model has no words, its names have to do."""
        table = self.quote_name(model._meta.db_table)
        words = model._meta.db_table_comment or f"{capfirst(model._meta.verbose_name)}."
        self.execute(f"COMMENT ON TABLE {table} IS {self.quote_value(words)}", params=None)
        for field in model._meta.local_concrete_fields:
            name = "Primary key" if field.primary_key else capfirst(field.verbose_name)
            column = self.quote_name(str(field.column))
            words = self.quote_value(field.db_comment or f"{name}.")
            self.execute(f"COMMENT ON COLUMN {table}.{column} IS {words}", params=None)
