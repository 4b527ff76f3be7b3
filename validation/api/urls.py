"""Addresses of the validation API."""

from rest_framework.routers import SimpleRouter

from validation.api.views import MetricSeriesViewSet, MetricViewSet, ValidationRunViewSet

router = SimpleRouter()
router.register("metrics/series", MetricSeriesViewSet, basename="metric-series")
router.register("metrics", MetricViewSet, basename="metrics")
router.register("validation-runs", ValidationRunViewSet, basename="validation-runs")

urlpatterns = router.urls
