"""`fields/`: observed states of complex fields, and the fields themselves."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from numpy.typing import NDArray
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from core.api import frames
from core.api.export import ExportMixin
from core.api.filters import FlagFilter, TelemetryFilterSet
from core.api.frames import NPY
from core.api.renderers import AnyAccept, dump_json
from core.api.serializers import RowSerializer
from core.api.views import RecordViewSet
from core.charts import field_image
from core.exceptions import NotFound
from core.exports import FIELDS
from core.models import FieldState
from core.selectors import get_frame

STRIP_HEIGHT = 32  # pixels of the picture of a field in one dimension


class FieldSerializer(RowSerializer):
    """One observed state of a field, without the field."""

    has_frame = serializers.BooleanField(help_text="Whether the field itself was kept.")

    class Meta:
        model = FieldState
        fields = (
            "id",
            "run",
            "timestamp",
            "resolution",
            "ndim",
            "coherence_level",
            "energy_state",
            "mean_abs",
            "gradient_energy",
            "quartic_energy",
            "defect_count",
            "defect_density",
            "ha",
            "ha_version",
            "ha_defect",
            "ha_forecast",
            "ha_drift",
            "field_data",
            "has_frame",
            "created_at",
        )


class FrameSerializer(serializers.Serializer[Any]):
    """A field as JSON: real and imaginary parts, nested as the grid is."""

    shape = serializers.ListField(child=serializers.IntegerField())
    real = serializers.ListField()
    imag = serializers.ListField()


class FieldFilterSet(TelemetryFilterSet):
    """Which states."""

    has_frame = FlagFilter(method="filter_has_frame", label="Whether the field itself was kept.")

    def filter_has_frame(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """States with or without the field."""
        return queryset.filter(frame__isnull=not value)


class FieldViewSet(ExportMixin, RecordViewSet):
    """Observed states of complex Ginzburg-Landau fields: derived scalars always, the field where it was kept."""

    queryset = FieldState.objects.annotate(
        has_frame=ExpressionWrapper(Q(frame__isnull=False), output_field=BooleanField())
    ).values(*FieldSerializer.columns())
    serializer_class = FieldSerializer
    filterset_class = FieldFilterSet
    time_field = "timestamp"
    query_parameters = {"frame": {"as"}, "frames": frames.QUERY, "export": {"blobs"}}
    collection = FIELDS

    @extend_schema(
        parameters=[OpenApiParameter("as", enum=["npy", "json", "png"], default="npy", description="The form.")],
        responses={
            (200, NPY): OpenApiTypes.BINARY,
            (200, "application/json"): FrameSerializer,
            (200, "image/png"): OpenApiTypes.BINARY,
        },
    )
    @action(detail=True, content_negotiation_class=AnyAccept, filterset_class=None)
    def frame(self, request: Request, pk: str) -> HttpResponse:
        """The field itself, complex64 in row-major order: as NumPy file, as JSON, or as a picture of its phase."""
        encode = {"npy": _as_npy, "json": _as_json, "png": _as_png}.get(request.query_params.get("as", "npy"))
        if encode is None:
            raise ValidationError({"as": ["One of npy, json and png is needed."]})
        row = self.get_object()
        frame = get_frame(row["id"], row["timestamp"])
        if frame is None:
            raise NotFound("Of this state only the scalars were kept.")
        return encode(frame, f"field-{row['id']}")

    @extend_schema(
        parameters=[frames.FrameRangeQuery],
        responses={
            (200, NPY): OpenApiTypes.BINARY,
            (200, frames.ZIP): OpenApiTypes.BINARY,
            (200, "image/png"): OpenApiTypes.BINARY,
        },
    )
    @action(detail=False, content_negotiation_class=AnyAccept, filterset_class=None, pagination_class=None)
    def frames(self, request: Request) -> HttpResponseBase:
        """The frames of a run as one array, in the order of time: an .npy file, a zipped Zarr store, or a strip."""
        return frames.answer_frames(request)


def _as_npy(frame: NDArray[np.complex64], name: str) -> HttpResponse:
    file = io.BytesIO()
    np.lib.format.write_array(file, frame, allow_pickle=False)
    return HttpResponse(
        file.getvalue(), content_type=NPY, headers={"Content-Disposition": f'attachment; filename="{name}.npy"'}
    )


def _as_json(frame: NDArray[np.complex64], name: str) -> HttpResponse:
    body = {
        "shape": list(frame.shape),
        "real": np.ascontiguousarray(frame.real),
        "imag": np.ascontiguousarray(frame.imag),
    }
    return HttpResponse(dump_json(body), content_type="application/json")


def _as_png(frame: NDArray[np.complex64], name: str) -> HttpResponse:
    grid = frame if frame.ndim == 2 else frame[np.newaxis, :]
    size = None if frame.ndim == 2 else (frame.size, STRIP_HEIGHT)
    return HttpResponse(
        field_image(grid, size),
        content_type="image/png",
        headers={"Content-Disposition": f'inline; filename="{name}.png"'},
    )
