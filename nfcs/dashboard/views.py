"""Views of the dashboard; the admin site wraps each, so that its viewer is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from core.charts import field_image
from core.models import Run
from nfcs.dashboard.overview import RUN_PANELS
from nfcs.dashboard.panels import PANELS, Panel, Scene, build_scene
from nfcs.dashboard.selectors import find_run, read_frame

NARROWEST_PX, WIDEST_PX = 240, 2400
FRAME_SHOWN_PX = 256
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def build_index_context(request: HttpRequest) -> dict[str, Any]:
    """What the admin's first page shows above the list of apps: every panel its viewer may see."""
    run, is_pinned = _choose_run(request)
    scene = build_scene(run, timezone.now(), is_pinned=is_pinned)
    return {
        "panels": _render_panels(PANELS, scene, request),
        "pinned_run": run.pk if run and is_pinned else None,
        "drawn_at": scene.now,
    }


def show_panel(request: HttpRequest, name: str) -> HttpResponse:
    """One panel's body, for the page that shows it already."""
    panel = PANELS.get(name) or RUN_PANELS.get(name)
    if panel is None:
        raise Http404(f"There is no panel {name}.")
    if not panel.is_for(request.user):
        raise PermissionDenied
    run, is_pinned = _choose_run(request)
    if name in RUN_PANELS and run is None:
        raise Http404("There is no run.")
    width = _read_width(request, panel.width)
    scene = build_scene(run, timezone.now(), width, is_pinned=is_pinned, is_whole=panel.is_whole)
    return HttpResponse(panel.render(scene))


def show_overview(request: HttpRequest, run_id: int) -> HttpResponse:
    """A whole run in pictures."""
    if not request.user.has_perm("core.view_run"):
        raise PermissionDenied
    run = find_run(run_id) if run_id < 2**63 else None
    if run is None:
        raise Http404(f"There is no run {run_id}.")
    scene = build_scene(run, timezone.now(), is_pinned=True, is_whole=True)
    context = {
        **admin.site.each_context(request),
        "title": run.name,
        "subtitle": None,
        "run": run,
        "is_stopped": bool(scene.snapshot and scene.snapshot.is_stopped),
        "panels": _render_panels(RUN_PANELS, scene, request),
        "drawn_at": scene.now,
    }
    return TemplateResponse(request, "nfcs/run_overview.html", context)


def _render_panels(panels: Mapping[str, Panel], scene: Scene, request: HttpRequest) -> list[dict[str, Any]]:
    """The panels that the viewer may see, each with its body."""
    return [
        {"panel": panel, "body": panel.render(replace(scene, width=panel.width))}
        for panel in panels.values()
        if panel.is_for(request.user)
    ]


def show_frame(request: HttpRequest, run_id: int, at_us: int, field_id: int) -> HttpResponse:
    """The field of one row as a picture: phase is hue, modulus is lightness."""
    if not request.user.has_perm("core.view_fieldstate"):
        raise PermissionDenied
    try:
        at = EPOCH + timedelta(microseconds=at_us)
    except OverflowError as error:
        raise Http404("There is no such time.") from error
    frame = read_frame(run_id, at, field_id)
    if frame is None:
        raise Http404("There is no such frame.")
    rows, columns = frame.shape
    size = (FRAME_SHOWN_PX, 48) if rows == 1 else (max(columns, FRAME_SHOWN_PX), max(rows, FRAME_SHOWN_PX))
    response = HttpResponse(field_image(frame, size), content_type="image/png")
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _choose_run(request: HttpRequest) -> tuple[Run | None, bool]:
    """The run that `?run=` names, or the newest; and whether it was named."""
    text = request.GET.get("run")
    if not text:
        return find_run(None), False
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Http404("A run's id is a whole number.")
    run = find_run(int(text))
    if run is None:
        raise Http404(f"There is no run {text}.")
    return run, True


def _read_width(request: HttpRequest, usual: int) -> int:
    """The width in pixels that the page has for pictures, within bounds; the usual one where it says none."""
    text = request.GET.get("width", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        return usual
    return min(max(int(text), NARROWEST_PX), WIDEST_PX)
