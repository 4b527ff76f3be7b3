"""Addresses of the core app's API."""

from rest_framework.routers import SimpleRouter

from core.api.audit import AuditCheckpointViewSet, AuditEntryViewSet, AuditStatusViewSet
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
router.register("audit/entries", AuditEntryViewSet, basename="audit-entries")
router.register("audit/checkpoints", AuditCheckpointViewSet, basename="audit-checkpoints")
router.register("audit/status", AuditStatusViewSet, basename="audit-status")

urlpatterns = router.urls
