"""Oscillator states and synchronization events in the admin."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from core.admin_base import RunFilter, TelemetryAdmin, TimeWindowFilter, number_column, show_json, time_column
from core.charts import Band, Level, Markup, Series, Threshold, histogram, line_chart, phase_wheel
from core.charts.svg import draw
from core.drawing import draw_network
from kuramoto.choices import EventType
from kuramoto.models import OscillatorState, SynchronizationEvent
from kuramoto.selectors import list_order_parameter

EVIDENCE_MARGIN = timedelta(minutes=1)
BAR_WIDTH_PX, BAR_HEIGHT_PX = 72.0, 8.0
PHASES_SHOWN = 256
REASON_SHOWN = 80

EVENT_LEVELS: dict[str, Level] = {
    EventType.SYNC_ACHIEVED: "ok",
    EventType.DESYNC_DETECTED: "warning",
    EventType.EMERGENCY_STOP: "emergency",
    EventType.RECOVERY: "notice",
}


def draw_share(share: float) -> Markup:
    """Draw a share of 1 as a bar the height of a word."""
    size = {"y": 0.0, "height": BAR_HEIGHT_PX, "rx": 2.0}
    return draw(
        "svg",
        draw("rect", class_="track", x=0.0, width=BAR_WIDTH_PX, fill="#808a96", fill_opacity="0.25", **size),
        draw("rect", class_="bar s1", x=0.0, width=BAR_WIDTH_PX * min(max(share, 0.0), 1.0), fill="#2f6fd0", **size),
        class_="nfcs-chart nfcs-spark",
        width=BAR_WIDTH_PX,
        height=BAR_HEIGHT_PX,
        aria_hidden="true",
    )


@admin.register(OscillatorState)
class OscillatorStateAdmin(TelemetryAdmin):
    """What the oscillators of a run did, with their phases as pictures."""

    list_display = ("time", "run", "r", "psi", "coupling", "hallucination")
    fieldsets = (
        (None, {"fields": ("time", "run", "r", "psi", "phase_coherence", "coupling_strength")}),
        ("Phases", {"fields": (("wheel", "network"), "spread", "phase_values")}),
        ("Hallucination number", {"fields": ("ha", "ha_version", "ha_defect", "ha_forecast", "ha_drift")}),
        ("Further", {"fields": ("embedding", "horizons")}),
    )
    time = time_column("timestamp")
    psi = number_column("mean_phase", "mean phase ψ, rad", 4)
    coupling = number_column("coupling_strength", "coupling K, rad/s", 4)
    hallucination = number_column("ha", "Ha", 3)
    readonly_fields = ("time", "r", "psi", "wheel", "network", "spread", "phase_values", "embedding", "horizons")

    class Media:
        css = {"all": ("core/charts.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[OscillatorState]:
        """States; in the list without what it does not show."""
        states: QuerySet[OscillatorState] = super().get_queryset(request).select_related("run__network")
        if request.resolver_match and request.resolver_match.url_name == "kuramoto_oscillatorstate_changelist":
            return states.defer("phases", "semantic_embedding", "prediction_horizons")
        return states

    @admin.display(description="order parameter r")
    def r(self, state: OscillatorState) -> SafeString:
        """The order parameter as a bar and a number."""
        return format_html("{} {}", draw_share(state.sync_parameter), f"{state.sync_parameter:.3f}")

    @admin.display(description="phase circle")
    def wheel(self, state: OscillatorState) -> Markup:
        """The phases and the order parameter."""
        z = state.sync_parameter * complex(math.cos(state.mean_phase), math.sin(state.mean_phase))
        return phase_wheel(state.phases, z, size=300)

    @admin.display(description="coupling graph")
    def network(self, state: OscillatorState) -> Markup | str:
        """The network, coloured by phase."""
        drawing = draw_network(state.run.network, state.phases, 420, 380) if state.run.network else None
        return drawing or "all to all, or not known"

    @admin.display(description="histogram")
    def spread(self, state: OscillatorState) -> Markup:
        """How the phases are spread."""
        return histogram(state.phases, bins=24, width=420, height=180, x_label="Phase, rad", title="Phases")

    @admin.display(description="values, rad")
    def phase_values(self, state: OscillatorState) -> str:
        """The phases as numbers, the first 256 of them."""
        shown = ", ".join(f"{phase:.4f}" for phase in state.phases[:PHASES_SHOWN])
        rest = len(state.phases) - PHASES_SHOWN
        return f"{shown} and {rest} more" if rest > 0 else shown

    @admin.display(description="semantic embedding")
    def embedding(self, state: OscillatorState) -> str:
        """Whether there is one, and how long it is."""
        if state.semantic_embedding is None:
            return "none"
        vector = np.asarray(state.semantic_embedding, dtype=np.float64)
        return f"{vector.size} dimensions, norm {np.linalg.norm(vector):.4g}"

    @admin.display(description="predicted r, by horizon in s")
    def horizons(self, state: OscillatorState) -> SafeString | str:
        """The predictions."""
        return "none" if state.prediction_horizons is None else show_json(state.prediction_horizons)


@admin.register(SynchronizationEvent)
class SynchronizationEventAdmin(TelemetryAdmin):
    """Changes of collective state, with what they rest on."""

    time_field = "occurred_at"
    list_display = ("kind", "run", "time", "short_evidence", "brought_by")
    list_filter: ClassVar[Any] = (TimeWindowFilter, "event_type", "cause", RunFilter)
    list_select_related: ClassVar[Any] = ("run", "actor")
    ordering = ("-occurred_at", "-id")
    fieldsets = (
        (None, {"fields": ("kind", "run", "occurred_at", "entered_at", "cause", "actor", "reason")}),
        ("Evidence", {"fields": ("evidence", "picture")}),
        (
            "Numbers",
            {
                "fields": (
                    ("sync_level_before", "sync_level_after"),
                    ("threshold_on", "threshold_off", "dwell_s"),
                    ("n_oscillators", "coupling_strength"),
                    "event_data",
                )
            },
        ),
    )
    time = time_column("occurred_at")
    readonly_fields = ("kind", "evidence", "picture")

    class Media:
        css = {"all": ("core/charts.css", "kuramoto/admin.css")}

    @admin.display(description="event")
    def kind(self, event: SynchronizationEvent) -> SafeString:
        """The type with its colour."""
        level = EVENT_LEVELS[event.event_type]
        return format_html('<span class="event-mark {}">{}</span>', level, event.get_event_type_display())

    @admin.display(description="evidence")
    def short_evidence(self, event: SynchronizationEvent) -> str:
        """The levels of r, or the reason."""
        if event.sync_level_after is None:
            return Truncator(event.reason).chars(REASON_SHOWN)
        before = "" if event.sync_level_before is None else f"{event.sync_level_before:.2f} "
        return f"r {before}→ {event.sync_level_after:.2f}"

    @admin.display(description="by")
    def brought_by(self, event: SynchronizationEvent) -> str:
        """Who or what brought it about."""
        return str(event.actor or event.get_cause_display())

    @admin.display(description="evidence")
    def evidence(self, event: SynchronizationEvent) -> str:
        """What the event rests on, as a sentence."""
        return describe_evidence(event)

    @admin.display(description="order parameter around it")
    def picture(self, event: SynchronizationEvent) -> Markup | str:
        """The order parameter from a minute before the first crossing to a minute after the event."""
        start = (event.entered_at or event.occurred_at) - EVIDENCE_MARGIN
        end = event.occurred_at + EVIDENCE_MARGIN
        rows = list_order_parameter(event.run_id, start, end)
        if not rows:
            return "no oscillator states around it"
        limits: list[tuple[str, float | None, Level]] = [
            ("sync", event.threshold_on, "ok"),
            ("desync", event.threshold_off, "warning"),
        ]
        dwell = Band(start=event.entered_at or event.occurred_at, end=event.occurred_at, label="dwell")
        return line_chart(
            [Series("r", [at for at, _ in rows], [r for _, r in rows])],
            height=220,
            y_range=(0, 1),
            time_range=(start, end),
            thresholds=[Threshold(at, f"{name} {at:g}", level) for name, at, level in limits if at is not None],
            bands=[dwell],
            title="Order parameter around the event",
        )


def describe_evidence(event: SynchronizationEvent) -> str:
    """Say in a sentence what an event rests on."""
    if event.event_type in (EventType.EMERGENCY_STOP, EventType.RECOVERY):
        return event.reason
    rose = event.event_type == EventType.SYNC_ACHIEVED
    bound = f"at or above {event.threshold_on:g}" if rose else f"at or below {event.threshold_off:g}"
    before = "" if event.sync_level_before is None else f" from {event.sync_level_before:.2f}"
    return f"r {'rose' if rose else 'fell'}{before} to {event.sync_level_after:.2f}, {bound} for {event.dwell_s:.3g} s"
