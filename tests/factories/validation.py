"""Metric series, validation runs, alert rules and channels."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from tests.factories.core import RunFactory
from validation.alert_conditions import SeriesName
from validation.choices import AlertOperator, AlertSeverity, AlertState, ChannelKind, ValidationType
from validation.models import AlertChannel, AlertRule, MetricSeries, MonitoringAlert, ValidationRun


class MetricSeriesFactory(factory.django.DjangoModelFactory):
    """A series without samples."""

    class Meta:
        model = MetricSeries

    run = factory.SubFactory(RunFactory)
    metric_name = factory.Sequence(lambda n: f"metric_{n}")
    component = "test"


class ValidationRunFactory(factory.django.DjangoModelFactory):
    """Ten checks, one of which failed."""

    class Meta:
        model = ValidationRun

    validation_type = ValidationType.THEORETICAL
    code_version = "1.0"
    seed = 7
    test_parameters = factory.LazyFunction(dict)
    results_data = factory.LazyFunction(dict)
    passed_tests = 9
    total_tests = 10
    failed_tests = factory.LazyFunction(lambda: ["rk4_order"])
    duration_ms = 1500.0
    executed_at = datetime(2026, 1, 1, tzinfo=UTC)


class AlertRuleFactory(factory.django.DjangoModelFactory):
    """r below 0.3 for 2 s, until it is at 0.4 again; nobody is told."""

    class Meta:
        model = AlertRule
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"rule {n}")
    metric = "r"
    op = AlertOperator.BELOW
    threshold = 0.3
    clear_threshold = 0.4
    for_s = 2.0
    severity = AlertSeverity.WARNING

    @factory.post_generation
    def channels(self: AlertRule, create: bool, extracted: list[AlertChannel] | None, **_: object) -> None:
        """The channels given."""
        self.channels.set(extracted or [])
        self.refresh_from_db()


class AbsenceRuleFactory(AlertRuleFactory):
    """No telemetry for 60 s."""

    metric = "telemetry"
    op = AlertOperator.ABSENT
    threshold = None
    clear_threshold = None
    for_s = 0.0
    absent_for_s = 60.0


class EmailChannelFactory(factory.django.DjangoModelFactory):
    """An e-mail address."""

    class Meta:
        model = AlertChannel

    name = factory.Sequence(lambda n: f"channel {n}")
    kind = ChannelKind.EMAIL
    target = factory.Sequence(lambda n: f"operator{n}@example.org")


class WebhookFactory(EmailChannelFactory):
    """A webhook whose key is called `hook`."""

    kind = ChannelKind.WEBHOOK
    target = "https://hooks.example.org/alerts"
    key_ref = "hook"


class AlertFactory(factory.django.DjangoModelFactory):
    """An alert that fires since 2026-01-01, 00:00:02."""

    class Meta:
        model = MonitoringAlert

    rule = factory.SubFactory(AlertRuleFactory)
    run = factory.SubFactory(RunFactory)
    series_key = SeriesName("r").key
    metric = "r"
    severity = AlertSeverity.WARNING
    condition = "r below 0.3 for 2 s; ends at or above 0.4"
    state = AlertState.FIRING
    pending_at = datetime(2026, 1, 1, tzinfo=UTC)
    pending_value = 0.2
    fired_at = datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    fired_value = 0.1
    peak_value = 0.1
