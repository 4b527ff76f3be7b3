"""`series/`: a span of a metric in as many points as a screen has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import MAX_ID, refuse_unknown_parameters
from core.api.views import ActorMixin
from core.telemetry import EARLIEST, LATEST
from validation.downsampling import MAX_POINTS, MAX_SAMPLES, read_points, read_samples
from validation.models import MetricSample

DEFAULT_POINTS = 500


class PointsQuerySerializer(serializers.Serializer[Any]):
    """Which span of which metric."""

    metric = serializers.CharField(trim_whitespace=False, help_text="The metric, such as order_parameter.")
    run = serializers.IntegerField(min_value=1, max_value=MAX_ID, help_text="The run.")
    component = serializers.CharField(required=False, trim_whitespace=False, help_text="Series of this component.")
    to = serializers.DateTimeField(required=False, help_text="End, exclusive (ISO 8601); now when not given.")
    points = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_POINTS,
        help_text=f"At most so many points, 1 to {MAX_POINTS}; {DEFAULT_POINTS} when not given.",
    )
    raw = serializers.ChoiceField(
        ["true", "false"], default="false", help_text=f"true: every sample, instead of points; at most {MAX_SAMPLES}."
    )

    def get_fields(self) -> dict[str, Any]:
        """The fields, with `from`, which Python keeps to itself."""
        start = serializers.DateTimeField(help_text="Start, inclusive (ISO 8601).")
        return {**super().get_fields(), "from": start}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both ends are times that samples can have, and what is asked for is one thing."""
        if attrs["raw"] == "true" and "points" in attrs:
            raise serializers.ValidationError({"points": ["Either points or every sample, not both."]})
        # One step more than the span is read at each end.
        margin = timedelta(days=10_000)
        for name in ("from", "to"):
            at: datetime | None = attrs.get(name)
            if at is not None and not EARLIEST <= at <= LATEST - margin:
                raise serializers.ValidationError({name: ["A time between the years 1900 and 8972 is needed."]})
        return attrs


class SeriesPointsSerializer(serializers.Serializer[Any]):
    """One series, by columns; a step without samples is left out."""

    id = serializers.IntegerField(help_text="The series.")
    component = serializers.CharField(help_text="What it was measured on.")
    unit = serializers.CharField(allow_null=True, help_text="Unit, UCUM.")
    tags = serializers.DictField(help_text="What else tells it from other series.")
    t = serializers.ListField(child=serializers.DateTimeField(), help_text="Starts of the steps; times of samples.")
    min = serializers.ListField(child=serializers.FloatField(), required=False, help_text="Least value of each step.")
    max = serializers.ListField(child=serializers.FloatField(), required=False, help_text="Largest value of each.")
    mean = serializers.ListField(child=serializers.FloatField(), required=False, help_text="Mean value of each.")
    count = serializers.ListField(child=serializers.IntegerField(), required=False, help_text="Samples in each.")
    value = serializers.ListField(child=serializers.FloatField(), required=False, help_text="Values of the samples.")


class PointsSerializer(serializers.Serializer[Any]):
    """A span of a metric, widened to whole steps."""

    metric = serializers.CharField(help_text="The metric.")
    run = serializers.IntegerField(help_text="The run.")
    to = serializers.DateTimeField(help_text="End of the last step.")
    step_s = serializers.FloatField(help_text="Length of a step, s; 0: every sample.")
    width_s = serializers.IntegerField(allow_null=True, help_text="Of the rollup it was read from; null: the samples.")
    series = SeriesPointsSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """The fields, with `from`."""
        return {**super().get_fields(), "from": serializers.DateTimeField(help_text="Start of the first step.")}


class SeriesPointsView(ActorMixin):
    """A metric over time, thinned out without losing its extremes."""

    queryset = MetricSample.objects.none()

    @extend_schema(parameters=[PointsQuerySerializer], responses=PointsSerializer)
    def get(self, request: Request) -> Response:
        """Least, largest and mean value of every step, from samples or rollups, always those of the samples."""
        refuse_unknown_parameters(request, set(PointsQuerySerializer().fields))
        query = PointsQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        span = {
            "run_id": asked["run"],
            "metric_name": asked["metric"],
            "since": asked["from"],
            "until": asked.get("to") or timezone.now(),
            "component": asked.get("component"),
        }
        if asked["raw"] == "true":
            found = read_samples(**span)
        else:
            found = read_points(**span, points=asked.get("points", DEFAULT_POINTS))
        return Response(
            {
                "metric": asked["metric"],
                "run": asked["run"],
                "from": found.since,
                "to": found.until,
                "step_s": found.step_s,
                "width_s": found.width_s,
                "series": found.series,
            }
        )
