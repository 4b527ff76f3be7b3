"""Addresses of the cognitive API."""

from rest_framework.routers import SimpleRouter

from cognitive.api.complexity import (
    ComplexityRecordViewSet,
    ComplexitySnapshotViewSet,
    ComplexitySummaryViewSet,
    DailyComplexityViewSet,
)
from cognitive.api.views import CognitiveSessionViewSet, MemoryViewSet

router = SimpleRouter()
router.register("cognitive-sessions", CognitiveSessionViewSet, basename="cognitive-sessions")
router.register("memories", MemoryViewSet, basename="memories")
router.register("complexity/records", ComplexityRecordViewSet, basename="complexity-records")
router.register("complexity/snapshots", ComplexitySnapshotViewSet, basename="complexity-snapshots")
router.register("complexity/summary", ComplexitySummaryViewSet, basename="complexity-summary")
router.register("complexity/daily", DailyComplexityViewSet, basename="complexity-daily")

urlpatterns = router.urls
