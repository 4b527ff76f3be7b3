"""The delivery log in the admin, whole and beside what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.admin_base import ReadOnlyAdmin, TimeWindowFilter, number_column, time_column
from core.charts import Level
from validation.choices import DeliveryStatus
from validation.models import AlertDelivery

MAX_SHOWN = 20
"""Attempts that the page of an alert or a channel lists, the newest."""
LEVELS: dict[str, Level] = {"delivered": "ok", "failed": "warning", "given_up": "critical"}


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    """Every attempt to deliver a message, newest first."""

    time_field = "at"
    list_display = ("time", "outcome", "event", "channel", "alert", "attempt", "http_status", "duration", "error")
    list_display_links = ("time",)
    list_filter = (TimeWindowFilter, "status", "event", "channel")
    list_select_related = ("channel", "alert")
    ordering = ("-at", "-id")
    fields = ("at", "outcome", "event", "alert", "channel", "attempt", "http_status", "error", "duration_ms")
    readonly_fields = ("outcome",)
    time = time_column("at")
    duration = number_column("duration_ms", "duration, ms", digits=3)

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["core/charts.css", "validation/admin.css"]}

    @admin.display(description="status", ordering="status")
    def outcome(self, delivery: AlertDelivery) -> SafeString:
        """How it ended, in its colour."""
        return mark_outcome(delivery)


def mark(word: str, level: Level) -> SafeString:
    """A word in the colour of a level."""
    return format_html('<span class="alert-mark {}">{}</span>', level, word)


def mark_outcome(delivery: AlertDelivery) -> SafeString:
    """How an attempt ended, in its colour."""
    return mark(DeliveryStatus(delivery.status).label.lower(), LEVELS[delivery.status])


def draw_deliveries(deliveries: QuerySet[AlertDelivery]) -> SafeString:
    """The newest attempts as a table."""
    rows = _list_rows(deliveries.order_by("-at", "-id")[:MAX_SHOWN])
    if not rows:
        return format_html("{}", "none")
    body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
    head = "<tr><th>Time</th><th>Message</th><th>Channel</th><th>Status</th><th>Error</th></tr>"
    return format_html('<table class="deliveries"><thead>' + head + "</thead><tbody>{}</tbody></table>", body)


def _list_rows(deliveries: Iterable[AlertDelivery]) -> list[tuple[object, ...]]:
    return [
        (
            f"{delivery.at:%Y-%m-%d %H:%M:%S}",
            f"{delivery.event}, attempt {delivery.attempt}" if delivery.alert_id else delivery.event,
            delivery.channel,
            mark_outcome(delivery),
            delivery.error,
        )
        for delivery in deliveries
    ]
