"""Filters of the kuramoto lists."""

from __future__ import annotations

import django_filters

from core.api.filters import TimeWindowFilterSet
from kuramoto.choices import EventType
from kuramoto.models import OscillatorState, SynchronizationEvent


class OscillatorStateFilterSet(TimeWindowFilterSet):
    """Oscillator states by run, time and order parameter."""

    run = django_filters.NumberFilter(field_name="run_id", min_value=1, max_value=2**63 - 1, decimal_places=0)
    r_min = django_filters.NumberFilter(field_name="sync_parameter", lookup_expr="gte", label="Least r.")
    r_max = django_filters.NumberFilter(field_name="sync_parameter", lookup_expr="lte", label="Largest r.")

    class Meta:
        model = OscillatorState
        fields: list[str] = []


class SynchronizationEventFilterSet(TimeWindowFilterSet):
    """Events by run, type and time."""

    time_field = "occurred_at"

    run = django_filters.NumberFilter(field_name="run_id", min_value=1, max_value=2**63 - 1, decimal_places=0)
    event_type = django_filters.ChoiceFilter(choices=EventType.choices)

    class Meta:
        model = SynchronizationEvent
        fields: list[str] = []
