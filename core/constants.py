"""Bounds of the core tables."""

MAX_RESOLUTION = 4096
"""Points per side of the largest field."""
MAX_OSCILLATORS = 65_536
"""Oscillators or channels of the largest run."""
MAX_NETWORK_NODES = 4096
"""Vertices of the largest network: its dense matrix takes 128 MiB."""
SYSTEM_RUN_UUID = "00000000-0000-0000-0000-000000000001"
"""The run of what the system says about itself, and of rows inserted without a run through `system_metrics`."""
PARTITIONED_TABLES = {
    "nfcs_fields": "month",
    "kuramoto_oscillators": "month",
    "metric_samples": "month",
    "metric_days": "month",
    "golden_dag_audit": "month",
    "consciousness_snapshots": "month",
    "quantum_neuron_history": "week",
}
"""Time-partitioned tables and the width of their partitions."""
COMPACTED_TABLES = {"metric_samples": "metric_days"}
"""By partitioned table the one that its rows move to when their time is over."""
SEED_FIXTURES = ("roles", "seed_config", "biosemi64", "policies", "alert_rules")
"""What `loaddata` gives every new installation, in this order."""
