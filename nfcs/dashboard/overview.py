"""The page of one run: its whole span in pictures, what happened in it, and what it was started with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from constitutional.models import Violation
from core.models import Run
from kuramoto.models import SynchronizationEvent
from nfcs.dashboard import pictures, selectors
from nfcs.dashboard.panels import (
    Collect,
    Panel,
    Scene,
    collect_phases,
    describe_event,
    describe_violation,
    draw_field_charts,
    find_frame_address,
)
from nfcs.dashboard.snapshot import SPAN_ROWS, Snapshot
from nfcs.dashboard.words import format_age, format_count, format_since

MOST_LISTED = 12
REDRAWN_EVERY_S = 30


def collect_order(scene: Scene) -> dict[str, Any]:
    """R over the whole run, when it was synchronized, and the coupling that drove it."""
    snapshot = _take(scene)
    if not snapshot.oscillators.has("r_mean"):
        return {}
    return {
        "chart": pictures.draw_order(snapshot, scene.width),
        "coupling": pictures.draw_coupling(snapshot, scene.width) if snapshot.coupling_ratio.size else "",
        "reading": describe_reading(snapshot, snapshot.oscillators),
    }


def collect_ha(scene: Scene) -> dict[str, Any]:
    """Ha over the whole run."""
    snapshot = _take(scene)
    if not snapshot.ha.has("ha_mean"):
        return {}
    return {"chart": pictures.draw_ha(snapshot, scene.width), "reading": describe_reading(snapshot, snapshot.ha)}


def collect_field(scene: Scene) -> dict[str, Any]:
    """The last frame kept, and the scalars of the field over the whole run."""
    snapshot = _take(scene)
    if snapshot.field is None:
        return {}
    frame = selectors.get_newest_frame(snapshot.run.pk, snapshot.window)
    return {
        "field": snapshot.field,
        "frame": frame,
        "frame_address": find_frame_address(frame) if frame else "",
        "frame_age": format_since(frame.timestamp, scene.now) if frame else "",
        "charts": draw_field_charts(snapshot, scene.width),
        "reading": describe_reading(snapshot, snapshot.fields),
    }


def describe_reading(snapshot: Snapshot, buckets: selectors.Buckets) -> str:
    """Say what a point of a chart stands for."""
    span = f"{buckets.width_s:.1f} s" if buckets.width_s < 60 else format_age(snapshot.bucket_width)
    rows = f"the first {SPAN_ROWS} rows" if buckets.is_sampled else "all rows"
    return f"The line is the mean and the tint the range of {rows} in each {span}."


def collect_events(scene: Scene) -> dict[str, Any]:
    """The newest events of the run."""
    events = SynchronizationEvent.objects.for_run(_take(scene).run.pk).latest_first().select_related("actor")
    return {"events": [describe_event(event) for event in events[:MOST_LISTED]], "is_one_run": True}


def collect_violations(scene: Scene) -> dict[str, Any]:
    """The newest violations of the run, open or not."""
    newest = Violation.objects.for_run(_take(scene).run.pk).with_names().newest_first()[:MOST_LISTED]
    return {"newest": [describe_violation(violation) for violation in newest], "is_one_run": True}


def collect_facts(scene: Scene) -> dict[str, Any]:
    """What the run is and what it was started with."""
    run = _take(scene).run
    return {
        "facts": list(_list_facts(run, scene)),
        "parameters": [(name, _show(value)) for name, value in sorted(run.parameters.items())],
    }


def _list_facts(run: Run, scene: Scene) -> Iterator[tuple[str, str]]:
    window = _take(scene).window
    yield "Kind", run.get_kind_display()
    yield "Started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "Ended", f"{run.ended_at:%Y-%m-%d %H:%M:%S} UTC" if run.ended_at else "goes on"
    yield "Telemetry", f"{format_age(window.to_at - window.from_at)} from {window.from_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "Owner", str(run.owner or "the system")
    if run.n_oscillators:
        yield "Oscillators", format_count(run.n_oscillators)
        yield "Coupling graph", str(run.network or "all to all")
        yield "Coupling divided by", run.get_coupling_norm_display()
    if run.critical_coupling is not None:
        yield "Critical coupling Kc", f"{run.critical_coupling:.4g} rad/s"
    yield "Reference defect density", f"{run.defect_density_ref:.4g} per unit area"
    yield (
        "Weights of Ha",
        ", ".join(
            f"{name} {weight:g}" for name, weight in zip(("defect", "forecast", "drift"), run.ha_weights, strict=True)
        ),
    )
    if run.seed is not None:
        yield "Seed", str(run.seed)
    yield "Code version", run.code_version or "unknown"
    yield "Identity", str(run.run_uuid)


def _show(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:299] + "…"


def _take(scene: Scene) -> Snapshot:
    """The snapshot, which the page of a run always has."""
    if scene.snapshot is None:
        raise LookupError("the page of a run needs the run")
    return scene.snapshot


_RUN, _STATE, _FIELD = "core.view_run", "kuramoto.view_oscillatorstate", "core.view_fieldstate"
_EVENT, _VIOLATION = "kuramoto.view_synchronizationevent", "constitutional.view_violation"


def _panel(
    name: str, title: str, span: int, permissions: tuple[str, ...], collect: Collect, template: str = ""
) -> Panel:
    width = {12: 1350, 8: 886, 6: 650, 4: 422}[span]
    return Panel(f"run-{name}", title, span, permissions, REDRAWN_EVERY_S, width, collect, template, is_whole=True)


RUN_PANELS: dict[str, Panel] = {
    panel.name: panel
    for panel in (
        _panel("order", "Order parameter r", 8, (_RUN, _STATE), collect_order),
        _panel("phases", "Last phases", 4, (_RUN, _STATE), collect_phases, "phases"),
        _panel("ha", "Hallucination number Ha", 8, (_RUN, _STATE, _FIELD), collect_ha, "ha"),
        _panel("field", "Field", 12, (_RUN, _FIELD), collect_field, "field"),
        _panel("violations", "Violations", 6, (_RUN, _VIOLATION), collect_violations),
        _panel("events", "Synchronization events", 6, (_RUN, _EVENT), collect_events, "events"),
        _panel("facts", "What it is", 12, (_RUN,), collect_facts),
    )
}
"""By name, in the order of the page."""
