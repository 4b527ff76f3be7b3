"""Addresses of the kuramoto API."""

from rest_framework.routers import SimpleRouter

from kuramoto.api.networks import RealityStatusViewSet
from kuramoto.api.views import OscillatorStateViewSet, SynchronizationEventViewSet

router = SimpleRouter()
router.register("oscillators", OscillatorStateViewSet, basename="oscillators")
router.register("sync-events", SynchronizationEventViewSet, basename="sync-events")
router.register("networks/status", RealityStatusViewSet, basename="network-status")

urlpatterns = router.urls
