"""Signal complexity in the admin."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib import admin
from django.http import HttpRequest

from cognitive.models import ComplexityRecord, ComplexitySummary, DailyComplexity
from core.admin_base import ReadOnlyAdmin, RunFilter, number_column
from core.charts import Markup, Series, line_chart
from core.models import SummaryRefresh

SHOWN = 2000
"""Snapshots drawn, the newest."""


@admin.register(ComplexityRecord)
class ComplexityRecordAdmin(ReadOnlyAdmin):
    """Analyses, each with its measures over time."""

    time_field = "created_at"
    list_display = ("id", "run", "status", "window", "step", "n_snapshots", "covered_until", "created_at")
    list_filter = ("status", RunFilter)
    list_select_related = ("run",)
    fieldsets = (
        (None, {"fields": ("run", "status", "message", "covered_until", "n_snapshots")}),
        ("Over time", {"fields": ("order", "complexity", "correlation")}),
        ("How", {"fields": ("window_s", "step_s", "seed", "method_versions", "communities", "channels")}),
        ("Who and when", {"fields": ("created_by", "created_at", "finished_at")}),
    )
    readonly_fields = ("order", "complexity", "correlation")
    window = number_column("window_s", "window, s")
    step = number_column("step_s", "step, s")

    @admin.display(description="order parameter and metastability")
    def order(self, record: ComplexityRecord) -> Markup:
        """Mean r, its spread over time, metastability."""
        return _draw(record, {"mean r": "r_mean", "std of r": "r_std", "metastability": "metastability_shanahan"})

    @admin.display(description="Lempel-Ziv complexity and chimera index")
    def complexity(self, record: ComplexityRecord) -> Markup:
        """Measures that noise and half-ordered states raise."""
        return _draw(record, {"Lempel-Ziv / surrogates": "lzc_norm", "chimera index": "chimera"})

    @admin.display(description="total correlation, nats")
    def correlation(self, record: ComplexityRecord) -> Markup:
        """What the channels share."""
        return _draw(record, {"total correlation": "total_correlation"})


@admin.register(ComplexitySummary)
class ComplexitySummaryAdmin(ReadOnlyAdmin):
    """The latest analysis of each run, with its means."""

    list_display = ("run_name", "status", "snapshots", "r", "metastability", "chimera_index", "lzc", "correlation")
    r = number_column("r_mean", "r")
    metastability = number_column("metastability_shanahan", "metastability")
    chimera_index = number_column("chimera", "chimera index")
    lzc = number_column("lzc_norm", "Lempel-Ziv")
    correlation = number_column("total_correlation", "total correlation, nats")


@admin.register(DailyComplexity)
class DailyComplexityAdmin(ReadOnlyAdmin):
    """Means a run and day, from the materialized summary."""

    list_display = ("day", "run", "snapshots", "r", "metastability", "chimera_index", "lzc", "correlation")
    list_select_related = ("run",)
    list_filter = (RunFilter,)
    r = number_column("r_mean", "r")
    metastability = number_column("metastability_shanahan", "metastability")
    chimera_index = number_column("chimera", "chimera index")
    lzc = number_column("lzc_norm", "Lempel-Ziv")
    correlation = number_column("total_correlation", "total correlation, nats")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, saying how old the summary is."""
        refresh = SummaryRefresh.objects.filter(pk="consciousness_daily_summary").first()
        title = f"as of {refresh.refreshed_at:%Y-%m-%d %H:%M} UTC" if refresh else "not refreshed yet"
        return super().changelist_view(request, {"subtitle": title} | (extra_context or {}))


def _draw(record: ComplexityRecord, measures: dict[str, str]) -> Markup:
    rows = list(record.snapshots.order_by("-ts").values_list("ts", *measures.values())[:SHOWN])[::-1]
    times = [row[0].timestamp() for row in rows]
    series = [
        Series(label, times, np.array([row[column] for row in rows], dtype=np.float64))
        for column, label in enumerate(measures, 1)
    ]
    return line_chart(series, title=", ".join(measures))
