"""What an export holds: columns of a query, each of a kind that every format knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import QuerySet
from pgvector.django import VectorField

KINDS = ("integer", "number", "boolean", "text", "time", "json", "numbers", "binary")


@dataclass(frozen=True)
class Column:
    """A column of an export.

    Attributes:
        name: as it is called in the export.
        source: the lookup that reads it.
        kind: one of KINDS; `numbers` is a list of numbers.
    """

    name: str
    source: str
    kind: str


@dataclass(frozen=True)
class Collection:
    """What can be exported under one name.

    Attributes:
        name: as in the API's address, and in the name of the file.
        model: whose rows; its table stands in the audit entry.
        time_field: by which rows are ordered, oldest first, and bounded.
        order: what follows the time in the order, so that the order is one.
        fields: by the name of the column the lookup that reads it, where that is another.
        blobs: large columns, which come along only when asked for.
        needs_window: whether it is so large that a run or a start has to be named.
        run_lookup: the lookup that reads a row's run.
    """

    name: str
    model: type[models.Model]
    time_field: str
    fields: Sequence[str | tuple[str, str]]
    order: Sequence[str] = ("id",)
    blobs: Sequence[str] = ()
    needs_window: bool = False
    run_lookup: str = "run_id"

    def columns(self, *, blobs: bool = False) -> list[Column]:
        """The columns, with their kinds from the model."""
        named = [*self.fields, *(self.blobs if blobs else ())]
        pairs = [(field, field) if isinstance(field, str) else field for field in named]
        return [Column(name, source, find_kind(self.model, source)) for name, source in pairs]

    def order_by(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows, oldest first, in an order that is always the same."""
        return rows.order_by(self.time_field, *self.order)


def find_kind(model: type[models.Model], source: str) -> str:
    """The kind of what a lookup reads."""
    *path, last = source.split("__")
    for name in path:
        related = model._meta.get_field(name).related_model
        if not isinstance(related, type):
            raise TypeError(f"{name} of {model.__name__} leads nowhere")
        model = related
    field: Any = model._meta.get_field(last)
    if isinstance(field, models.GeneratedField):
        field = field.output_field
    for types, kind in _KINDS_OF_FIELDS:
        if isinstance(field, types):
            return kind
    return "text"


_KINDS_OF_FIELDS: tuple[tuple[Any, str], ...] = (
    (models.BooleanField, "boolean"),
    ((models.IntegerField, models.ForeignKey), "integer"),
    ((models.FloatField, models.DecimalField), "number"),
    (models.DateTimeField, "time"),
    (models.JSONField, "json"),
    ((ArrayField, VectorField), "numbers"),
    (models.BinaryField, "binary"),
)


def make_reader(columns: Sequence[Column]) -> Callable[[Sequence[Any]], list[Any]]:
    """A function that turns a row as the driver gives it into plain values: numbers, texts, times, lists, bytes."""
    readers = [_READERS.get(column.kind, _keep) for column in columns]
    return lambda row: [None if value is None else read(value) for read, value in zip(readers, row, strict=True)]


def _keep(value: Any) -> Any:
    return value


def _read_text(value: Any) -> str:
    return str(value)


def _read_numbers(value: Any) -> list[Any]:
    plain: list[Any] = value.tolist() if hasattr(value, "tolist") else list(value)
    return plain


def write_time(value: datetime) -> str:
    """A time in UTC with all six digits of its microseconds."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if value.year >= 1000 else value.isoformat()


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _read_text,
    "numbers": _read_numbers,
    "binary": bytes,
    "number": float,
}
