"""Addresses of the validation API."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from validation.api.alerts import AlertChannelViewSet, AlertDeliveryViewSet, AlertRuleViewSet, AlertViewSet
from validation.api.latest import LatestSamplesView
from validation.api.points import SeriesPointsView
from validation.api.views import MetricSeriesViewSet, MetricViewSet, ValidationRunViewSet

router = SimpleRouter()
router.register("metrics/series", MetricSeriesViewSet, basename="metric-series")
router.register("metrics", MetricViewSet, basename="metrics")
router.register("validation-runs", ValidationRunViewSet, basename="validation-runs")
router.register("alert-channels", AlertChannelViewSet, basename="alert-channels")
router.register("alert-deliveries", AlertDeliveryViewSet, basename="alert-deliveries")
router.register("alert-rules", AlertRuleViewSet, basename="alert-rules")
router.register("alerts", AlertViewSet, basename="alerts")

urlpatterns = [
    path("series/", SeriesPointsView.as_view(), name="series-list"),
    path("series/latest/", LatestSamplesView.as_view(), name="series-latest"),
    *router.urls,
]
