"""Module sessions and memories in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cognitive.forgetting import RETRIEVABILITY_AT_STABILITY, half_life, retrievability
from cognitive.models import CognitiveSession, MemoryExperience, MemoryStrength
from cognitive.selectors import list_memories
from core.admin_base import ReadOnlyAdmin, RunFilter, TimeWindowFilter, number_column, show_json, time_column
from core.charts import Markup, Series, Threshold, line_chart

RECALLS_SHOWN = 20
CURVE_POINTS = 200
LONGEST_CURVE = timedelta(days=36_500)


class OngoingFilter(admin.SimpleListFilter):
    """Sessions that go on, or ended."""

    title = "state"
    parameter_name = "ongoing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two states."""
        return [("yes", "Ongoing"), ("no", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The sessions in the chosen state."""
        return queryset if self.value() is None else queryset.filter(ended_at__isnull=self.value() == "yes")


@admin.register(CognitiveSession)
class CognitiveSessionAdmin(ReadOnlyAdmin):
    """Sessions with what was measured of them."""

    time_field = "started_at"
    list_display = ("started", "module_type", "worker", "run", "ended_at", "calls", "errors", "p50", "p95")
    list_filter = (TimeWindowFilter, OngoingFilter, "module_type", RunFilter)
    list_select_related = ("run",)
    search_fields = ("worker",)
    fields = ("module_type", "worker", "run", "session_uuid", "started_at", "ended_at", "performance", "content")
    readonly_fields = ("performance", "content")
    started = time_column("started_at")

    @admin.display(description="calls")
    def calls(self, session: CognitiveSession) -> Any:
        """How many calls were made."""
        return read_metric(session, "calls")

    @admin.display(description="errors")
    def errors(self, session: CognitiveSession) -> Any:
        """How many of them failed."""
        return read_metric(session, "errors")

    @admin.display(description="p50, ms")
    def p50(self, session: CognitiveSession) -> Any:
        """Median latency."""
        return read_metric(session, "p50_ms")

    @admin.display(description="p95, ms")
    def p95(self, session: CognitiveSession) -> Any:
        """95th percentile of the latency."""
        return read_metric(session, "p95_ms")

    @admin.display(description="metrics")
    def performance(self, session: CognitiveSession) -> SafeString:
        """Everything that was measured."""
        return show_json(session.performance_metrics)

    @admin.display(description="data")
    def content(self, session: CognitiveSession) -> SafeString:
        """What the session works on."""
        return show_json(session.session_data)


@admin.register(MemoryExperience)
class MemoryExperienceAdmin(ReadOnlyAdmin):
    """Memories with what can be recalled of them now."""

    list_display = (
        "id",
        "experience_type",
        "recall_now",
        "stability",
        "consolidation",
        "weight",
        "retrieval_count",
        "last_accessed",
        "stored_at",
    )
    list_filter = ("experience_type",)
    fieldsets = (
        (None, {"fields": ("experience_type", "content", "stored_at", "experience_uuid")}),
        (
            "Recall",
            {"fields": ("recall_now", "curve", "forgotten_at", "retrieval_count", "last_accessed", "recalls")},
        ),
        ("Firmness", {"fields": ("stability", "consolidation_level", "difficulty")}),
        ("Emotion", {"fields": ("arousal", "valence", "emotional_weight")}),
    )
    readonly_fields = ("content", "recall_now", "curve", "forgotten_at", "recalls", "stability")
    consolidation = number_column("consolidation_level", "consolidation", digits=3)
    weight = number_column("emotional_weight", "emotion", digits=3)

    class Media:
        css = {"all": ("core/charts.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[MemoryExperience]:
        """Memories with their retrievability now."""
        return list_memories(now=timezone.now()).order_by(*self.get_ordering(request))

    @admin.display(description="recall now", ordering="retrievability")
    def recall_now(self, memory: Any) -> SafeString:
        """The probability of recall at this moment, as a bar."""
        share = f"{memory.retrievability:.3f}"
        return format_html('<meter min="0" max="1" value="{}"></meter> {}', share, share)

    @admin.display(description="stability", ordering="stability_s")
    def stability(self, memory: MemoryExperience) -> str:
        """How long nine of ten recalls succeed."""
        return show_duration(memory.stability_s)

    @admin.display(description="content")
    def content(self, memory: MemoryExperience) -> SafeString:
        """What is remembered."""
        return show_json(memory.context_data)

    @admin.display(description="forgetting")
    def curve(self, memory: MemoryExperience) -> Markup:
        """The probability of recall from the last one to the half-life."""
        start = memory.last_recalled_at or memory.stored_at
        length = min(float(half_life(memory.stability_s)), LONGEST_CURVE.total_seconds())
        elapsed_s = np.linspace(0.0, length, CURVE_POINTS)
        line = Series("R", start.timestamp() + elapsed_s, retrievability(elapsed_s, memory.stability_s))
        limit = Threshold(RETRIEVABILITY_AT_STABILITY, "stability", "notice")
        return line_chart([line], y_range=(0.0, 1.0), thresholds=[limit], title="Probability of recall")

    @admin.display(description="forgotten at")
    def forgotten_at(self, memory: MemoryExperience) -> str:
        """When every other recall will fail, unless it is recalled before; as of the last assessment."""
        strength = MemoryStrength.objects.filter(pk=memory.pk).first()
        return strength.forgotten_at.isoformat(" ", "seconds") if strength else "not assessed yet"

    @admin.display(description="latest recalls")
    def recalls(self, memory: MemoryExperience) -> SafeString | str:
        """When it was recalled last, and whether that succeeded."""
        latest = memory.retrievals.all()[:RECALLS_SHOWN]
        lines = (
            (
                recall.retrieved_at.isoformat(" ", "seconds"),
                "recalled" if recall.success else "failed",
                f"{recall.retrievability_before:.3f}",
            )
            for recall in latest
        )
        items = format_html_join("", "<li>{} {}, expected {}</li>", lines)
        return format_html("<ol>{}</ol>", items) if items else "none"


def read_metric(session: CognitiveSession, name: str) -> Any:
    """A number of the session's metrics, or a dash."""
    value = (session.performance_metrics or {}).get(name)
    return "-" if value is None else f"{value:.6g}"


def show_duration(seconds: float) -> str:
    """A time in the largest unit that leaves it at 1 or more."""
    for length, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
