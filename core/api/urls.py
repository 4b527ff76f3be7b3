"""Addresses of the core app's API."""

from rest_framework.routers import SimpleRouter

from core.api.config import ConfigViewSet
from core.api.fields import FieldViewSet
from core.api.networks import NetworkViewSet
from core.api.neurons import NeuronViewSet
from core.api.runs import RunViewSet

router = SimpleRouter()
router.register("runs", RunViewSet, basename="runs")
router.register("networks", NetworkViewSet, basename="networks")
router.register("neurons", NeuronViewSet, basename="neurons")
router.register("config", ConfigViewSet, basename="config")
router.register("fields", FieldViewSet, basename="fields")

urlpatterns = router.urls
