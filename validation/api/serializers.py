"""How metrics and validation runs look to programs."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any, ClassVar

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from core.api.pagination import MAX_LIMIT
from core.api.serializers import StrictModelSerializer, TextField, WholeNumberField
from core.telemetry import EARLIEST, LATEST
from validation.models import MetricSeries, ValidationRun
from validation.selectors import SamplePosition

MAX_ID = 2**63 - 1
MAX_FAILED_TESTS = 10_000


def write_cursor(position: SamplePosition) -> str:
    """A position as an opaque text."""
    content = [position.recorded_at.isoformat(), position.series_id, position.seen]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def read_cursor(text: str) -> SamplePosition:
    """The position in a cursor.

    Raises:
        ValueError: this is none.
    """
    try:
        at, series_id, seen = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        recorded_at = parse_datetime(at)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise ValueError("no cursor") from error
    if recorded_at is None or recorded_at.tzinfo is None or not EARLIEST <= recorded_at < LATEST:
        raise ValueError("no time")
    if not all(type(number) is int and 0 <= number <= MAX_ID for number in (series_id, seen)):
        raise ValueError("no number")
    return SamplePosition(recorded_at, series_id, seen)


SAMPLE_LOOKUPS = {
    "run": "run_id",
    "metric_name": "series__metric_name",
    "component": "series__component",
    "since": "recorded_at__gte",
    "until": "recorded_at__lt",
}
"""By parameter, the lookup of a sample."""


class SampleExportSerializer(serializers.Serializer[Any]):
    """Which samples."""

    run = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID, help_text="Samples of this run.")
    metric_name = serializers.CharField(required=False, trim_whitespace=False, help_text="Samples of this metric.")
    component = serializers.CharField(required=False, trim_whitespace=False, help_text="Samples of this component.")
    since = serializers.DateTimeField(
        required=False, help_text="At or after this time (ISO 8601); 24 hours before `until` when not given."
    )
    until = serializers.DateTimeField(required=False, help_text="Before this time (ISO 8601); now when not given.")

    def validate_since(self, value: datetime) -> datetime:
        """A time that samples can have."""
        return self._check_time(value)

    def validate_until(self, value: datetime) -> datetime:
        """A time that samples can have."""
        return self._check_time(value)

    def _check_time(self, value: datetime) -> datetime:
        if not EARLIEST <= value < LATEST:
            raise serializers.ValidationError("A time between the years 1900 and 9000 is needed.")
        return value


class SampleQuerySerializer(SampleExportSerializer):
    """What a list of samples is asked for."""

    limit = serializers.IntegerField(default=100, min_value=1, max_value=MAX_LIMIT, help_text="Rows a page.")
    cursor = serializers.CharField(
        required=False, help_text="Where the page begins: copied from `next` of the page before."
    )

    def validate_cursor(self, value: str) -> SamplePosition:
        """The position it stands for."""
        try:
            return read_cursor(value)
        except ValueError as error:
            raise serializers.ValidationError("This is not a cursor of this list.") from error


class SampleSerializer(serializers.Serializer[Any]):
    """One sample beside what describes its series."""

    run = serializers.IntegerField(help_text="The run.")
    series = serializers.IntegerField(help_text="The series.")
    metric_name = serializers.CharField(help_text="What was measured.")
    metric_value = serializers.FloatField(help_text="The value, in metric_unit.")
    metric_unit = serializers.CharField(allow_null=True, help_text="Unit, UCUM.")
    component = serializers.CharField(help_text="What it was measured on.")
    tags = serializers.DictField(help_text="What else tells its series from others.")
    recorded_at = serializers.DateTimeField(help_text="When it was measured.")


@extend_schema_serializer(many=False)
class SamplePageSerializer(serializers.Serializer[Any]):
    """One page of samples."""

    next = serializers.URLField(allow_null=True, help_text="Address of the next page; null on the last.")
    results = SampleSerializer(many=True)


class MetricSeriesSerializer(serializers.ModelSerializer[MetricSeries]):
    """One series."""

    tags = serializers.DictField(read_only=True)

    class Meta:
        model = MetricSeries
        fields: ClassVar[list[str]] = ["id", "run", "metric_name", "component", "metric_unit", "tags"]
        read_only_fields = fields


class ValidationRunSerializer(StrictModelSerializer):
    """One validation run; checks that are not named in `failed_tests` passed."""

    test_parameters = serializers.DictField(help_text="What the checks were started with.")
    results_data = serializers.DictField(help_text="What each check measured.")
    failed_tests = serializers.ListField(
        child=TextField(max_length=200),
        max_length=MAX_FAILED_TESTS,
        help_text="Names of the checks that failed, every one of them.",
    )
    passed_tests = WholeNumberField(
        required=False, help_text="Checks that passed; must agree with the other two where it is given."
    )

    class Meta:
        model = ValidationRun
        fields: ClassVar[list[str]] = [
            "id",
            "run_uuid",
            "validation_type",
            "run",
            "code_version",
            "seed",
            "test_parameters",
            "results_data",
            "passed_tests",
            "total_tests",
            "failed_tests",
            "overall_score",
            "duration_ms",
            "duration_seconds",
            "executed_at",
        ]
        read_only_fields: ClassVar[list[str]] = ["run_uuid", "overall_score", "duration_seconds"]
        extra_kwargs: ClassVar[dict[str, dict[str, Any]]] = {
            "total_tests": {"min_value": 1},
            "executed_at": {"required": False},
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The same, without `passed_tests`, which follows from the rest."""
        computed = attrs["total_tests"] - len(attrs["failed_tests"])
        if attrs.pop("passed_tests", computed) != computed:
            detail = f"{attrs['total_tests']} checks without {len(attrs['failed_tests'])} failed ones are {computed}."
            raise serializers.ValidationError({"passed_tests": [detail]})
        return attrs
