"""Addresses of the accounts API."""

from rest_framework.routers import SimpleRouter

from accounts.api.keys import ApiKeyViewSet
from accounts.api.partners import PartnerViewSet

router = SimpleRouter()
router.register("api-keys", ApiKeyViewSet, basename="api-keys")
router.register("partners", PartnerViewSet, basename="partners")

urlpatterns = router.urls
