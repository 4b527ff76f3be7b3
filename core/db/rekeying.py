"""Which keys seal the encrypted columns, and sealing them anew."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections, models
from psycopg import sql

from core.db.encryption import EncryptedTextField, list_encrypted_columns


@dataclass(frozen=True)
class SealedRows:
    """Rows of one column that one key seals.

    Attributes:
        column: table and column.
        key_id: None for rows that have not the form of a sealed value.
    """

    column: str
    key_id: str | None
    rows: int


def count_sealed_rows(*, using: str = "default") -> list[SealedRows]:
    """How many rows each key seals, column by column; a table that is not made yet has none."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    return [
        counted
        for model, field in list_encrypted_columns()
        if model._meta.db_table in present
        for counted in _count_column(model, field, using)
    ]


def _count_column(model: type[models.Model], field: EncryptedTextField, using: str) -> list[SealedRows]:
    statement = sql.SQL(
        "SELECT nfcs_core.sealing_key_v1({column}), count(*) FROM {table} WHERE {column} IS NOT NULL"
        " GROUP BY 1 ORDER BY 1"
    ).format(column=sql.Identifier(str(field.column)), table=sql.Identifier(model._meta.db_table))
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
        return [SealedRows(f"{model._meta.db_table}.{field.column}", *row) for row in cursor.fetchall()]
