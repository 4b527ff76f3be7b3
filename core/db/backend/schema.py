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
            self._write_comments(model, given=False)

    def write_comments(self, model: type[Model]) -> None:
        """Comment a table that an SQL file made, and its columns."""
        self._write_comments(model, given=True)
        self._write_comments(model, given=False)

    def _write_comments(self, model: type[Model], *, given: bool) -> None:
        """The comments that the model gives, or those made of names where it gives none."""
        table = self.quote_name(model._meta.db_table)
        if bool(model._meta.db_table_comment) == given:
            words = model._meta.db_table_comment or f"{capfirst(model._meta.verbose_name)}."
            self.execute(f"COMMENT ON TABLE {table} IS {self.quote_value(words)}", params=None)
        for field in model._meta.local_concrete_fields:
            if bool(field.db_comment) == given:
                name = "Primary key" if field.primary_key else capfirst(field.verbose_name)
                column = f"{table}.{self.quote_name(str(field.column))}"
                words = field.db_comment or f"{name}."
                self.execute(f"COMMENT ON COLUMN {column} IS {self.quote_value(words)}", params=None)
