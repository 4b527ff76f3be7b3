"""Addresses of the constitutional API."""

from rest_framework.routers import SimpleRouter

from constitutional.api.activity import UserActivityViewSet
from constitutional.api.views import PolicyViewSet, ViolationViewSet

router = SimpleRouter()
router.register("policies", PolicyViewSet, basename="policies")
router.register("users/activity", UserActivityViewSet, basename="user-activity")
router.register("violations", ViolationViewSet, basename="violations")

urlpatterns = router.urls
