"""How the kuramoto tables look to programs."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from core.api.serializers import RowSerializer
from kuramoto.models import OscillatorState, SynchronizationEvent


class OscillatorStateSerializer(RowSerializer):
    """One state with its phases."""

    class Meta:
        model = OscillatorState
        fields: ClassVar[list[str]] = [
            "id",
            "run",
            "timestamp",
            "phases",
            "sync_parameter",
            "mean_phase",
            "phase_coherence",
            "coupling_strength",
            "prediction_horizons",
            "ha",
            "ha_version",
            "ha_defect",
            "ha_forecast",
            "ha_drift",
        ]
        read_only_fields = fields


class OscillatorSummarySerializer(OscillatorStateSerializer):
    """One state without its phases, as lists show it."""

    class Meta(OscillatorStateSerializer.Meta):
        fields: ClassVar[list[str]] = [name for name in OscillatorStateSerializer.Meta.fields if name != "phases"]
        read_only_fields = fields


class SynchronizationEventSerializer(serializers.ModelSerializer[SynchronizationEvent]):
    """One event."""

    class Meta:
        model = SynchronizationEvent
        fields = "__all__"
        read_only_fields: ClassVar[list[str]] = [field.name for field in SynchronizationEvent._meta.fields]
