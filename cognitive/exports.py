"""What of the signal complexity can be exported."""

from cognitive.models import ComplexitySnapshot
from core.export.columns import Collection

SNAPSHOTS = Collection(
    name="complexity-snapshots",
    model=ComplexitySnapshot,
    time_field="ts",
    fields=(
        "id",
        ("run", "run_id"),
        ("record", "record_id"),
        "ts",
        "r_mean",
        "r_std",
        "metastability_shanahan",
        "chimera",
        "lzc_norm",
        "total_correlation",
        "n_samples",
    ),
)
