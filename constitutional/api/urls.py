"""Addresses of the constitutional API."""

from rest_framework.routers import SimpleRouter

from constitutional.api.views import PolicyViewSet, ViolationViewSet

router = SimpleRouter()
router.register("policies", PolicyViewSet, basename="policies")
router.register("violations", ViolationViewSet, basename="violations")

urlpatterns = router.urls
