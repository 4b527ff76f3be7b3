"""Addresses of the cognitive API."""

from rest_framework.routers import SimpleRouter

from cognitive.api.views import CognitiveSessionViewSet, MemoryViewSet

router = SimpleRouter()
router.register("cognitive-sessions", CognitiveSessionViewSet, basename="cognitive-sessions")
router.register("memories", MemoryViewSet, basename="memories")

urlpatterns = router.urls
