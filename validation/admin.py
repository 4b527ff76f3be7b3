"""Admin pages of metric series and validation runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from core.admin_base import ReadOnlyAdmin
from core.charts import Markup, Series, line_chart
from validation.models import MetricSeries, ValidationRun
from validation.selectors import list_series_buckets

CHART_SPAN = timedelta(hours=1)
CHART_POINTS = 500


@admin.register(MetricSeries)
class MetricSeriesAdmin(ReadOnlyAdmin):
    """Series, each with a picture of its newest samples."""

    list_display = ["metric_name", "component", "metric_unit", "tags", "run"]
    list_filter = ["component"]
    list_select_related = ["run"]
    search_fields = ["metric_name", "component"]
    fields = ["metric_name", "component", "metric_unit", "tags", "run", "samples"]
    readonly_fields = ["samples"]

    class Media:
        css = {"all": ["core/charts.css"]}

    @admin.display(description="Last hour of the run")
    def samples(self, series: MetricSeries) -> Markup:
        """The samples of the last hour, or of a shorter run's whole life, as a line: median and spread."""
        until = series.run.ended_at or timezone.now()
        since = min(max(series.run.started_at, until - CHART_SPAN), until - timedelta(seconds=1))
        buckets = list_series_buckets(series, since=since, until=until, n=CHART_POINTS)
        columns = {name: [bucket[name] for bucket in buckets] for name in ("from_at", "median", "least", "largest")}
        line = Series(str(series), columns["from_at"], columns["median"], spread=(columns["least"], columns["largest"]))
        return line_chart([line], y_label=series.metric_unit or "", time_range=(since, until), title=str(series))


@admin.register(ValidationRun)
class ValidationRunAdmin(ReadOnlyAdmin):
    """Validation runs with their score and the names of what failed."""

    list_display = ["executed_at", "validation_type", "score", "passed_tests", "total_tests", "code_version", "run"]
    list_filter = ["validation_type", "executed_at"]
    list_select_related = ["run"]
    search_fields = ["code_version"]
    fields = [
        "validation_type",
        "executed_at",
        "score",
        "failed",
        "passed_tests",
        "total_tests",
        "duration_ms",
        "code_version",
        "seed",
        "run",
        "run_uuid",
        "test_parameters",
        "results_data",
    ]
    readonly_fields = ["score", "failed"]

    @admin.display(description="Score", ordering="overall_score")
    def score(self, outcome: ValidationRun) -> str:
        """The share of checks that passed, as a bar."""
        share = f"{outcome.overall_score:.3f}"
        return format_html('<meter min="0" max="1" value="{}"></meter> {}', share, share)

    @admin.display(description="Failed checks")
    def failed(self, outcome: ValidationRun) -> Any:
        """Every check that failed, by name."""
        if not outcome.failed_tests:
            return "none"
        return format_html(
            "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((name,) for name in outcome.failed_tests))
        )
