"""What of the oscillators and events can be exported."""

from core.export.columns import Collection
from kuramoto.models import OscillatorState, SynchronizationEvent

OSCILLATORS = Collection(
    name="oscillators",
    model=OscillatorState,
    time_field="timestamp",
    fields=(
        "id",
        ("run", "run_id"),
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
    ),
    blobs=("semantic_embedding",),
    needs_window=True,
)
EVENTS = Collection(
    name="sync-events",
    model=SynchronizationEvent,
    time_field="occurred_at",
    fields=(
        "id",
        ("run", "run_id"),
        "event_type",
        "sync_level_before",
        "sync_level_after",
        "event_data",
        "occurred_at",
    ),
)
