"""Complex neural fields over time."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from core.choices import FrameEncoding
from core.models.base import HallucinationColumns, TelemetryModel
from core.querysets import TelemetryQuerySet


class FieldState(TelemetryModel, HallucinationColumns):
    """One observed state of a run's complex field: its derived scalars always, the field itself where it was kept.

    Append-only, partitioned by month of `timestamp`; written by the telemetry pipeline.
    """

    run = models.ForeignKey(
        "core.Run",
        on_delete=models.PROTECT,
        related_name="fields",
        help_text="The run that produced the state.",
    )
    field_data = models.JSONField(
        help_text="Descriptor of the field: encoding, shape, domain length, spacing, equation parameters, scheme."
    )
    frame = models.BinaryField(
        null=True,
        help_text="The field, packed as frame_encoding says; null where only scalars were kept.",
    )
    frame_sha256 = models.BinaryField(null=True, help_text="SHA-256 of the frame's bytes.")
    frame_encoding = models.CharField(  # noqa: DJ001 - plain frames, and rows without, have none
        max_length=10,
        choices=FrameEncoding,
        null=True,
        help_text="lossless, float16 or quantised, with a head of its own; null: complex64, little-endian, row-major.",
    )
    resolution = models.IntegerField(help_text="Points per side n.")
    ndim = models.SmallIntegerField(db_default=2, help_text="Dimensions of the grid, 1 or 2.")
    coherence_level = models.FloatField(null=True, help_text="|mean A| / mean |A|, 0 to 1.")
    energy_state = models.FloatField(null=True, help_text="Energy E, the integral of |A|^2; area.")
    mean_abs = models.FloatField(null=True, help_text="Mean modulus |A|.")
    gradient_energy = models.FloatField(null=True, help_text="G, the integral of |grad A|^2.")
    quartic_energy = models.FloatField(null=True, help_text="Q, the integral of |A|^4.")
    defect_count = models.IntegerField(null=True, help_text="Plaquettes with winding number other than 0; null in 1-D.")
    defect_density = models.FloatField(null=True, help_text="Defects per area, 1/area; null in 1-D.")
    created_at = models.DateTimeField(db_default=Now(), help_text="When the row was written.")

    objects = TelemetryQuerySet.as_manager()

    class Meta:
        db_table = "nfcs_fields"
        ordering = ["-timestamp", "-id"]
        verbose_name = "field state"
        indexes = [
            # The row of a frame, by its id alone.
            models.Index(fields=["id"], name="nfcs_fields_id_idx"),
            # The newest states of all runs, page by page.
            models.Index(fields=["timestamp"], name="idx_nfcs_fields_timestamp"),
            # Long spans of time, at next to no cost.
            BrinIndex(fields=["timestamp"], name="idx_nfcs_fields_time_brin"),
            # "When was coherence low?"
            models.Index(fields=["coherence_level"], name="idx_nfcs_fields_coherence"),
        ]

    def __str__(self) -> str:
        return f"field {self.pk} of run {self.run_id} at {self.timestamp:%Y-%m-%d %H:%M:%S.%f}"
