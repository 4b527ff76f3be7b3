"""`series/latest/`: the newest sample of each series of a run."""

from __future__ import annotations

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from core.api.filters import MAX_ID, refuse_unknown_parameters
from core.api.views import ActorMixin
from core.db.sql import fetch_all
from validation.models import MetricSample

MOST = 10_000


class LatestQuerySerializer(serializers.Serializer[Any]):
    """Which series."""

    run = serializers.IntegerField(min_value=1, max_value=MAX_ID, help_text="The run.")
    metric = serializers.CharField(required=False, trim_whitespace=False, help_text="Series of this metric.")
    component = serializers.CharField(required=False, trim_whitespace=False, help_text="Series of this component.")
    limit = serializers.IntegerField(
        default=1000, min_value=1, max_value=MOST, help_text=f"Series a page, 1 to {MOST}."
    )
    cursor = serializers.IntegerField(
        default=0, min_value=0, max_value=MAX_ID, help_text="Where the page begins: copied from `next`."
    )


class LatestSampleSerializer(serializers.Serializer[Any]):
    """One series and its newest sample."""

    id = serializers.IntegerField(help_text="The series.")
    metric = serializers.CharField(help_text="The metric.")
    component = serializers.CharField(help_text="What it was measured on.")
    unit = serializers.CharField(allow_null=True, help_text="Unit, UCUM.")
    tags = serializers.DictField(help_text="What else tells it from other series.")
    t = serializers.DateTimeField(help_text="When it was measured.")
    value = serializers.FloatField(help_text="What was measured; of samples of one time the greatest.")


class LatestPageSerializer(serializers.Serializer[Any]):
    """Series in the order of their ids."""

    next = serializers.URLField(allow_null=True, help_text="The next page.")
    results = LatestSampleSerializer(many=True)


class LatestSamplesView(ActorMixin):
    """The newest sample of each series of a run."""

    queryset = MetricSample.objects.none()

    @extend_schema(parameters=[LatestQuerySerializer], responses=LatestPageSerializer)
    def get(self, request: Request) -> Response:
        """The newest samples, those that are not rolled up yet included."""
        refuse_unknown_parameters(request, set(LatestQuerySerializer().fields))
        query = LatestQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        parameters = {
            "run_id": asked["run"],
            "metric": asked.get("metric"),
            "component": asked.get("component"),
            "after": asked["cursor"],
            "most": asked["limit"] + 1,
        }
        rows = fetch_all("validation", "list_latest", parameters, file="rollups")
        page = rows[: asked["limit"]]
        following = None
        if len(rows) > len(page):
            following = replace_query_param(request.build_absolute_uri(), "cursor", page[-1]["id"])
        return Response({"next": following, "results": [{**row, "tags": orjson.Fragment(row["tags"])} for row in page]})
