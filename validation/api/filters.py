"""Filters of the validation lists."""

from __future__ import annotations

import django_filters

from core.api.filters import IdFilter, TimeWindowFilterSet
from validation.choices import ValidationType
from validation.models import MetricSeries, ValidationRun


class MetricSeriesFilterSet(django_filters.FilterSet):
    """Series by run, metric and component."""

    run = IdFilter(field_name="run_id")
    metric_name = django_filters.CharFilter()
    component = django_filters.CharFilter()

    class Meta:
        model = MetricSeries
        fields: list[str] = []


class ValidationRunFilterSet(TimeWindowFilterSet):
    """Validation runs by type, run, score and time."""

    time_field = "executed_at"

    validation_type = django_filters.ChoiceFilter(choices=ValidationType.choices)
    run = IdFilter(field_name="run_id")
    score_min = django_filters.NumberFilter(field_name="overall_score", lookup_expr="gte", label="Least score.")
    score_max = django_filters.NumberFilter(field_name="overall_score", lookup_expr="lte", label="Largest score.")

    class Meta:
        model = ValidationRun
        fields: list[str] = []
