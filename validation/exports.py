"""What of the metrics can be exported."""

from core.export.columns import Collection
from validation.models import MetricPoint

METRICS = Collection(
    name="metrics",
    model=MetricPoint,
    time_field="recorded_at",
    fields=(
        ("run", "run_id"),
        ("series", "series_id"),
        ("metric_name", "series__metric_name"),
        ("component", "series__component"),
        ("metric_unit", "series__metric_unit"),
        ("tags", "series__tags"),
        "recorded_at",
        ("metric_value", "value"),
    ),
    order=("series_id", "value"),
    needs_window=True,
)
