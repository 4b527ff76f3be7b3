"""The page of foreign keys: what happens to a row when the row it points to is deleted, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

MEANINGS: dict[Any, tuple[str, str]] = {
    models.CASCADE: ("deleted with it", "The row is a part of the other and means nothing without it."),
    models.PROTECT: ("refuses the deletion", "The row is a record that outlives its cause; the other has to stay."),
    models.SET_NULL: ("kept, pointing nowhere", "The row is a record; who or what it points to is a remark."),
    models.DO_NOTHING: ("a view", "The row is read from other tables."),
}


def describe_keys(tables: Iterable[type[models.Model]]) -> str:
    """A table of every foreign key: column, what it points to, what a deletion there does, and why."""
    lines = [
        "# Foreign keys",
        "",
        "What happens to a row when the row it points to is deleted through Django. In SQL every key refuses, so that "
        "nothing is lost by a slip; partitioned tables are emptied by dropping partitions.",
        "",
        "| key | points to | on deletion | because |",
        "| --- | --- | --- | --- |",
    ]
    keys = [
        (
            f"`{model._meta.db_table}.{field.column}`",
            f"`{field.related_model._meta.db_table}`",
            MEANINGS[field.remote_field.on_delete],
        )
        for model in tables
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
    ]
    lines += [f"| {key} | {target} | {what} | {why} |" for key, target, (what, why) in sorted(keys)]
    return "\n".join(lines) + "\n"
