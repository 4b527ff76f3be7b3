"""Alerts in the admin: what is on, since when, who knows; acknowledged and silenced from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from core.admin_base import ReadOnlyAdmin, RunFilter, TimeWindowFilter, time_column
from core.charts import Interval, Level, Markup, state_timeline
from core.exceptions import DomainError
from validation import services
from validation.admin.deliveries import draw_deliveries, mark
from validation.choices import OPEN_STATES, AlertState
from validation.models import MonitoringAlert

if TYPE_CHECKING:
    from accounts.models import User

SILENCES = {"1": "1 h", "8": "8 h", "24": "1 day", "168": "7 days"}
"""How long people silence an alert: hours, and words."""
LEVELS: dict[str, Level] = {"pending": "warning", "firing": "critical", "resolved": "ok", "acknowledged": "notice"}
SEVERITIES: dict[str, Level] = {"info": "notice", "warning": "warning", "critical": "critical"}


class StateFilter(admin.SimpleListFilter):
    """By state; an inactive alert tells nothing."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The states."""
        shown = (state for state in AlertState if state != AlertState.INACTIVE)
        return [("open", "Open"), *((state.value, str(state.label)) for state in shown)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MonitoringAlert]) -> QuerySet[MonitoringAlert]:
        """The alerts in the state."""
        if self.value() == "open":
            return queryset.filter(state__in=OPEN_STATES)
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(MonitoringAlert)
class MonitoringAlertAdmin(ReadOnlyAdmin):
    """Alerts: evaluation writes them, people acknowledge and silence them."""

    time_field = "pending_at"
    change_form_template = "admin/validation/monitoringalert/change_form.html"
    list_display = (
        "state_mark",
        "severity_mark",
        "rule",
        "series",
        "run",
        "since",
        "lasted",
        "acknowledged",
        "silence",
    )
    list_display_links = ("state_mark", "rule")
    list_filter = (StateFilter, TimeWindowFilter, "severity", "acknowledged", RunFilter)
    list_select_related = ("rule", "run", "acknowledged_by")
    search_fields = ("rule__name", "metric", "component")
    ordering = ("-pending_at", "-id")
    actions: Any = ("acknowledge", "silence_hour", "silence_day")
    fieldsets = (
        (None, {"fields": ("state_mark", "severity_mark", "rule", "condition", "run", "series", "timeline")}),
        (
            "Episode",
            {
                "fields": (
                    ("pending_at", "pending_value"),
                    ("fired_at", "fired_value"),
                    "peak_value",
                    ("resolved_at", "resolved_value", "resolved_reason"),
                )
            },
        ),
        ("Handling", {"fields": ("seen_to", "silence", "announced_at", "runbook", "deliveries")}),
    )
    readonly_fields = (
        "state_mark",
        "severity_mark",
        "series",
        "timeline",
        "seen_to",
        "silence",
        "runbook",
        "deliveries",
    )
    since = time_column("pending_at")

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["core/charts.css", "validation/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[MonitoringAlert]:
        """Alerts that tell something, with the names their page shows."""
        alerts: QuerySet[MonitoringAlert] = MonitoringAlert.objects.shown().with_names()
        return alerts.order_by(*self.ordering)

    @admin.display(description="state", ordering="state")
    def state_mark(self, alert: MonitoringAlert) -> SafeString:
        """The state in its colour."""
        return mark(alert.state, LEVELS[alert.state])

    @admin.display(description="severity", ordering="severity")
    def severity_mark(self, alert: MonitoringAlert) -> SafeString:
        """The severity in its colour."""
        return mark(alert.severity, SEVERITIES[alert.severity])

    @admin.display(description="series")
    def series(self, alert: MonitoringAlert) -> str:
        """What is measured."""
        return alert.describe_series()

    @admin.display(description="lasted")
    def lasted(self, alert: MonitoringAlert) -> str:
        """How long, or that it goes on."""
        if alert.resolved_at is None or alert.pending_at is None:
            return "goes on"
        return str(timedelta(seconds=round((alert.resolved_at - alert.pending_at).total_seconds())))

    @admin.display(description="acknowledged")
    def seen_to(self, alert: MonitoringAlert) -> str:
        """Who has seen to it, and when."""
        if alert.acknowledged_at is None:
            return "no"
        return f"{alert.acknowledged_at:%Y-%m-%d %H:%M:%S} by {alert.acknowledged_by or 'nobody named'}"

    @admin.display(description="silenced")
    def silence(self, alert: MonitoringAlert) -> str:
        """Until when."""
        until = alert.silenced_until
        return "no" if until is None or until <= timezone.now() else f"until {until:%Y-%m-%d %H:%M}"

    @admin.display(description="what to do")
    def runbook(self, alert: MonitoringAlert) -> str:
        """The rule's text."""
        return alert.rule.runbook or "-"

    @admin.display(description="messages")
    def deliveries(self, alert: MonitoringAlert) -> SafeString:
        """The delivery log of the alert."""
        return draw_deliveries(alert.deliveries.select_related("channel"))

    @admin.display(description="timeline")
    def timeline(self, alert: MonitoringAlert) -> Markup:
        """The episode as bars."""
        intervals = list(_list_intervals(alert, timezone.now()))
        return state_timeline(intervals, levels=LEVELS, title=f"Alert {alert.pk}")

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and those of what people do about an alert."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/acknowledge/", wrap(self.acknowledge_view), name="validation_monitoringalert_acknowledge"),
            path("<int:pk>/silence/", wrap(self.silence_view), name="validation_monitoringalert_silence"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page, with what the user may do about the alert as it is."""
        alert = self.get_object(request, object_id)
        steps = {
            "may_acknowledge": alert is not None
            and alert.fired_at is not None
            and not alert.acknowledged
            and self.has_acknowledge_permission(request),
            "may_silence": alert is not None and alert.state in OPEN_STATES and self.has_silence_permission(request),
            "silences": SILENCES,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **steps})

    @method_decorator(require_POST)
    def acknowledge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Acknowledge one alert."""
        if not self.has_acknowledge_permission(request):
            raise PermissionDenied
        self._handle(request, [pk], self._acknowledge(request), "Acknowledged")
        return self._leave(pk)

    @method_decorator(require_POST)
    def silence_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Silence one alert for as long as was chosen, or end its silence."""
        if not self.has_silence_permission(request):
            raise PermissionDenied
        hours = request.POST.get("hours", "")
        chosen = timedelta(hours=int(hours)) if hours in SILENCES else None
        self._handle(request, [pk], self._silence(chosen), f"Silenced for {SILENCES[hours]}" if chosen else "Audible")
        return self._leave(pk)

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        """Whether the user acknowledges alerts."""
        return request.user.has_perm("validation.acknowledge_alert")

    def has_silence_permission(self, request: HttpRequest) -> bool:
        """Whether the user silences alerts."""
        return request.user.has_perm("validation.silence_alert")

    @admin.action(description="Acknowledge", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[MonitoringAlert]) -> None:
        """Acknowledge the chosen alerts."""
        self._handle(request, queryset.values_list("pk", flat=True), self._acknowledge(request), "Acknowledged")

    @admin.action(description="Silence for 1 h", permissions=["silence"])
    def silence_hour(self, request: HttpRequest, queryset: QuerySet[MonitoringAlert]) -> None:
        """Silence the chosen alerts for an hour."""
        chosen = queryset.values_list("pk", flat=True)
        self._handle(request, chosen, self._silence(timedelta(hours=1)), "Silenced for 1 h")

    @admin.action(description="Silence for 1 day", permissions=["silence"])
    def silence_day(self, request: HttpRequest, queryset: QuerySet[MonitoringAlert]) -> None:
        """Silence the chosen alerts for a day."""
        chosen = queryset.values_list("pk", flat=True)
        self._handle(request, chosen, self._silence(timedelta(days=1)), "Silenced for 1 day")

    def _acknowledge(self, request: HttpRequest) -> Callable[[int], object]:
        actor = cast("User", request.user)
        return lambda pk: services.acknowledge_alert(alert_id=pk, actor=actor, now=timezone.now())

    def _silence(self, lasting: timedelta | None) -> Callable[[int], object]:
        now = timezone.now()
        until = None if lasting is None else now + lasting
        return lambda pk: services.silence_alert(alert_id=pk, until=until, now=now)

    def _handle(self, request: HttpRequest, chosen: Any, act: Callable[[int], object], done: str) -> None:
        """Act on each alert; say how many there were, and what was refused."""
        count = 0
        for pk in sorted(chosen):
            try:
                act(pk)
            except DomainError as error:
                self.message_user(request, error.detail, messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{done}: {count}.", messages.SUCCESS)

    def _leave(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:validation_monitoringalert_change", args=[pk]))


def _list_intervals(alert: MonitoringAlert, now: datetime) -> Iterator[Interval]:
    """The states of an alert, each from its time to the next."""
    begun = [
        (state, at)
        for state, at in (
            ("pending", alert.pending_at),
            ("firing", alert.fired_at),
            ("resolved", alert.resolved_at),
        )
        if at is not None
    ]
    last = begun[-1][1]
    # The run's clock may be ahead of this one; what ended is shown a little longer.
    tail = (last - begun[0][1]) / 10 if alert.resolved_at else timedelta(0)
    end = last + max(tail, timedelta(seconds=1)) if alert.resolved_at else max(now, last + timedelta(seconds=1))
    for (state, start), (_, until) in zip(begun, [*begun[1:], ("", end)], strict=True):
        yield Interval(start, until, state, "state")
    if alert.acknowledged_at is not None and begun[0][1] <= alert.acknowledged_at < end:
        yield Interval(alert.acknowledged_at, end, "acknowledged", "handling")
