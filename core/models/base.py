"""What every model of the project shares: comments in the database that say what its docstring and help texts say."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.db.models.signals import class_prepared


class RecordModel(models.Model):
    """A table of the project.

    The first paragraph of the docstring becomes the table's comment, a field's `help_text` its column's comment.

    Attributes:
        append_only: whether the runtime role may insert rows but never change or delete them.
        read_only: whether it may not even insert them: triggers or migrations write the table.
        database_key: columns of the primary key in the database where it is not the model's; () where there is none.
    """

    append_only: ClassVar[bool] = False
    read_only: ClassVar[bool] = False
    database_key: ClassVar[tuple[str, ...] | None] = None

    class Meta:
        abstract = True


class TimestampedModel(RecordModel):
    """A row people or programs change; a trigger keeps `updated_at`."""

    created_at = models.DateTimeField(help_text="When the row was made.", db_default=Now(), editable=False)
    updated_at = models.DateTimeField(
        help_text="When the row last changed; kept by a trigger.", db_default=Now(), editable=False
    )

    class Meta:
        abstract = True


class HallucinationColumns(RecordModel):
    """The hallucination number of a telemetry row, with what it was made of."""

    ha = models.FloatField(
        "Ha",
        null=True,
        blank=True,
        help_text="Hallucination number Ha, 0 to 10; a lower bound where a component is missing, null where all are.",
    )
    ha_version = models.SmallIntegerField(
        null=True, blank=True, help_text="Version of the definition of Ha; the weights stand on the run."
    )
    ha_defect = models.FloatField(
        null=True, blank=True, help_text="Defect component min(1, rho/rho_ref), 0 to 1; null where missing."
    )
    ha_forecast = models.FloatField(
        null=True,
        blank=True,
        help_text="Forecast component min(1, MSE of one step / variance), 0 to 1; null where missing.",
    )
    ha_drift = models.FloatField(
        null=True,
        blank=True,
        help_text="Embedding drift (1 - cosine)/2 from the run's reference, 0 to 1; null where missing.",
    )

    class Meta:
        abstract = True


class TelemetryModel(RecordModel):
    """A row of a partitioned table: append-only, written by the telemetry pipeline alone.

    The database key is (run_id, timestamp, id); Django knows `id`, which an index serves. Always bound the time.
    """

    append_only = True
    database_key = ("run_id", "timestamp", "id")

    timestamp = models.DateTimeField(
        db_default=Now(), help_text="When the state was observed, UTC; partition key, monthly."
    )

    class Meta:
        abstract = True


def _copy_words_to_comments(sender: type[models.Model], **_: Any) -> None:
    if not issubclass(sender, RecordModel) or sender.__module__ == "__fake__":
        return
    options = sender._meta
    if sender.__doc__ and "db_table_comment" not in options.original_attrs:
        comment = " ".join(inspect.cleandoc(sender.__doc__).split("\n\n")[0].split())
        options.db_table_comment = options.original_attrs["db_table_comment"] = comment
    for field in options.local_fields:
        if field.help_text and not field.db_comment:
            field.db_comment = str(field.help_text)


class_prepared.connect(_copy_words_to_comments)
