"""Addresses of the kuramoto API."""

from rest_framework.routers import SimpleRouter

from kuramoto.api.views import OscillatorStateViewSet, SynchronizationEventViewSet

router = SimpleRouter()
router.register("oscillators", OscillatorStateViewSet, basename="oscillators")
router.register("sync-events", SynchronizationEventViewSet, basename="sync-events")

urlpatterns = router.urls
