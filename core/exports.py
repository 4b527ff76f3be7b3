"""What of the core tables can be exported."""

from core.export.columns import Collection
from core.models import FieldState, NeuronEvent

FIELDS = Collection(
    name="fields",
    model=FieldState,
    time_field="timestamp",
    fields=(
        "id",
        ("run", "run_id"),
        "timestamp",
        "resolution",
        "ndim",
        "coherence_level",
        "energy_state",
        "mean_abs",
        "gradient_energy",
        "quartic_energy",
        "defect_count",
        "defect_density",
        "ha",
        "ha_version",
        "ha_defect",
        "ha_forecast",
        "ha_drift",
        "field_data",
        "frame_sha256",
        "frame_encoding",
        "created_at",
    ),
    blobs=("frame",),
    needs_window=True,
)
NEURON_HISTORY = Collection(
    name="neuron-history",
    model=NeuronEvent,
    time_field="ts",
    fields=(
        "id",
        ("neuron", "neuron_id"),
        "ts",
        "seq",
        "event",
        "from_state",
        "to_state",
        "c_before",
        "c_after",
        "bloch_before",
        "bloch_after",
        "outcome",
        "parameters",
        ("partner", "partner_id"),
        "actor_id",
        "database_role",
    ),
    run_lookup="neuron__run_id",
)
