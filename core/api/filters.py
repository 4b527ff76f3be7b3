"""Filters by query parameter; a parameter nobody knows is an error, not ignored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

_ALWAYS = {"format", "limit", "cursor"}
MAX_ID = 2**63 - 1
DEFAULT_WINDOW = timedelta(days=31)


def list_known_parameters(view: Any) -> set[str]:
    """What a view's action takes: its filters, and what its `query_parameters` name."""
    filterset = getattr(view, "filterset_class", None)
    filters = set(filterset.base_filters) if filterset else set()
    return filters | set(view.query_parameters.get(getattr(view, "action", None), ()))


def refuse_unknown_parameters(request: Request, known: set[str]) -> None:
    """Raise a ValidationError that names every query parameter not in `known`, given twice, or empty."""
    errors = {}
    for name, values in request.query_params.lists():
        if name not in known | _ALWAYS:
            errors[name] = [f"There is no such parameter. Known: {', '.join(sorted(known | _ALWAYS - {'format'}))}."]
        elif len(values) > 1:
            errors[name] = ["The parameter stands twice."]
        elif not values[0]:
            errors[name] = ["The parameter is empty."]
    if errors:
        raise ValidationError(errors)


@extend_schema_field(OpenApiTypes.INT64)
class IdFilter(django_filters.Filter):
    """Rows that refer to the id given, a whole number from 0 to 2^63 - 1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, min_value=0, max_value=MAX_ID)

    field_class = forms.IntegerField


class FlagField(forms.Field):
    """`true` or `false`, and nothing else."""

    def to_python(self, value: Any) -> bool | None:
        """The flag; None where the parameter is absent."""
        if value in self.empty_values:
            return None
        if value not in ("true", "false"):
            raise forms.ValidationError("Either true or false is needed.", "invalid")
        return bool(value == "true")


@extend_schema_field(OpenApiTypes.BOOL)
class FlagFilter(django_filters.Filter):
    """A yes or no, as `true` or `false`."""

    field_class = FlagField


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


class TelemetryFilterSet(TimeWindowFilterSet):
    """Filters of a partitioned table: a list without `run` and `since` begins 31 days before `until`, or before now.

    A list of one run needs no window: the key begins with the run.
    """

    run = IdFilter(field_name="run_id", label="Rows of this run; then the window has no default.")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the filters, within the default window where none was asked for."""
        given = self.form.cleaned_data
        if given.get("run") is None and given.get("since") is None and self.is_list():
            try:
                start = (given.get("until") or timezone.now()) - DEFAULT_WINDOW
            except OverflowError:
                return queryset.none()  # `until` lies within a month of the year 1
            queryset = queryset.filter(**{f"{self.time_field}__gte": start})
        return super().filter_queryset(queryset)

    def is_list(self) -> bool:
        """Whether rows are listed, and not one of them read by its id."""
        match = getattr(self.request, "resolver_match", None)
        return match is None or not match.kwargs
