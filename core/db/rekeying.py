"""Which keys seal the encrypted columns, and sealing them anew while others write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections, models
from psycopg import sql

from core.db.encryption import EncryptedTextField, list_encrypted_columns
from core.db.identity import SYSTEM, acting_as
from core.key_ring import EncryptionError, KeyRing

BATCH = 200
"""Rows that one transaction seals anew."""


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


@dataclass(frozen=True)
class Resealed:
    """What one batch did.

    Attributes:
        sealed: rows that the first key of the ring seals now.
        broken: what did not open, one line a row.
    """

    sealed: int
    broken: list[str]


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


def lock_encrypted_tables() -> None:
    """Wait for who is writing encrypted columns, and keep others from it until the transaction ends."""
    tables = sorted({model._meta.db_table for model, _ in list_encrypted_columns()})
    with connections["default"].cursor() as cursor:
        for table in tables:
            cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))


def reseal_rows(ring: KeyRing) -> Iterator[Resealed]:
    """Seal with the first key whatever another key seals, batch by batch, each a transaction of its own.

    A row is replaced only where it is still what was read, so no writer's value is lost; passes go on until one finds
    nothing to do. What does not open stays as it is and is told once.
    """
    for model, field in list_encrypted_columns():
        broken: set[Any] = set()
        goes_on = True
        while goes_on:
            goes_on = False
            last: Any = None
            while True:
                with acting_as(SYSTEM):
                    rows = _read_rows(model, field, ring.primary, last)
                    batch = [_reseal_row(model, field, ring, row) for row in rows if row[0] not in broken]
                if not rows:
                    break
                last = rows[-1][0]
                failed = {row.pk: row.error for row in batch if row.error}
                broken |= failed.keys()
                goes_on = goes_on or any(not row.error for row in batch)
                yield Resealed(sum(row.sealed for row in batch), list(failed.values()))


@dataclass(frozen=True)
class _Row:
    pk: Any
    sealed: bool
    error: str = ""


def _read_rows(model: type[models.Model], field: EncryptedTextField, primary: str, after: Any) -> list[tuple[Any, ...]]:
    bound: list[Any] = [model._meta.get_field(name) for name in field.bound_to]
    statement = sql.SQL(
        "SELECT {key}, {value}, {bound} FROM {table}"
        " WHERE nfcs_core.sealing_key_v1({value}) IS DISTINCT FROM %s AND {value} IS NOT NULL {after}"
        " ORDER BY {key} LIMIT %s"
    ).format(
        key=sql.Identifier(_key_column(model)),
        value=sql.Identifier(str(field.column)),
        bound=sql.SQL(", ").join(sql.Identifier(one.column) for one in bound),
        table=sql.Identifier(model._meta.db_table),
        after=sql.SQL("" if after is None else "AND {} > %s").format(sql.Identifier(_key_column(model))),
    )
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, [primary, *([] if after is None else [after]), BATCH])
        return list(cursor.fetchall())


def _reseal_row(model: type[models.Model], field: EncryptedTextField, ring: KeyRing, row: tuple[Any, ...]) -> _Row:
    pk, before, *bound = row
    place = field.name_place(bound)
    try:
        text = ring.open(bytes(before), place)
    except EncryptionError as error:
        return _Row(pk, sealed=False, error=f"{model._meta.db_table}.{field.column} of {pk}: {error}")
    statement = sql.SQL("UPDATE {table} SET {value} = %s WHERE {key} = %s AND {value} = %s").format(
        table=sql.Identifier(model._meta.db_table),
        value=sql.Identifier(str(field.column)),
        key=sql.Identifier(_key_column(model)),
    )
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, [ring.seal(text, place), pk, bytes(before)])
        return _Row(pk, sealed=cursor.rowcount == 1)


def _key_column(model: type[models.Model]) -> str:
    key = model._meta.pk
    assert key is not None  # noqa: S101 - a model has one
    return str(key.column)


def _count_column(model: type[models.Model], field: EncryptedTextField, using: str) -> list[SealedRows]:
    statement = sql.SQL(
        "SELECT nfcs_core.sealing_key_v1({column}), count(*) FROM {table} WHERE {column} IS NOT NULL"
        " GROUP BY 1 ORDER BY 1"
    ).format(column=sql.Identifier(str(field.column)), table=sql.Identifier(model._meta.db_table))
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
        return [SealedRows(f"{model._meta.db_table}.{field.column}", *row) for row in cursor.fetchall()]
