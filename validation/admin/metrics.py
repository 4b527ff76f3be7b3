"""Admin pages of metric series and validation runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin_base import ReadOnlyAdmin, RunFilter, TimeWindowFilter, number_column, show_json, time_column
from core.charts import Markup, Series, line_chart
from validation.choices import ValidationType
from validation.models import MetricSeries, ValidationRun
from validation.selectors import list_series_buckets

CHART_SPAN = timedelta(hours=1)
CHART_POINTS = 500


@admin.register(MetricSeries)
class MetricSeriesAdmin(ReadOnlyAdmin):
    """Series, each with a picture of its newest samples."""

    list_display = ("metric_name", "component", "metric_unit", "tags", "run")
    list_filter = (RunFilter, "component")
    list_select_related = ("run",)
    search_fields = ("metric_name", "component")
    fields = ("metric_name", "component", "metric_unit", "tags", "run", "samples")
    readonly_fields = ("samples",)

    class Media:
        css = {"all": ("core/charts.css",)}

    @admin.display(description="last hour of the run")
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

    time_field = "executed_at"
    list_display = (
        "time",
        "validation_type",
        "score",
        "passed_tests",
        "total_tests",
        "duration",
        "code_version",
        "run",
    )
    list_filter = (TimeWindowFilter, "validation_type", RunFilter)
    list_select_related = ("run",)
    search_fields = ("code_version",)
    fieldsets = (
        (None, {"fields": ("validation_type", "executed_at", "score", "passed_tests", "total_tests", "failed")}),
        ("Checked", {"fields": ("code_version", "seed", "run", "duration_ms", "run_uuid")}),
        ("Detail", {"fields": ("parameters", "results")}),
    )
    readonly_fields = ("score", "failed", "parameters", "results")
    time = time_column("executed_at")
    duration = number_column("duration_ms", "duration, ms")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with a button for each type of checks for those who may start them."""
        context = {
            "may_validate": request.user.has_perm("validation.add_validationrun"),
            "validation_types": ValidationType.choices,
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @admin.display(description="score", ordering="overall_score")
    def score(self, outcome: ValidationRun) -> str:
        """The share of checks that passed, as a bar."""
        share = f"{outcome.overall_score:.3f}"
        return format_html('<meter min="0" max="1" value="{}"></meter> {}', share, share)

    @admin.display(description="failed checks")
    def failed(self, outcome: ValidationRun) -> Any:
        """Every check that failed, by name."""
        if not outcome.failed_tests:
            return "none"
        return format_html(
            "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((name,) for name in outcome.failed_tests))
        )

    @admin.display(description="parameters")
    def parameters(self, outcome: ValidationRun) -> SafeString:
        """What the checks were started with."""
        return show_json(outcome.test_parameters)

    @admin.display(description="results")
    def results(self, outcome: ValidationRun) -> SafeString:
        """What each check measured."""
        return show_json(outcome.results_data)
