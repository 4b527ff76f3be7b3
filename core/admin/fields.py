"""Recorded fields in the admin."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin_base import TelemetryAdmin, number_column, show_json, time_column
from core.charts import field_image
from core.drawing import draw_strip
from core.models import FieldState
from core.selectors import get_frame, sample_frames

PICTURE_SIZES = {48, 384}  # pixels a side
STRIP_FRAMES = 10
STRIP_HEIGHT = 96  # pixels


@admin.register(FieldState)
class FieldStateAdmin(TelemetryAdmin):
    """Recorded fields with their pictures: hue is phase, lightness modulus."""

    list_display = (
        "time",
        "thumbnail",
        "run",
        "resolution",
        "coherence",
        "energy",
        "defect_count",
        "hallucination",
    )
    list_display_links = ("time",)
    fieldsets = (
        (None, {"fields": ("timestamp", "run", "picture", "strip", "created_at")}),
        (
            "Derived",
            {
                "fields": (
                    "coherence_level",
                    "energy_state",
                    "mean_abs",
                    "gradient_energy",
                    "quartic_energy",
                    "defect_count",
                    "defect_density",
                )
            },
        ),
        ("Hallucination number", {"fields": ("ha", "ha_version", "ha_defect", "ha_forecast", "ha_drift")}),
        ("Field", {"fields": ("resolution", "ndim", "frame_encoding", "descriptor", "digest")}),
    )
    time = time_column("timestamp")
    coherence = number_column("coherence_level", "coherence")
    energy = number_column("energy_state", "energy")
    hallucination = number_column("ha", "Ha")
    readonly_fields = ("picture", "strip", "descriptor", "digest")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FieldState]:
        """Fields without the frames themselves."""
        has_frame = ExpressionWrapper(Q(frame__isnull=False), output_field=BooleanField())
        return super().get_queryset(request).defer("frame").annotate(has_frame=has_frame)

    def get_urls(self) -> list[URLPattern]:
        """The list's addresses, and those of pictures."""
        view, strip = (self.admin_site.admin_view(one, cacheable=True) for one in (self.show_picture, self.show_strip))
        return [
            path("<int:pk>/<int:size>.png", view, name="core_fieldstate_picture"),
            path("strip/<int:run>.png", strip, name="core_fieldstate_strip"),
            *super().get_urls(),
        ]

    def show_picture(self, request: HttpRequest, pk: int, size: int) -> HttpResponse:
        """The field as PNG of `size` pixels a side."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        state = FieldState.objects.only("timestamp").filter(pk=pk).first() if size in PICTURE_SIZES else None
        frame = get_frame(pk, state.timestamp) if state else None
        if frame is None:
            raise Http404
        picture = field_image(frame if frame.ndim == 2 else frame[np.newaxis, :], size)
        return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    def show_strip(self, request: HttpRequest, run: int) -> HttpResponse:
        """Frames of a run side by side, spread over its time, as PNG."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        keys = sample_frames(run_id=run, start=None, end=None, count=STRIP_FRAMES)
        if not keys:
            raise Http404
        return HttpResponse(draw_strip(keys, STRIP_HEIGHT), content_type="image/png")

    @admin.display(description="frames of the run")
    def strip(self, state: FieldState) -> SafeString:
        """Ten frames of the run, from its first to its last."""
        address = reverse("admin:core_fieldstate_strip", args=[state.run_id])
        return format_html(
            '<a href="{}"><img class="nfcs-strip" src="{}" height="{}" alt="frames of the run" loading="lazy"></a>',
            address,
            address,
            STRIP_HEIGHT,
        )

    @admin.display(description="field")
    def thumbnail(self, state: FieldState) -> SafeString | str:
        """A small picture."""
        return self._draw(state, 48)

    @admin.display(description="field")
    def picture(self, state: FieldState) -> SafeString | str:
        """A large picture."""
        return self._draw(state, 384)

    @admin.display(description="descriptor")
    def descriptor(self, state: FieldState) -> SafeString:
        """The field's description."""
        return show_json(state.field_data)

    @admin.display(description="SHA-256 of the frame")
    def digest(self, state: FieldState) -> str:
        """The digest in hex."""
        return bytes(state.frame_sha256).hex() if state.frame_sha256 else "-"

    def _draw(self, state: Any, size: int) -> SafeString | str:
        if not state.has_frame:
            return "-"
        address = reverse("admin:core_fieldstate_picture", args=[state.pk, size])
        return format_html(
            '<img class="nfcs-field" src="{}" width="{}" height="{}" alt="field {}" loading="lazy">',
            address,
            size,
            size,
            state.pk,
        )
