"""Alert rules and channels in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from core.admin_base import EditableAdmin
from core.exceptions import NotFound
from validation import services
from validation.admin.deliveries import draw_deliveries
from validation.alert_conditions import describe_rule, has_bounds
from validation.choices import DeliveryStatus
from validation.models import AlertChannel, AlertDelivery, AlertRule, MonitoringAlert


class DeletedOneByOne(EditableAdmin):
    """Rows that are deleted by a service, one at a time."""

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["core/charts.css", "validation/admin.css"]}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """All but the deletion of many."""
        return {name: entry for name, entry in super().get_actions(request).items() if name != "delete_selected"}


@admin.register(AlertRule)
class AlertRuleAdmin(DeletedOneByOne):
    """Rules, each with its condition in a sentence."""

    list_display = ("name", "sentence", "severity", "is_active", "told", "updated_at")
    list_filter = ("is_active", "severity", "op")
    search_fields = ("name", "metric", "component")
    ordering = ("-is_active", "name")
    raw_id_fields = ("run",)
    filter_horizontal = ("channels",)
    readonly_fields = ("sentence", "version", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "sentence", "severity", "is_active")}),
        ("Series", {"fields": ("metric", "component", "tags", "run", "run_kind")}),
        (
            "Condition",
            {
                "fields": (
                    "op",
                    ("threshold", "threshold_high"),
                    ("clear_threshold", "clear_threshold_high"),
                    "for_s",
                    "absent_for_s",
                )
            },
        ),
        ("Who is told", {"fields": ("channels", "runbook", "labels")}),
        ("Record", {"fields": ("version", "created_at", "updated_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        """Rules with their channels."""
        rules: QuerySet[AlertRule] = super().get_queryset(request)
        return rules.prefetch_related("channels")

    @admin.display(description="condition")
    def sentence(self, rule: AlertRule) -> str:
        """The condition in words."""
        return describe_rule(rule) if rule.pk is not None and has_bounds(rule) else "-"

    @admin.display(description="announced to")
    def told(self, rule: AlertRule) -> str:
        """The channels."""
        return ", ".join(channel.name for channel in rule.channels.all()) or "nobody"

    def has_delete_permission(self, request: HttpRequest, obj: AlertRule | None = None) -> bool:
        """A rule that has alerts is switched off instead."""
        if obj is not None and MonitoringAlert.objects.filter(rule=obj).exists():
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        """Make or change the rule; an empty box of tags or labels holds none."""
        values = {
            name: {} if value is None and name in ("tags", "labels") else value
            for name, value in form.cleaned_data.items()
        }
        if change:
            services.change_alert_rule(rule_id=obj.pk, **values)
        else:
            obj.pk = services.create_alert_rule(**values).pk

    def delete_model(self, request: HttpRequest, obj: AlertRule) -> None:
        """Delete the rule."""
        services.delete_alert_rule(rule_id=obj.pk)


@admin.register(AlertChannel)
class AlertChannelAdmin(DeletedOneByOne):
    """Channels, with a button that tests one."""

    change_form_template = "admin/validation/alertchannel/change_form.html"
    list_display = ("name", "kind", "target", "is_active", "updated_at")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "target")
    readonly_fields = ("created_at", "updated_at", "deliveries")
    fieldsets = (
        (None, {"fields": ("name", "kind", "target", "key_ref", "is_active")}),
        ("Record", {"fields": ("created_at", "updated_at", "deliveries")}),
    )

    @admin.display(description="latest messages")
    def deliveries(self, channel: AlertChannel) -> SafeString | str:
        """The end of the delivery log."""
        return "-" if channel.pk is None else draw_deliveries(channel.deliveries.select_related("channel"))

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and that of the test."""
        view = self.admin_site.admin_view(self.test_view)
        return [path("<int:pk>/test/", view, name="validation_alertchannel_test"), *super().get_urls()]

    @method_decorator(require_POST)
    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a test message and say what happened."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            delivery = services.send_test(channel_id=pk, now=timezone.now())
        except NotFound as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:validation_alertchannel_changelist"))
        if delivery.status == DeliveryStatus.DELIVERED:
            self.message_user(request, f"Delivered in {delivery.duration_ms:.0f} ms.", messages.SUCCESS)
        else:
            self.message_user(request, f"Not delivered: {delivery.error}", messages.ERROR)
        return HttpResponseRedirect(reverse("admin:validation_alertchannel_change", args=[pk]))

    def has_delete_permission(self, request: HttpRequest, obj: AlertChannel | None = None) -> bool:
        """A channel that messages went to is switched off instead."""
        if obj is not None and AlertDelivery.objects.filter(channel=obj).exists():
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: AlertChannel, form: Any, change: bool) -> None:
        """Make or change the channel."""
        values = dict(form.cleaned_data)
        if change:
            services.change_channel(channel_id=obj.pk, **values)
        else:
            obj.pk = services.create_channel(**values).pk

    def delete_model(self, request: HttpRequest, obj: AlertChannel) -> None:
        """Delete the channel."""
        services.delete_channel(channel_id=obj.pk)
