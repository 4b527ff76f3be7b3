"""Filters of the constitutional lists."""

from __future__ import annotations

import django_filters

from constitutional.choices import PolicyType, ResolutionStatus, ViolationType
from constitutional.models import ConstitutionalPolicy, Violation
from core.api.filters import TimeWindowFilterSet


class PolicyFilterSet(django_filters.FilterSet):
    """Policies by type and whether they are in force."""

    policy_type = django_filters.ChoiceFilter(choices=PolicyType.choices)
    is_active = django_filters.TypedChoiceFilter(
        choices=[("true", "true"), ("false", "false")], coerce=lambda text: text == "true"
    )

    class Meta:
        model = ConstitutionalPolicy
        fields: list[str] = []


class ViolationFilterSet(TimeWindowFilterSet):
    """Violations by run, policy, type, status, severity and time of detection."""

    time_field = "detected_at"

    run = django_filters.NumberFilter(field_name="run_id", min_value=1, max_value=2**63 - 1, decimal_places=0)
    policy = django_filters.NumberFilter(field_name="policy_id", min_value=1, max_value=2**31 - 1, decimal_places=0)
    violation_type = django_filters.ChoiceFilter(choices=ViolationType.choices)
    resolution_status = django_filters.ChoiceFilter(choices=ResolutionStatus.choices)
    severity_min = django_filters.NumberFilter(
        field_name="severity_score", lookup_expr="gte", min_value=0, max_value=1, label="Least severity, 0 to 1."
    )

    class Meta:
        model = Violation
        fields: list[str] = []
