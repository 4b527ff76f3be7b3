"""Filters by query parameter; a parameter nobody knows is an error, not ignored."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

_ALWAYS = {"format", "limit", "cursor"}


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, refusing unknown and repeated parameters with 400."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The filtered queryset."""
        filterset = self.get_filterset_class(view, queryset)
        refuse_unknown_parameters(request, set(filterset.get_filters()) if filterset else set())
        return super().filter_queryset(request, queryset, view)


def refuse_unknown_parameters(request: Request, known: set[str]) -> None:
    """Raise a ValidationError that names every query parameter not in `known`, and every one given twice."""
    errors = {}
    for name, values in request.query_params.lists():
        if name not in known | _ALWAYS:
            errors[name] = [f"There is no such parameter. Known: {', '.join(sorted(known | _ALWAYS - {'format'}))}."]
        elif len(values) > 1:
            errors[name] = ["The parameter stands twice."]
    if errors:
        raise ValidationError(errors)


class TimeWindowFilterSet(django_filters.FilterSet):
    """`since` (inclusive) and `until` (exclusive) on the time field that the subclass names in `time_field`."""

    time_field = "timestamp"

    since = django_filters.IsoDateTimeFilter(method="filter_since", label="At or after this time (ISO 8601).")
    until = django_filters.IsoDateTimeFilter(method="filter_until", label="Before this time (ISO 8601).")

    def filter_since(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Rows at or after `value`."""
        return queryset.filter(**{f"{self.time_field}__gte": value})

    def filter_until(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Rows before `value`."""
        return queryset.filter(**{f"{self.time_field}__lt": value})
