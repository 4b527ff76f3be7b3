"""Metrics and validation runs for programs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param

from core.api.export import PARAMETERS_OF_EXPORTS, RESPONSES, answer_export
from core.api.filters import refuse_unknown_parameters
from core.api.renderers import AnyAccept
from core.api.views import ActorMixin, RecordViewSet
from validation import services
from validation.api.filters import MetricSeriesFilterSet, ValidationRunFilterSet
from validation.api.serializers import (
    SAMPLE_LOOKUPS,
    MetricSeriesSerializer,
    SampleExportSerializer,
    SamplePageSerializer,
    SampleQuerySerializer,
    SampleSerializer,
    ValidationRunSerializer,
    write_cursor,
)
from validation.constants import DEFAULT_WINDOW
from validation.exports import METRICS
from validation.models import MetricPoint, MetricSample, MetricSeries, ValidationRun
from validation.selectors import list_samples


class MetricViewSet(ActorMixin, viewsets.GenericViewSet[Any]):
    """Metric samples, newest first."""

    queryset = MetricSample.objects.all()
    serializer_class = SampleSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(parameters=[SampleQuerySerializer], responses=SamplePageSerializer)
    def list(self, request: Request) -> Response:
        """Samples of the last 24 hours, or of the time asked for, newest first."""
        refuse_unknown_parameters(request, set(SampleQuerySerializer().fields))
        query = SampleQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        until = asked.get("until") or timezone.now()
        page = list_samples(
            since=asked.get("since") or until - DEFAULT_WINDOW,
            until=until,
            limit=asked["limit"],
            run_id=asked.get("run"),
            metric_name=asked.get("metric_name"),
            component=asked.get("component"),
            after=asked.get("cursor"),
        )
        here = request.build_absolute_uri()
        following = page.next and replace_query_param(here, "cursor", write_cursor(page.next))
        return Response({"next": following, "results": page.rows})

    @extend_schema(parameters=[*PARAMETERS_OF_EXPORTS, SampleExportSerializer], responses=RESPONSES)
    @action(detail=False, content_negotiation_class=AnyAccept)
    def export(self, request: Request) -> HttpResponseBase:
        """All samples of a run or a span, oldest first, never truncated, with their count and checksum at the end."""
        refuse_unknown_parameters(request, {"blobs", *SampleExportSerializer().fields})
        asked = request.query_params.dict()
        query = SampleExportSerializer(data={name: asked[name] for name in SAMPLE_LOOKUPS if name in asked})
        query.is_valid(raise_exception=True)
        lookups = {SAMPLE_LOOKUPS[name]: value for name, value in query.validated_data.items()}
        return answer_export(request, METRICS, MetricPoint.objects.filter(**lookups))


class MetricSeriesViewSet(RecordViewSet):
    """What is measured: one entry for each metric of a component of a run, with its unit and tags."""

    queryset = MetricSeries.objects.all()
    serializer_class = MetricSeriesSerializer
    filterset_class = MetricSeriesFilterSet


class ValidationRunViewSet(mixins.CreateModelMixin, RecordViewSet):
    """Outcomes of checks against theory, performance goals and statistics; recorded once, never changed."""

    takes_keys = True
    queryset = ValidationRun.objects.all()
    time_field = "executed_at"
    serializer_class = ValidationRunSerializer
    filterset_class = ValidationRunFilterSet

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Record the outcome."""
        outcome = {"executed_at": timezone.now()} | serializer.validated_data
        serializer.instance = services.record_validation_run(**outcome)
