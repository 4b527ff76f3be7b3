"""Filters of the cognitive lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from cognitive.choices import ExperienceType, ModuleType
from cognitive.constants import FORGOTTEN_BELOW
from cognitive.models import CognitiveSession, MemoryExperience
from core.api.filters import FlagFilter, IdFilter, TimeWindowFilterSet


class CognitiveSessionFilterSet(TimeWindowFilterSet):
    """Sessions by module, worker, run, start, and whether they go on."""

    time_field = "started_at"

    module_type = django_filters.ChoiceFilter(choices=ModuleType.choices)
    worker = django_filters.CharFilter()
    run = IdFilter(field_name="run_id", label="Sessions of this run.")
    ongoing = FlagFilter(method="filter_ongoing", label="Whether the session has not ended.")

    class Meta:
        model = CognitiveSession
        fields: list[str] = []

    def filter_ongoing(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Sessions that go on, or those that ended."""
        return queryset.filter(ended_at__isnull=value)


class MemoryFilterSet(TimeWindowFilterSet):
    """Memories by type, time of storing, consolidation and retrievability."""

    time_field = "stored_at"

    experience_type = django_filters.ChoiceFilter(choices=ExperienceType.choices)
    consolidation_min = django_filters.NumberFilter(
        field_name="consolidation_level", lookup_expr="gte", min_value=0, max_value=1, label="Least consolidation."
    )
    retrievability_min = django_filters.NumberFilter(
        field_name="retrievability", lookup_expr="gte", min_value=0, max_value=1, label="Least retrievability now."
    )
    retrievability_max = django_filters.NumberFilter(
        field_name="retrievability", lookup_expr="lte", min_value=0, max_value=1, label="Largest retrievability now."
    )

    forgotten = FlagFilter(
        method="filter_forgotten", label="Whether, when last assessed, it was recalled less than every other time."
    )

    class Meta:
        model = MemoryExperience
        fields: list[str] = []

    def filter_forgotten(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Memories that were forgotten when they were assessed, or that were not."""
        operator = "lt" if value else "gte"
        return queryset.filter(**{f"assessment__strength__{operator}": FORGOTTEN_BELOW})
