"""What of the violations can be exported."""

from constitutional.models import Violation
from core.export.columns import Collection

VIOLATIONS = Collection(
    name="violations",
    model=Violation,
    time_field="detected_at",
    fields=(
        "id",
        ("run", "run_id"),
        ("policy", "policy_id"),
        ("policy_name", "policy__policy_name"),
        "violation_type",
        "violation_data",
        "severity_score",
        "ha_value",
        "resolution_status",
        "detected_at",
        "resolved_at",
    ),
)
