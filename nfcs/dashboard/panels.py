"""The panels of the first page: what each shows, who may see it and how often it is redrawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User
from constitutional.models import Violation
from constitutional.selectors import count_open_violations, list_open_violations
from core.audit_selectors import get_chain_status
from core.charts import Level, Markup, sparkline
from core.constants import PARTITIONED_TABLES
from core.drawing import draw_network
from core.models import FieldState, Run
from kuramoto.choices import EventType
from kuramoto.models import SynchronizationEvent
from nfcs.dashboard import pictures, selectors
from nfcs.dashboard.snapshot import LIVE_SPAN, Snapshot
from nfcs.dashboard.words import format_age, format_bytes, format_count, format_estimate, format_since
from validation.models import ValidationRun

MOST_LISTED = 8
SILENT_AFTER = timedelta(seconds=30)
COVERED_AHEAD = {"month": timedelta(days=31), "week": timedelta(days=7)}
"""By width of a table's partitions how far ahead they have to be ready."""
GAP_PX = 16
CHART_LEAST_PX = 260
FRAME_PX = 200
SIDE_BY_SIDE_PX = 640

EVENT_LEVELS: dict[str, Level] = {
    EventType.SYNC_ACHIEVED: "ok",
    EventType.DESYNC_DETECTED: "warning",
    EventType.EMERGENCY_STOP: "emergency",
    EventType.RECOVERY: "notice",
}
VIOLATION_LEVELS: dict[str, Level] = {
    "minor": "notice",
    "moderate": "warning",
    "major": "critical",
    "critical": "emergency",
}


@dataclass(frozen=True)
class Scene:
    """What a panel is drawn from.

    Attributes:
        snapshot: the run that is shown; None while there is none.
        now: the present.
        width: room for pictures, pixels.
        is_pinned: whether the run was chosen, and not merely the newest.
    """

    snapshot: Snapshot | None
    now: datetime
    width: int
    is_pinned: bool = False


Collect = Callable[[Scene], Mapping[str, Any]]


@dataclass(frozen=True)
class Panel:
    """A part of a page that is drawn on its own.

    Attributes:
        span: columns of twelve.
        permissions: what its viewer may all see.
        every_s: how often a page redraws it.
        width: room for pictures on a desktop's first answer, pixels; the page then says its own.
        collect: the template's context.
        template: file below `nfcs/panels/`.
        is_whole: whether it shows the run's whole span instead of its last ten minutes.
    """

    name: str
    title: str
    span: int
    permissions: tuple[str, ...]
    every_s: int
    width: int
    collect: Collect
    template: str = ""
    is_whole: bool = False

    def is_for(self, user: User | AnonymousUser) -> bool:
        """Whether a user may see all that it shows."""
        return user.has_perms(self.permissions)

    def render(self, scene: Scene) -> str:
        """The panel's body as HTML."""
        snapshot = scene.snapshot
        context = {"run": snapshot.run if snapshot else None, "now": scene.now, **self.collect(scene)}
        return render_to_string(f"nfcs/panels/{self.template or self.name}.html", context)


def collect_runs(scene: Scene) -> dict[str, Any]:
    """The runs going on, with what each sent last."""
    pulses = selectors.list_run_pulses(scene.now, LIVE_SPAN)
    shown = scene.snapshot.run.pk if scene.snapshot else None
    return {"pulses": [_describe_pulse(pulse, scene.now) | {"is_shown": pulse["id"] == shown} for pulse in pulses]}


def _describe_pulse(pulse: dict[str, Any], now: datetime) -> dict[str, Any]:
    last_at = pulse["last_at"]
    rows = (pulse["oscillator_rows"], pulse["field_rows"])
    level, words = _describe_health(pulse, now)
    return pulse | {
        "age": format_age(now - pulse["started_at"]),
        "last": format_since(last_at, now) if last_at else "never",
        "rows": [f"{format_count(n)}{'+' if n >= selectors.PULSE_ROWS else ''}" for n in rows],
        "spark": sparkline(pulse["r_trace"] or [], y_range=(0, 1), width=140, height=26, title=f"r of {pulse['name']}"),
        "level": level,
        "words": words,
    }


def _describe_health(pulse: dict[str, Any], now: datetime) -> tuple[Level, str]:
    last_at = pulse["last_at"]
    if pulse["is_stopped"]:
        return "emergency", "stopped"
    if last_at is None:
        return "idle", "no telemetry yet"
    if now - last_at > SILENT_AFTER:
        return "warning", f"silent for {format_age(now - last_at)}"
    guard = pulse["level"] or "normal"
    return pictures.HA_LEVELS[guard], "running" if guard == "normal" else guard


def collect_now(scene: Scene) -> dict[str, Any]:
    """The newest values of the run."""
    if scene.snapshot is None:
        return {}
    snapshot = scene.snapshot
    run = snapshot.run
    newest = snapshot.newest_at
    return {
        "tiles": list(_list_tiles(snapshot)),
        "is_pinned": scene.is_pinned,
        "age": format_age((run.ended_at or scene.now) - run.started_at),
        "ended": format_since(run.ended_at, scene.now) if run.ended_at else "",
        "newest": format_since(newest, scene.now) if newest else "",
        "newest_at": newest,
    }


def _list_tiles(snapshot: Snapshot) -> list[dict[str, Any]]:
    state, field = snapshot.state, snapshot.field
    tiles: list[dict[str, Any]] = []

    def add(label: str, value: str, note: str = "", level: Level | None = None) -> None:
        tiles.append({"label": label, "value": value, "note": note, "level": level})

    if state is not None:
        words, level = describe_order(snapshot, state.sync_parameter)
        add("Order parameter r", f"{state.sync_parameter:.3f}", words, level)
        ratio = (state.coupling_strength or 0.0) / run_kc if (run_kc := snapshot.run.critical_coupling) else None
        if ratio is not None and state.coupling_strength is not None:
            add("Coupling K / Kc", f"{ratio:.2f}", f"K = {state.coupling_strength:.3g} rad/s")
    ha = next((row.ha for row in (state, field) if row is not None and row.ha is not None), None)
    if ha is not None:
        alarm = pictures.name_alarm(ha, snapshot.ha_levels)
        add("Hallucination number Ha", f"{ha:.2f}", alarm, pictures.HA_LEVELS[alarm])
    level_name = str(snapshot.guard.level) if snapshot.guard else "normal"
    if snapshot.is_stopped:
        add("Guard", level_name, "stopped until somebody recovers the run", "emergency")
    elif snapshot.guard is not None:
        add("Guard", level_name, "latched" if snapshot.guard.latched else "", pictures.HA_LEVELS[level_name])
    if field is not None and field.coherence_level is not None:
        add("Field coherence", f"{field.coherence_level:.3f}", f"{field.resolution} points a side")
    if field is not None and field.defect_count is not None:
        add("Defects", format_count(field.defect_count), f"{field.defect_density:.2g} per unit area")
    return tiles


def describe_order(snapshot: Snapshot, r: float) -> tuple[str, Level | None]:
    """Say whether the run is synchronized; r beyond a threshold counts only once it lasted."""
    on, off = snapshot.thresholds
    if snapshot.is_synchronized:
        return (f"below {off:g}, dwelling" if r <= off else "synchronized"), "ok"
    return (f"above {on:g}, dwelling" if r >= on else "not synchronized"), None


def collect_order(scene: Scene) -> dict[str, Any]:
    """R over the last ten minutes."""
    if scene.snapshot is None or scene.snapshot.state is None:
        return {}
    return {"chart": pictures.draw_order(scene.snapshot, scene.width)}


def collect_ha(scene: Scene) -> dict[str, Any]:
    """Ha over the last ten minutes."""
    if scene.snapshot is None or scene.snapshot.newest_at is None:
        return {}
    return {"chart": pictures.draw_ha(scene.snapshot, scene.width)}


def collect_phases(scene: Scene) -> dict[str, Any]:
    """The phases now, on the circle and on the network."""
    if scene.snapshot is None:
        return {}
    run = scene.snapshot.run
    state = selectors.get_newest_oscillators(run.pk, with_phases=True)
    if state is None:
        return {}
    drawing = None
    if run.network is not None:
        drawing = draw_network(run.network, state.phases, scene.width, min(300, scene.width))
    return {
        "wheel": pictures.draw_wheel(state, min(scene.width, 232)),
        "drawing": drawing or pictures.draw_phase_histogram(state.phases, scene.width, 200),
        "state": state,
        "count": len(state.phases),
        "network": run.network if drawing else None,
    }


def collect_field(scene: Scene) -> dict[str, Any]:
    """The latest frame, and coherence, energy and defect density over the last ten minutes."""
    snapshot = scene.snapshot
    if snapshot is None or snapshot.field is None:
        return {}
    frame = selectors.get_newest_frame(snapshot.run.pk, snapshot.window)
    return {
        "field": snapshot.field,
        "frame": frame,
        "frame_address": find_frame_address(frame) if frame else "",
        "frame_age": format_since(frame.timestamp, scene.now) if frame else "",
        "charts": draw_field_charts(snapshot, scene.width),
    }


def draw_field_charts(snapshot: Snapshot, width: int) -> list[Markup]:
    """Coherence, energy and defect density beside the frame, as many in a row as fit."""
    charts = [("coherence", "Coherence"), ("energy", "Energy"), ("defects", "Defect density")]
    column_width = fit_columns(width - (FRAME_PX + GAP_PX if width >= SIDE_BY_SIDE_PX else 0), len(charts))
    return [
        pictures.draw_field_scalar(snapshot, column, label, column_width)
        for column, label in charts
        if snapshot.fields.has(f"{column}_mean")
    ]


def find_frame_address(frame: FieldState) -> str:
    """Where the picture of a frame is; the time in it bounds the look-up to one partition."""
    at_us = (frame.timestamp - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return reverse("admin:nfcs_frame", args=[frame.run_id, at_us, frame.pk])


def fit_columns(width: float, most: int) -> float:
    """Width of a column where as many stand side by side as fit, at most `most`."""
    count = max(1, min(most, int((width + GAP_PX) // (CHART_LEAST_PX + GAP_PX))))
    return max(200.0, (width - (count - 1) * GAP_PX) // count)


def collect_violations(scene: Scene) -> dict[str, Any]:
    """Open violations by type, and the newest of them."""
    counts = count_open_violations()
    kinds = [
        {"name": name, "count": format_count(counts.by_type[name]), "any": counts.by_type[name], "level": level}
        for name, level in reversed(VIOLATION_LEVELS.items())
    ]
    newest = [describe_violation(violation, scene.now) for violation in list_open_violations()[:MOST_LISTED]]
    return {"kinds": kinds, "newest": newest, "pending": counts.by_status["pending"], "total": counts.total}


def collect_events(scene: Scene) -> dict[str, Any]:
    """The newest synchronization events of all runs."""
    newest = SynchronizationEvent.objects.latest_first().select_related("run", "actor")[:MOST_LISTED]
    return {"events": [describe_event(event, scene.now) for event in newest]}


def describe_violation(violation: Violation, now: datetime | None = None) -> dict[str, Any]:
    """A violation with its colour, and when it was detected."""
    level = VIOLATION_LEVELS[violation.violation_type]
    return {"violation": violation, "level": level, "when": describe_time(violation.detected_at, now)}


def describe_event(event: SynchronizationEvent, now: datetime | None = None) -> dict[str, Any]:
    """An event with its colour, and when it occurred."""
    level = EVENT_LEVELS[event.event_type]
    return {"event": event, "level": level, "when": describe_time(event.occurred_at, now)}


def describe_time(at: datetime, now: datetime | None) -> str:
    """Say how long ago a time is, or without a present which it is, UTC."""
    return format_since(at, now) if now else f"{at:%Y-%m-%d %H:%M:%S}"


def collect_database(scene: Scene) -> dict[str, Any]:
    """The state of the server and of the partitions."""
    server = selectors.get_server_health()
    tables = [_describe_table(table, scene.now) for table in selectors.list_partition_health()]
    return {
        "server": server,
        "size": format_bytes(server["bytes"]),
        "uptime": format_age(scene.now - server["started_at"]),
        "tables": tables,
    }


def _describe_table(table: dict[str, Any], now: datetime) -> dict[str, Any]:
    until, in_default = table["covered_until"], table["default_rows"]
    is_covered = until is not None and until - now >= COVERED_AHEAD[PARTITIONED_TABLES[table["table_name"]]]
    return table | {
        "rows": format_estimate(table["estimated_rows"]),
        "size": format_bytes(table["bytes"]),
        "until_level": "ok" if is_covered else "warning" if until and until > now else "critical",
        "default_level": "warning" if in_default else "ok",
        "default_rows": format_estimate(in_default),
    }


def collect_validation(scene: Scene) -> dict[str, Any]:
    """The newest validation runs."""
    newest = ValidationRun.objects.order_by("-executed_at")[:5]
    return {"validations": [_describe_validation(one, scene.now) for one in newest]}


def _describe_validation(validation: ValidationRun, now: datetime) -> dict[str, Any]:
    level: Level = "ok" if validation.passed_tests == validation.total_tests else "critical"
    return {"validation": validation, "level": level, "age": format_since(validation.executed_at, now)}


def collect_audit(scene: Scene) -> dict[str, Any]:
    """Whether the chain of the audit holds."""
    status = get_chain_status()
    levels: dict[str, Level] = {"ok": "ok", "broken": "critical", "unverified": "notice"}
    return {
        "status": status,
        "level": levels[status.state],
        "checkpoint_age": format_since(status.last_checkpoint_at, scene.now) if status.last_checkpoint_at else "",
        "verified_age": format_since(status.verified_at, scene.now) if status.verified_at else "never",
    }


_RUN, _STATE, _FIELD = "core.view_run", "kuramoto.view_oscillatorstate", "core.view_fieldstate"

PANELS: dict[str, Panel] = {
    panel.name: panel
    for panel in (
        Panel("runs", "Ongoing runs", 12, (_RUN, _STATE, _FIELD), 2, 1340, collect_runs),
        Panel("now", "Now", 12, (_RUN, _STATE, _FIELD), 2, 1340, collect_now),
        Panel("order", "Order parameter r", 8, (_RUN, _STATE), 2, 886, collect_order),
        Panel("phases", "Phases now", 4, (_RUN, _STATE), 2, 422, collect_phases),
        Panel("ha", "Hallucination number Ha", 8, (_RUN, _STATE, _FIELD), 2, 886, collect_ha),
        Panel("field", "Field", 12, (_RUN, _FIELD), 2, 1350, collect_field),
        Panel("violations", "Open violations", 6, ("constitutional.view_violation",), 4, 650, collect_violations),
        Panel("events", "Synchronization events", 6, ("kuramoto.view_synchronizationevent",), 4, 650, collect_events),
        Panel("database", "Database", 8, ("core.read_server_metrics",), 30, 886, collect_database),
        Panel("validation", "Validation", 4, ("validation.view_validationrun",), 30, 422, collect_validation),
        Panel("audit", "Audit", 12, ("core.view_auditentry", "core.view_auditcheckpoint"), 30, 1340, collect_audit),
    )
}
"""By name, in the order of the page."""


def build_scene(
    run: Run | None, now: datetime, width: int = 0, *, is_pinned: bool = False, is_whole: bool = False
) -> Scene:
    """What panels of one answer are drawn from."""
    return Scene(Snapshot(run, now, whole=is_whole) if run else None, now, width, is_pinned)
