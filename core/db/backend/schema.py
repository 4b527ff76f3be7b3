"""Tables are made in `public` and moved to the schema of their app."""

from __future__ import annotations

from collections.abc import Callable

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
            self._write_comments(model, lambda words: not words)

    def write_comments(self, model: type[Model], *, is_view: bool = False) -> None:
        """Comment the columns of a table or view that an SQL file made, and the table itself."""
        self._write_comments(model, lambda _: True, columns_alone=is_view)

    def _write_comments(
        self, model: type[Model], choose: Callable[[str | None], bool], *, columns_alone: bool = False
    ) -> None:
        """The chosen comments of the model, made of names where it gives no words."""
        table = self.quote_name(model._meta.db_table)
        if not columns_alone and choose(model._meta.db_table_comment):
            words = model._meta.db_table_comment or f"{capfirst(model._meta.verbose_name)}."
            self.execute(f"COMMENT ON TABLE {table} IS {self.quote_value(words)}", params=None)
        for field in model._meta.local_concrete_fields:
            if choose(field.db_comment):
                name = "Primary key" if field.primary_key else capfirst(field.verbose_name)
                column = f"{table}.{self.quote_name(str(field.column))}"
                words = field.db_comment or f"{name}."
                self.execute(f"COMMENT ON COLUMN {column} IS {self.quote_value(words)}", params=None)
