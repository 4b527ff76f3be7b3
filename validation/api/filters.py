"""Filters of the validation lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from core.api.filters import FlagFilter, IdFilter, TimeWindowFilterSet
from validation.choices import (
    AlertEvent,
    AlertSeverity,
    AlertState,
    ChannelKind,
    DeliveryStatus,
    ValidationType,
)
from validation.models import AlertChannel, AlertDelivery, AlertRule, MetricSeries, MonitoringAlert, ValidationRun


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


class AlertChannelFilterSet(django_filters.FilterSet):
    """Channels by kind and whether they are on."""

    kind = django_filters.ChoiceFilter(choices=ChannelKind.choices)
    is_active = FlagFilter(label="Whether anything is sent there.")

    class Meta:
        model = AlertChannel
        fields: list[str] = []


class AlertRuleFilterSet(django_filters.FilterSet):
    """Rules by metric, severity, label and whether they are evaluated."""

    metric = django_filters.CharFilter(label="Rules on this metric.")
    severity = django_filters.ChoiceFilter(choices=AlertSeverity.choices)
    is_active = FlagFilter(label="Whether the rule is evaluated.")
    label = django_filters.CharFilter(method="filter_label", label="Rules with this label, as name or name=text.")

    class Meta:
        model = AlertRule
        fields: list[str] = []

    def filter_label(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Rules that carry a label."""
        key, equals, text = value.partition("=")
        return queryset.filter(labels__contains={key: text}) if equals else queryset.filter(labels__has_key=key)


class AlertFilterSet(TimeWindowFilterSet):
    """Alerts by rule, run, state, severity, whether somebody has seen to them, and time."""

    time_field = "pending_at"

    rule = IdFilter(field_name="rule_id", label="Alerts of this rule.")
    run = IdFilter(field_name="run_id", label="Alerts of this run.")
    metric = django_filters.CharFilter(label="Alerts on this metric.")
    state = django_filters.ChoiceFilter(choices=[(s.value, s.label) for s in AlertState if s != AlertState.INACTIVE])
    severity = django_filters.ChoiceFilter(choices=AlertSeverity.choices)
    acknowledged = FlagFilter(label="Whether somebody has seen to it.")

    class Meta:
        model = MonitoringAlert
        fields: list[str] = []


class AlertDeliveryFilterSet(TimeWindowFilterSet):
    """Attempts by alert, channel, event, how they ended, and time."""

    time_field = "at"

    alert = IdFilter(field_name="alert_id", label="Messages about this alert.")
    channel = IdFilter(field_name="channel_id", label="Messages to this channel.")
    event = django_filters.ChoiceFilter(choices=AlertEvent.choices)
    status = django_filters.ChoiceFilter(choices=DeliveryStatus.choices)

    class Meta:
        model = AlertDelivery
        fields: list[str] = []
