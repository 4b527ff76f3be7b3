"""Metric series and validation runs."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from tests.factories.core import RunFactory
from validation.choices import ValidationType
from validation.models import MetricSeries, ValidationRun


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
